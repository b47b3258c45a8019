"""A matrix product or a convolution, and the addition of a bias behind it."""

import torch
import torch.nn.functional as F
from torch import Tensor

from onnxaudit.importer.fusion.neighborhood import ADD, Match, Neighborhood, newest
from onnxaudit.importer.graph import Step
from onnxaudit.importer.registry import make_operator

CONVOLUTION, RESHAPE = newest("Conv"), newest("Reshape")
PRODUCT = newest("MatMul")


def multiply_and_add(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
    """`x·W + b` for a matrix `W`."""
    if w.shape[1] != b.shape[0]:
        return torch.matmul(x, w) + b
    return F.linear(x, w.t(), b)


LINEAR = make_operator(multiply_and_add, "x", "w", "b")


def fuse_linear(step: Step, around: Neighborhood) -> Match | None:
    """MatMul by a stored matrix, Add of a stored vector."""
    if step.operator is not ADD:
        return None
    for name, bias in (step.inputs, step.inputs[::-1]):
        product = around.find_sole(name, PRODUCT)
        if product is None or bias not in around.stored or around.find_rank(bias) != 1:
            continue
        if around.find_rank(product.inputs[1]) == 2:
            fused = Step(f"{product.name} with {step.name}", LINEAR, {}, (*product.inputs, bias), step.outputs, {})
            return Match(fused, (product,))
    return None


def fuse_bias(step: Step, around: Neighborhood) -> Match | None:
    """Conv without a bias, Add of a stored vector along the channels."""
    if step.operator is not ADD:
        return None
    for name, spread in (step.inputs, step.inputs[::-1]):
        convolution, reshape = around.find_sole(name, CONVOLUTION), around.find_maker(spread)
        if convolution is None or convolution.inputs[2:] or reshape is None or reshape.operator is not RESHAPE:
            continue
        weight, bias = around.find_stored(convolution.inputs[1]), around.stored.get(reshape.inputs[0])
        if weight is None or bias is None or tuple(bias.shape) != (len(weight),):
            continue
        shapes = [[1, size, *[1] * (weight.ndim - 2)] for size in (-1, len(weight))]
        if reshape.values.get(1) in shapes:
            inputs = (*convolution.inputs, reshape.inputs[0])
            absorbed = (convolution, reshape) if around.is_read_by(reshape, step) else (convolution,)
            whole = f"{convolution.name} with {step.name}"
            return Match(Step(whole, CONVOLUTION, convolution.attributes, inputs, step.outputs, {}), absorbed)
    return None
