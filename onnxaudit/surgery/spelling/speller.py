"""Quantized operators spelt out: the working copy in which surgery sees their weights and activations as floats.

    QLinearConv(x, w, b)             ->  Q(Conv(D(x), D(w), D(b)))
    MatMulInteger(x, w) · s_x · s_w  ->  MatMul(D(x), D(w))

with `Q` for QuantizeLinear and `D` for DequantizeLinear, and so for their kin. The stored whole numbers stay the
vendor's own tensors, which both graphs share, so that an edit of their floats is an edit of the file: rounded with the
scale that the file has. What does not fit (channels last, scales that are computed in another way) stays as it is.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import onnx
from onnx import helper

from onnxaudit.intake.model import Model
from onnxaudit.surgery.spelling.draft import Draft, find_input, read_attribute

Triple = tuple[int, int, int]  # positions of whole numbers, scale and zero point
PAIR: tuple[Triple, ...] = ((0, 1, 2), (3, 4, 5))


@dataclass(frozen=True)
class Form:
    """How a quantized operator is laid out, and the operator on floats that it stands for."""

    float_op: str
    operands: tuple[Triple, ...]
    scale: int
    zero_point: int
    bias: int | None = None


FORMS = {
    "QLinearConv": Form("Conv", PAIR, 6, 7, bias=8),
    "QLinearMatMul": Form("MatMul", PAIR, 6, 7),
    "QGemm": Form("Gemm", PAIR, 7, 8, bias=6),
    "QLinearAdd": Form("Add", PAIR, 6, 7),
    "QLinearMul": Form("Mul", PAIR, 6, 7),
    "QLinearSigmoid": Form("Sigmoid", PAIR[:1], 3, 4),
    "QLinearLeakyRelu": Form("LeakyRelu", PAIR[:1], 3, 4),
    "QLinearAveragePool": Form("AveragePool", PAIR[:1], 3, 4),
    "QLinearGlobalAveragePool": Form("GlobalAveragePool", PAIR[:1], 3, 4),
}


def spell_out(model: Model) -> Model:
    """`model` with a working copy in which its quantized operators are spelt out; the very same where it has none."""
    if not (RULES.keys() - {"DequantizeLinear"}) & {node.op_type for node in model.computed.graph.node}:
        return model
    draft = Draft(model.computed, model.info.output.logits)
    for node in draft.source.graph.node:
        rule = RULES.get(node.op_type)
        if node.output[0] not in draft.done and (rule is None or not rule(draft, node)):
            draft.nodes.append(node)
    return replace(model, working=draft.finish())


def _spell_form(draft: Draft, node: onnx.NodeProto) -> bool:
    """An operator that takes and gives whole numbers with scales."""
    form = FORMS[node.op_type]
    triples = [[find_input(node, place) for place in triple] for triple in form.operands]
    bias = "" if form.bias is None else find_input(node, form.bias)
    scales = [triple[1] for triple in triples]
    if read_attribute(node, "channels_last", 0) or (bias and not draft.stored.keys() >= {bias, *scales}):
        return False
    axes = (-1, _find_axis(node, form))
    operands = [draft.read(*triple, axis=axis) for triple, axis in zip(triples, axes, strict=False)]
    if bias:
        scale = read_attribute(node, "alpha", 1.0) * draft.value(scales[0]) * draft.value(scales[1])
        operands.append(draft.read(bias, draft.store(scale, f"scale of {bias}"), "", axis=0))
    attributes = _read_attributes(node, but="channels_last")
    result = draft.emit(form.float_op, operands, node, **attributes)
    _round(draft, node, result, find_input(node, form.scale), find_input(node, form.zero_point))
    return True


def _find_axis(node: onnx.NodeProto, form: Form) -> int:
    """Along which axis of the second operand several scales are counted."""
    first = form.float_op == "Conv" or (form.float_op == "Gemm" and read_attribute(node, "transB", 0))
    return 0 if first else 1


def _spell_concatenation(draft: Draft, node: onnx.NodeProto) -> bool:
    parts = [draft.read(*node.input[start : start + 3]) for start in range(2, len(node.input), 3)]
    _round(draft, node, draft.emit("Concat", parts, node, axis=read_attribute(node, "axis", 1)), *node.input[:2])
    return True


def _round(draft: Draft, node: onnx.NodeProto, result: str, scale: str, zero: str) -> None:
    """Whole numbers of a float result, under the node's own output name; floats where the node gives such."""
    if scale:
        draft.add("QuantizeLinear", [result, scale, *([zero] if zero else [])], node.output[0])
    else:
        draft.add("Identity", [result], node.output[0])


def _spell_dequantization(draft: Draft, node: onnx.NodeProto) -> bool:
    if node.input[0] in draft.stored or read_attribute(node, "block_size", 0):
        return False
    draft.add("Identity", [draft.read(*node.input, axis=read_attribute(node, "axis", 1))], node.output[0])
    return True


def _spell_integer_product(draft: Draft, node: onnx.NodeProto) -> bool:
    """A product of whole numbers with the scales that follow behind it."""
    scaled = _find_scaled(draft, node)
    if scaled is None:
        return False
    product, source_scale, weight_scale = scaled
    source, weight, source_zero, weight_zero = (find_input(node, place) for place in range(4))
    convolves = node.op_type == "ConvInteger"
    axis = 0 if convolves else len(draft.stored[weight].dims) - 1
    if not _fit(draft, weight_scale, weight_zero) or (convolves and draft.value(weight_scale).size > 1):
        return False
    operands = [draft.read(source, source_scale, source_zero)]
    operands.append(draft.read(weight, weight_scale, weight_zero, axis=axis))
    biased = _find_bias(draft, node, product) if convolves else None
    if biased is not None:
        product, bias = biased
        operands.append(bias)
    result = draft.emit("Conv" if convolves else "MatMul", operands, node, **_read_attributes(node))
    draft.add("Identity", [result], product)
    draft.done.add(product)
    return True


def _find_scaled(draft: Draft, node: onnx.NodeProto) -> tuple[str, str, str] | None:
    """The tensor in which an integer product has its scale, and the scales of both factors; None if not known."""
    cast, source = draft.only_reader(node.output[0]), draft.makers.get(node.input[0])
    product = draft.only_reader(cast.output[0]) if cast is not None and cast.op_type == "Cast" else None
    if cast is None or product is None or product.op_type != "Mul" or node.input[1] not in draft.stored:
        return None
    factor = draft.makers.get(next((name for name in product.input if name != cast.output[0]), ""))
    if factor is None or factor.op_type != "Mul" or source is None or source.op_type != "DynamicQuantizeLinear":
        return None
    known = [name for name in factor.input if name in draft.stored]
    if len(known) != 1 or source.output[1] not in factor.input:
        return None
    return product.output[0], source.output[1], known[0]


def _find_bias(draft: Draft, node: onnx.NodeProto, product: str) -> tuple[str, str] | None:
    """The tensor in which a convolution has its bias, and the bias `(channels,)`, where a sum follows that adds one."""
    added = draft.only_reader(product)
    if added is None or added.op_type != "Add":
        return None
    maker = draft.makers.get(next((name for name in added.input if name != product), ""))
    if maker is None or maker.op_type != "Reshape" or maker.input[0] not in draft.stored:
        return None
    rows = draft.stored[node.input[1]].dims[0]
    return (added.output[0], maker.input[0]) if list(draft.stored[maker.input[0]].dims) == [rows] else None


def _fit(draft: Draft, scale: str, zero: str) -> bool:
    """Whether a zero point has the shape of its scale, as DequantizeLinear wants it."""
    return not zero or (zero in draft.stored and draft.stored[zero].dims == draft.stored[scale].dims)


def _spell_dynamic_product(draft: Draft, node: onnx.NodeProto) -> bool:
    source, weight, scale, zero, bias = (find_input(node, place) for place in range(5))
    triple = [draft.name(f"{source} {part}") for part in ("quantized", "scale", "zero point")]
    draft.nodes.append(helper.make_node("DynamicQuantizeLinear", [source], triple))
    return _add_product(draft, node, triple, (weight, scale, zero), bias)


def _spell_product_to_float(draft: Draft, node: onnx.NodeProto) -> bool:
    source, weight, scale, weight_scale, zero, weight_zero, bias = (find_input(node, place) for place in range(7))
    return _add_product(draft, node, (source, scale, zero), (weight, weight_scale, weight_zero), bias)


def _add_product(draft: Draft, node: onnx.NodeProto, source: Any, weight: Any, bias: str) -> bool:
    result = draft.emit("MatMul", [draft.read(*source), draft.read(*weight, axis=1)], node)
    operator, inputs = ("Add", [result, bias]) if bias else ("Identity", [result])
    draft.add(operator, inputs, node.output[0])
    return True


def _read_attributes(node: onnx.NodeProto, but: str = "") -> dict[str, Any]:
    return {item.name: helper.get_attribute_value(item) for item in node.attribute if item.name != but}


# Each emits what stands for a node, and says whether anything does.
RULES: dict[str, Callable[[Draft, onnx.NodeProto], bool]] = {
    **dict.fromkeys(FORMS, _spell_form),
    "QLinearConcat": _spell_concatenation,
    "DequantizeLinear": _spell_dequantization,
    "MatMulInteger": _spell_integer_product,
    "ConvInteger": _spell_integer_product,
    "DynamicQuantizeMatMul": _spell_dynamic_product,
    "MatMulIntegerToFloat": _spell_product_to_float,
}
