"""Carry edits out on a protobuf; everything that no edit names stays as it is, byte for byte.

An operand that others use as well is copied first, under a new name, so that an edit touches the intended node only.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from onnxaudit.surgery.removal.edits import AddToBias, Crop, Cut, Edit, SetGroups, SetShape
from onnxaudit.surgery.removal.parts import Parts
from onnxaudit.surgery.removal.slots import Slot

Kept = npt.NDArray[np.bool_]


def apply_edits(source: onnx.ModelProto, edits: Iterable[Edit], slots: Mapping[str, Slot]) -> onnx.ModelProto:
    """A copy of `source` without the entries that `edits` take out; declared sizes of `slots` follow."""
    parts = Parts(source)
    for edit in sorted(edits, key=_rank):
        _apply(parts, edit)
    parts.drop_unread()
    for name, slot in slots.items():
        parts.resize_declared(name, slot.axis, int(slot.kept.sum()))
    return parts.proto


def _rank(edit: Edit) -> int:
    """Constants are taken up while the bias has all its rows."""
    return 0 if isinstance(edit, AddToBias) else 1


def _apply(parts: Parts, edit: Edit) -> None:
    node = parts.makers[parts.before.get(edit.node, edit.node)]
    match edit:
        case Cut():
            key = (node.input[edit.operand], edit.axis, edit.kept.tobytes())
            if key not in parts.cuts:
                parts.cuts[key] = _cut(parts, node.input[edit.operand], edit.axis, edit.kept)
            parts.set_input(node, edit.operand, parts.cuts[key])
        case Crop():
            _crop(parts, node, edit)
        case SetGroups():
            next(item for item in node.attribute if item.name == "group").i = edit.groups
        case SetShape():
            parts.set_input(node, 1, parts.store(np.array(edit.shape, np.int64), node.input[1]))
        case AddToBias():
            _add_to_bias(parts, node, edit.constant)


def _cut(parts: Parts, name: str, axis: int, kept: Kept, alone: bool = True) -> str:
    """The name of tensor `name` without the entries that go: the same where nobody else reads it."""
    alone = alone and parts.readers[name] == 1
    if name in parts.stored:
        value = _select(numpy_helper.to_array(parts.stored[name]), axis, kept)
        return parts.replace(name, value) if alone else parts.store(value, name)
    node = parts.makers[name] if alone else parts.copy(parts.makers[name])
    if node.op_type == "DequantizeLinear":
        _cut_scales(parts, node, axis, kept, alone)
    parts.set_input(node, 0, _cut(parts, node.input[0], _axis_before(node, axis), kept, alone))
    if alone:
        parts.resize_declared(name, axis, int(kept.sum()) // (len(kept) if kept.ndim > 1 else 1))
    return str(node.output[0])


def _cut_scales(parts: Parts, node: onnx.NodeProto, axis: int, kept: Kept, alone: bool) -> None:
    """Scale and zero point, where there is one for each entry along the axis."""
    if helper.get_node_attr_value(node, "axis") != axis if _has(node, "axis") else axis != 1:
        return
    for index in range(1, len(node.input)):
        if node.input[index] and parts.count(node.input[index]) > 1:
            parts.set_input(node, index, _cut(parts, node.input[index], 0, kept, alone))


def _select(value: npt.NDArray[Any], axis: int, kept: Kept) -> npt.NDArray[Any]:
    if kept.ndim == 1:
        return value.compress(kept, axis)
    blocks = np.split(value, len(kept), axis=0)
    return np.concatenate([block.compress(choice, axis) for block, choice in zip(blocks, kept, strict=True)])


def _axis_before(node: onnx.NodeProto, axis: int) -> int:
    """The axis of a node's input that becomes `axis` of its output."""
    if node.op_type != "Transpose":
        return axis
    order = helper.get_node_attr_value(node, "perm") if _has(node, "perm") else (1, 0)
    return int(order[axis])


def _has(node: onnx.NodeProto, attribute: str) -> bool:
    return any(item.name == attribute for item in node.attribute)


def _crop(parts: Parts, node: onnx.NodeProto, edit: Crop) -> None:
    places = parts.store(np.flatnonzero(edit.kept).astype(np.int64), f"{edit.node} kept")
    cropped = parts.name(f"{node.input[edit.operand]} cropped")
    gather = helper.make_node("Gather", [node.input[edit.operand], places], [cropped], cropped, axis=edit.axis)
    parts.insert(gather, node)
    parts.set_input(node, edit.operand, cropped)


def _add_to_bias(parts: Parts, node: onnx.NodeProto, constant: npt.NDArray[Any]) -> None:
    if len(node.input) > 2 and node.input[2]:
        name = node.input[2]
        bias = numpy_helper.to_array(parts.stored[name])
        value = (bias.astype(np.float64) + constant).astype(bias.dtype)
        alone = parts.readers[name] == 1
        parts.set_input(node, 2, parts.replace(name, value) if alone else parts.store(value, name))
        return
    kind = helper.tensor_dtype_to_np_dtype(parts.stored[node.input[1]].data_type)
    if node.op_type == "MatMul":
        parts.add_behind(node, constant.astype(kind))
        return
    if len(node.input) < 3:
        node.input.append("")
    parts.set_input(node, 2, parts.store(constant.astype(kind), f"{node.output[0]} bias"))
