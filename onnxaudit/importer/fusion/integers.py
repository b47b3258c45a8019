"""Products of whole numbers behind DynamicQuantizeLinear as products of floats.

    Cast(product(q, codes; z, z_w)) · (s · s_w)   is   product((q − z) · s, (codes − z_w) · s_w)

The left side, as onnxruntime's dynamic quantizer writes it, takes a pass over the data for each operation, there and
back; on the right the data is rounded in one, and the weights are spelled out once.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from onnxaudit.importer.dynamic_ranges import quantize_batches
from onnxaudit.importer.encoded_weights import VIEW
from onnxaudit.importer.fusion.derived import ROUND_WEIGHT, Derived
from onnxaudit.importer.fusion.fake_quantization import ROUND_IN_RANGE
from onnxaudit.importer.fusion.neighborhood import MULTIPLY, Neighborhood, newest
from onnxaudit.importer.graph import Step, read_names
from onnxaudit.importer.ops.quantization import convolve_integers, multiply_integers, quantize_dynamically

CAST = newest("Cast")
WHOLE = (newest("ConvInteger"), newest("MatMulInteger"))
FLOAT = {convolve_integers: newest("Conv"), multiply_integers: newest("MatMul")}


class Found(NamedTuple):
    """The steps of one product of whole numbers."""

    rounding: Step
    view: Step
    product: Step
    last: Step


def spell_products(
    steps: Sequence[Step],
    keep: Collection[str],
    stored: Mapping[str, Tensor],
    fixed: Collection[str],
    derived: dict[str, Derived],
) -> list[Step]:
    """The same steps with products of floats in place of products of whole numbers; arguments as for `fuse`."""
    around = Neighborhood(steps, keep, stored, fixed)
    result: list[Step] = []
    made: set[str] = set()
    replaced: set[int] = set()
    for step in steps:
        found = find_product(step, around)
        if found is None:
            result.append(step)
            continue
        replaced.update(map(id, found))
        for new in _spell(found, derived):
            if new.outputs[0] not in made:
                made.add(new.outputs[0])
                result.append(new)
    return _drop_unread(result, {*keep, *stored}, replaced) if replaced else list(steps)


def find_product(step: Step, around: Neighborhood) -> Found | None:
    """The steps of the product whose scales are multiplied last, in `step`; None where it is something else."""
    if step.operator is not MULTIPLY:
        return None
    for name, factor in (step.inputs, step.inputs[::-1]):
        cast, scales = around.find_sole(name, CAST), around.find_maker(factor)
        product = around.find_sole(cast.inputs[0], *WHOLE) if cast is not None else None
        if product is None or scales is None or scales.operator is not MULTIPLY or len(product.inputs) < 3:
            continue
        rounding, view = around.find_maker(product.inputs[0]), around.find_maker(product.inputs[1])
        if rounding is None or rounding.operator.function not in (quantize_dynamically, quantize_batches):
            continue
        codes, scale, zero = rounding.outputs
        if (product.inputs[0], product.inputs[2]) != (codes, zero) or scale not in scales.inputs:
            continue
        others = [other for other in scales.inputs if other != scale]
        if view is not None and view.operator is VIEW and len(others) == 1 and _agree(view, product, others[0], around):
            return Found(rounding, view, product, step)
    return None


def _agree(view: Step, product: Step, factor: str, around: Neighborhood) -> bool:
    """Whether the weight's codes are read with the scale and the zero point that they were made with."""
    scale, zero = (around.stored.get(name) for name in view.inputs[1:])
    behind, taken = around.stored.get(factor), around.stored.get((*product.inputs, "")[3])
    same_zero = zero is taken is None or (zero is not None and taken is not None and torch.equal(zero, taken))
    return same_zero and scale is not None and behind is not None and torch.equal(scale.flatten(), behind.flatten())


def _spell(found: Found, derived: dict[str, Derived]) -> tuple[Step, Step, Step]:
    """Rounding, weight and product in floats."""
    rounding, view, product, last = found
    values, weight = f"values of {rounding.outputs[0]}", f"values of {view.outputs[0]}"
    range_of = {"place": tuple(rounding.attributes.items())} if rounding.attributes else {}
    kept = {"axis": view.attributes["axis"], "derived": derived.setdefault(weight, Derived())}
    return (
        Step(f"rounding of {rounding.name}", ROUND_IN_RANGE, range_of, rounding.inputs, (values,), {}),
        Step(f"values of {view.name}", ROUND_WEIGHT, kept, view.inputs, (weight,), {}),
        Step(product.name, FLOAT[product.operator.function], product.attributes, (values, weight), last.outputs, {}),
    )


def _drop_unread(steps: list[Step], keep: Collection[str], replaced: Collection[int]) -> list[Step]:
    """The same steps without those that nobody reads any more, which served a product that was replaced."""
    reads = Counter(name for step in steps for name in read_names(step))
    left: list[Step] = []
    for step in reversed(steps):
        served = id(step) in replaced or step.operator in (CAST, MULTIPLY)
        if served and not any(reads[name] or name in keep for name in step.outputs):
            reads.subtract(read_names(step))
        else:
            left.append(step)
    return left[::-1]
