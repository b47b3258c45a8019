"""Operators that treat every entry by itself: activations, sums, products, batch normalization, rounding."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper
from onnx.reference import ReferenceEvaluator

from onnxaudit.surgery.activation import AFFINE, CURVED
from onnxaudit.surgery.removal.edits import Edit, cut_operand
from onnxaudit.surgery.removal.network import Network, describe
from onnxaudit.surgery.removal.slots import RefusalError, Slot

ELEMENTWISE = (
    AFFINE
    | CURVED
    | {"Sum", "Mean", "Max", "Where", "Reciprocal", "Sign", "Floor", "Ceil", "Round"}
    | {
        *("Log", "Sin", "Cos", "Atan", "QuickGelu", "Shrink", "Log1p", "Not", "Greater", "Less", "Equal"),
    }
)
Values = Mapping[str, npt.NDArray[np.float64]]


def relate(network: Network, node: Any, name: str, slot: Slot) -> dict[str, Slot]:
    """The same entries of the result and of every other computed operand that is not broadcast along them."""
    if node.op == "BatchNormalization" and slot.axis != 1:
        raise RefusalError(f"{describe(node)} takes it as a place, not as a channel", name)
    result = node.outputs[0].name
    shapes = {tensor.name: network.shape(tensor.name) for tensor in network.varying(node)}
    rank = len(network.shape(result))
    axis = slot.axis + rank - len(network.shape(name))
    if network.shape(result)[axis] != len(slot.owners):
        raise RefusalError(f"{describe(node)} spreads it over several entries", name)
    related = {result: slot.on(axis)}
    for other, shape in shapes.items():
        place = axis - (rank - len(shape))
        if place >= 0 and shape[place] != 1:
            related[other] = slot.on(place)
    return related


def edits(network: Network, node: Any, slots: Mapping[str, Slot]) -> Iterator[Edit]:
    """Stored operands lose the entries that meet those that go."""
    result = node.outputs[0].name
    slot, rank = slots[result], len(network.shape(result))
    for index, tensor in enumerate(node.inputs):
        if not tensor.name or not network.is_stored(tensor):
            continue
        shape = network.read(tensor).shape
        axis = _operand_axis(node, slot.axis, rank, shape)
        if axis is not None and shape[axis] == len(slot.owners) > 1:
            yield from cut_operand(node, index, axis, slot.kept)


def value(network: Network, node: Any, slot: Slot, values: Values) -> npt.NDArray[np.float64]:
    """What the result is where its operands are constant `(size,)`; NaN where it varies."""
    unknown = np.full(len(slot.owners), np.nan)
    if node.op == "Mul":  # a gate is finite: nothing comes of zero, whatever the gate
        zero = [values[tensor.name] == 0 for tensor in node.inputs if tensor.name in values]
        unknown = np.where(np.any([unknown == 0, *zero], axis=0), 0.0, unknown)
    inputs = {}
    rank = len(network.shape(node.outputs[0].name))
    for tensor in node.inputs:
        if not tensor.name:
            continue
        if network.is_stored(tensor):
            inputs[tensor.name] = _as_float(network.read(tensor))
        elif tensor.name in values:
            shape = [1] * rank
            shape[slot.axis] = len(slot.owners)
            inputs[tensor.name] = values[tensor.name].astype(np.float32).reshape(shape)
        else:
            return unknown
    result = _compute(network, node, inputs, slot)
    if result is None:
        return unknown
    places = np.moveaxis(np.broadcast_to(result, np.broadcast_shapes(result.shape, (1,) * rank)), slot.axis, 0)
    places = places.reshape(len(places), -1)
    if len(places) != len(unknown):
        return unknown
    # Not every operator makes NaN of NaN: a comparison does not.
    known = np.all([~np.isnan(values[tensor.name]) for tensor in node.inputs if tensor.name in values], axis=0)
    same = (places == places[:, :1]).all(axis=1)
    return np.where(known & same, places[:, 0].astype(np.float64), unknown)


def _operand_axis(node: Any, axis: int, rank: int, shape: tuple[int, ...]) -> int | None:
    """The axis of a stored operand of `shape` that meets `axis` of the result, or None."""
    if node.op == "BatchNormalization":
        return 0
    if node.op in ("QuantizeLinear", "DequantizeLinear"):
        return 0 if shape and int(node.attrs.get("axis", 1)) % rank == axis else None
    place = axis - (rank - len(shape))
    return place if place >= 0 else None


def _compute(network: Network, node: Any, inputs: dict[str, npt.NDArray[Any]], slot: Slot) -> npt.NDArray[Any] | None:
    if node.op in ("Identity", "Dropout", "Cast"):
        return next(iter(inputs.values()))
    if node.op in ("QuantizeLinear", "DequantizeLinear"):
        return _round(node, list(inputs.values()), slot, len(network.shape(node.outputs[0].name)))
    with np.errstate(all="ignore"):
        return _evaluate(node, inputs, network.opset)


def _round(node: Any, operands: list[npt.NDArray[Any]], slot: Slot, rank: int) -> npt.NDArray[Any]:
    """Codes of values, or values of codes; what is not zero may be rounded, and counts as unknown."""
    value, scale, *zero = operands
    shape = [-1 if index == slot.axis else 1 for index in range(rank)]
    scale, shift = (
        part.reshape(shape) if part.size > 1 else part.reshape(()) for part in (scale, *(zero or [np.zeros(1)]))
    )
    if node.op == "DequantizeLinear":
        return np.asarray((value - shift) * scale)
    return np.where(value == 0, value + shift, np.nan)


def _evaluate(node: Any, inputs: dict[str, npt.NDArray[Any]], opset: int) -> npt.NDArray[Any] | None:
    """What onnx's reference computes; None where it does not know the operator."""
    attributes: dict[str, Any] = {
        key: item for key, item in node.attrs.items() if isinstance(item, int | float | str | list)
    }
    proto = helper.make_node(node.op, [tensor.name for tensor in node.inputs], ["result"], **attributes)
    graph = helper.make_graph(
        [proto],
        "entry",
        [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in inputs],
        [helper.make_tensor_value_info("result", onnx.TensorProto.FLOAT, None)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid(node.domain or "", opset)])
    try:
        (result,) = ReferenceEvaluator(model).run(None, inputs)
    except Exception:  # it raises whatever its parts raise; an unknown value only keeps a neuron in its place
        return None
    return np.asarray(result)


def _as_float(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return array.astype(np.float32) if array.dtype != np.bool_ else array
