"""Attention written as two matrix products around a softmax.

softmax(s·Q·Kᵀ + mask)·V
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from onnxaudit.importer.fusion.neighborhood import ADD, DIVIDE, MULTIPLY, Match, Neighborhood, newest
from onnxaudit.importer.graph import MISSING, Step
from onnxaudit.importer.ops.activation import share
from onnxaudit.importer.registry import make_operator

PRODUCT, SOFTMAX = newest("MatMul"), newest("Softmax")


def attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, *, scale: float, axis: int) -> Tensor:
    """Attention of `q` `(n, h, l, e)` to `k` `(n, h, e, s)` and `v` `(n, h, s, d)`; other shapes as they are."""
    plain = q.ndim == k.ndim == v.ndim == 4 and q.shape[:2] == k.shape[:2] == v.shape[:2] and axis in (-1, 3)
    if plain and (mask is None or mask.ndim <= 4):
        return F.scaled_dot_product_attention(q, k.transpose(2, 3), v, mask, scale=scale)
    scores = torch.matmul(q, k) * scale
    return torch.matmul(share(scores if mask is None else scores + mask, axis), v)


ATTENTION = make_operator(attend, "q", "k", "v", "mask")


def fuse_attention(step: Step, around: Neighborhood) -> Match | None:
    """MatMul, a scale and a mask where there are any, Softmax, MatMul."""
    softmax = around.find_sole(step.inputs[0], SOFTMAX) if step.operator is PRODUCT else None
    if softmax is None:
        return None
    name, absorbed = softmax.inputs[0], [softmax]
    mask, scale = MISSING, 1.0
    total = around.find_sole(name, ADD)
    if total is not None:
        # The scores are the term that a product or its scaling makes.
        found = [term for term in total.inputs if around.find_sole(term, PRODUCT, MULTIPLY, DIVIDE)]
        if len(found) != 1:
            return None
        name, mask = found[0], total.inputs[1 - total.inputs.index(found[0])]
        absorbed.append(total)
    scaled = around.find_sole(name, MULTIPLY, DIVIDE)
    if scaled is not None:
        number = around.find_number(scaled.inputs[1])
        if not number:
            return None
        name, scale = scaled.inputs[0], number if scaled.operator is MULTIPLY else 1 / number
        absorbed.append(scaled)
    scores = around.find_sole(name, PRODUCT)
    if scores is None:
        return None
    attributes = {"scale": scale, "axis": softmax.attributes.get("axis", -1)}
    inputs = (*scores.inputs, step.inputs[1], mask)
    fused = Step(f"attention up to {step.name}", ATTENTION, attributes, inputs, step.outputs, {})
    return Match(fused, (*absorbed, scores))
