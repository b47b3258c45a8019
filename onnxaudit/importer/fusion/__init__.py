"""Several steps as one pass over the data, where nobody else reads what lies between.

Fusion happens when a plan is made, for the tensors that this plan is asked for: any intermediate tensor can still be
asked for under its ONNX name, and is then computed by steps that end there.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from torch import Tensor

from onnxaudit.importer.fusion.activation import fuse_gelu, fuse_silu, overwrite_by_relu
from onnxaudit.importer.fusion.attention import fuse_attention
from onnxaudit.importer.fusion.derived import Derived
from onnxaudit.importer.fusion.fake_quantization import (
    fuse_rounding,
    overwrite_by_rounding,
    skip_rounded,
)
from onnxaudit.importer.fusion.integers import spell_products
from onnxaudit.importer.fusion.linear import fuse_bias, fuse_linear
from onnxaudit.importer.fusion.neighborhood import IDENTITY, Neighborhood, Rule
from onnxaudit.importer.fusion.normalization import fuse_normalization
from onnxaudit.importer.graph import Step

__all__ = ["Derived", "fuse"]


def fuse(
    steps: Sequence[Step],
    keep: Collection[str],
    stored: Mapping[str, Tensor],
    fixed: Collection[str],
    derived: dict[str, Derived],
) -> list[Step]:
    """Steps that compute the same, fewer of them.

    Args:
        steps: what is to be computed, in order.
        keep: tensors that are wanted or fed, which have to stay.
        stored: tensors that are there from the start.
        fixed: names of those that never change.
        derived: what is computed of weights alone, by the name of a tensor that it serves; entries are added.
    """
    rules: list[Rule] = [
        fuse_bias,
        lambda step, around: fuse_normalization(step, around, derived),
        fuse_gelu,
        fuse_silu,
        fuse_linear,
        fuse_attention,
        fuse_rounding,
        skip_rounded,
        overwrite_by_rounding,
        overwrite_by_relu,
    ]
    result = spell_products(skip_identities(steps, {*keep, *stored}), keep, stored, fixed, derived)
    for rule in rules:
        result = _apply(rule, result, Neighborhood(result, keep, stored, fixed))
    return result


def skip_identities(steps: Sequence[Step], keep: Collection[str]) -> list[Step]:
    """The same steps, reading what an Identity reads in place of what it writes."""
    sources: dict[str, str] = {}
    result = []
    for step in steps:
        inputs = tuple(sources.get(name, name) for name in step.inputs)
        if step.operator is IDENTITY and step.outputs[0] not in keep:
            sources[step.outputs[0]] = inputs[0]
        else:
            result.append(step if inputs == step.inputs else replace(step, inputs=inputs))
    return result


def _apply(rule: Rule, steps: list[Step], around: Neighborhood) -> list[Step]:
    replaced: dict[int, Step] = {}
    absorbed: set[int] = set()
    for step in steps:
        match = rule(step, around)
        if match is not None and not any(id(part) in absorbed or id(part) in replaced for part in match.absorbed):
            replaced[id(step)] = match.step
            absorbed.update(id(part) for part in match.absorbed)
    return [replaced.get(id(step), step) for step in steps if id(step) not in absorbed]
