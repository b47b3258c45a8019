"""Activations that exporters write as several operators, and those that need no memory of their own."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from onnxaudit.importer.fusion.linear import LINEAR
from onnxaudit.importer.fusion.neighborhood import (
    ADD,
    DIVIDE,
    MULTIPLY,
    Match,
    Neighborhood,
    newest,
)
from onnxaudit.importer.fusion.normalization import FUSED
from onnxaudit.importer.graph import Step
from onnxaudit.importer.registry import make_operator

ERF, SIGMOID, RELU = newest("Erf"), newest("Sigmoid"), newest("Relu")
CLOSE = 1e-6  # exporters write constants in float32

GELU = make_operator(F.gelu, "x")
SILU = make_operator(F.silu, "x")


def overwrite(x: Tensor) -> Tensor:
    """`max(0, x)` in the memory of `x`."""
    return torch.relu_(x)


OVERWRITTEN = make_operator(overwrite, "x")
# Their results are new tensors, and their gradients do not need them.
FRESH = (newest("Conv"), newest("Gemm"), ADD, FUSED, LINEAR)


def overwrite_by_relu(step: Step, around: Neighborhood) -> Match | None:
    """Relu of what nobody else reads."""
    if step.operator is not RELU or around.find_sole(step.inputs[0], *FRESH) is None:
        return None
    return Match(Step(step.name, OVERWRITTEN, {}, step.inputs, step.outputs, {}))


def fuse_silu(step: Step, around: Neighborhood) -> Match | None:
    """`x · sigmoid(x)`."""
    if step.operator is not MULTIPLY:
        return None
    for x, name in (step.inputs, step.inputs[::-1]):
        gate = around.find_sole(name, SIGMOID)
        if gate is not None and gate.inputs == (x,):
            return Match(Step(f"{gate.name} with {step.name}", SILU, {}, (x,), step.outputs, {}), (gate,))
    return None


def fuse_gelu(step: Step, around: Neighborhood) -> Match | None:
    """`½ · x · (1 + erf(x / √2))`, its factors in any order."""
    if step.operator is not MULTIPLY:
        return None
    number, names, products = _find_factors(step, around)
    if len(names) != 2 or not math.isclose(number, 0.5, rel_tol=CLOSE):
        return None
    for x, name in (names, names[::-1]):
        inner = _find_normal_distribution(x, name, around)
        if inner:
            return Match(Step(f"Gelu up to {step.name}", GELU, {}, (x,), step.outputs, {}), (*products, *inner))
    return None


def _find_factors(step: Step, around: Neighborhood) -> tuple[float, tuple[str, ...], tuple[Step, ...]]:
    """The numbers of a product multiplied, its tensors, and the products within it."""
    number = 1.0
    names: tuple[str, ...] = ()
    products: tuple[Step, ...] = ()
    for name in step.inputs:
        value, inner = around.find_number(name), around.find_sole(name, MULTIPLY)
        if value is not None:
            number *= value
        elif inner is not None:
            factor, within, deeper = _find_factors(inner, around)
            number, names, products = number * factor, (*names, *within), (*products, inner, *deeper)
        else:
            names = (*names, name)
    return number, names, products


def _find_normal_distribution(x: str, name: str, around: Neighborhood) -> tuple[Step, ...]:
    """The steps of `1 + erf(x / √2)`; none where `name` is something else."""
    total = around.find_sole(name, ADD)
    terms = [] if total is None else [term for term in total.inputs if around.find_number(term) != 1]
    erf = around.find_sole(terms[0], ERF) if len(terms) == 1 else None
    ratio = None if erf is None else around.find_sole(erf.inputs[0], DIVIDE, MULTIPLY)
    if total is None or erf is None or ratio is None or x not in ratio.inputs:
        return ()
    position = ratio.inputs.index(x)
    number = around.find_number(ratio.inputs[1 - position])
    wanted = math.sqrt(2) if ratio.operator is DIVIDE else math.sqrt(0.5)
    if ratio.operator is DIVIDE and position == 1:
        return ()
    if number is None or not math.isclose(number, wanted, rel_tol=CLOSE):
        return ()
    return (total, erf, ratio)
