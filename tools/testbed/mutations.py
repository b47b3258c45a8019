"""Random changes of files: of their bytes, and of a model's nodes, attributes, shapes, types, tensors and names."""

import json
import random
from collections.abc import Callable

import onnx
from onnx import TensorProto

EXTREME = (0, 1, -1, 2, 7, 2**15, 2**31 - 1, 2**31, -(2**31), 2**40, 2**62, -(2**63), 2**63 - 1)
ODD_FLOATS = (0.0, -1.0, 1e-30, 3e38, float("inf"), float("-inf"), float("nan"))
ODD_TEXTS = ("null", "NaN", "1e999", "-1", '"\\u0000"', "[" * 2_000, "{}", "[]", '"<script>"', "9" * 5_000, "true")
ODD_VALUES = ("null", "-1", "1e300", "[]", "{}", '"\\u001b[2J"', "true", "[[[[]]]]", str(2**70))
PLACES = ("w.bin", "../w.bin", "/dev/zero", "", "a\0b")
KINDS = (
    "Relu",
    "Neg",
    "Exp",
    "Log",
    "Softmax",
    "Flatten",
    "Transpose",
    "Identity",
    "Cast",
    "Shape",
    "Loop",
    "If",
    "Nope",
    "",
)


def change_bytes(data: bytes, chance: random.Random) -> bytes:
    """The bytes with one to four faults."""
    changed = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        at, length = chance.randrange(len(changed) + 1), chance.choice((1, 2, 8, 64))
        match chance.randrange(7):
            case 0:
                changed[at : at + 1] = bytes([chance.randrange(256)])
            case 1:
                del changed[at : at + length]
            case 2:
                changed[at:at] = changed[at : at + length]
            case 3:
                changed[at:at] = chance.randbytes(length)
            case 4:
                changed[at : at + length] = bytes(min(length, len(changed) - at))
            case 5:
                changed[at : at + length] = b"\xff" * min(length, len(changed) - at)
            case _:
                del changed[at:]
        if not changed:
            break
    return bytes(changed)


def change_graph(made: onnx.ModelProto, chance: random.Random) -> bytes:
    """The model with one to three faults that protobuf can write."""
    changed = onnx.ModelProto()
    changed.CopyFrom(made)
    for _ in range(chance.randint(1, 3)):
        chance.choice(CHANGES)(changed, chance)
    return changed.SerializeToString()


def change_text(text: str, chance: random.Random) -> bytes:
    """A document of JSON or TOML with other values, other keys or broken bytes."""
    if chance.random() < 0.5:
        return change_bytes(text.encode(), chance)
    odd = chance.choice(ODD_TEXTS)
    parts = text.split(chance.choice((":", "=", ",")))
    if len(parts) > 1:
        parts[chance.randrange(1, len(parts))] = f" {odd}\n"
    return ",".join(parts).encode()


def change_document(document: object, chance: random.Random) -> object:
    """A document of JSON with one value, somewhere, replaced."""
    if isinstance(document, dict) and document and chance.random() < 0.9:
        key = chance.choice(list(document))
        return {**document, key: change_document(document[key], chance)}
    if isinstance(document, list) and document and chance.random() < 0.9:
        at = chance.randrange(len(document))
        return [*document[:at], change_document(document[at], chance), *document[at + 1 :]]
    return json.loads(chance.choice(ODD_VALUES))


Change = Callable[[onnx.ModelProto, random.Random], None]


def _drop(made: onnx.ModelProto, chance: random.Random) -> None:
    if made.graph.node:
        del made.graph.node[chance.randrange(len(made.graph.node))]


def _repeat(made: onnx.ModelProto, chance: random.Random) -> None:
    if made.graph.node:
        made.graph.node.add().CopyFrom(chance.choice(made.graph.node))


def _swap(made: onnx.ModelProto, chance: random.Random) -> None:
    names = [name for node in made.graph.node for name in (*node.input, *node.output)] or [""]
    for node in made.graph.node:
        if node.input and chance.random() < 0.4:
            node.input[chance.randrange(len(node.input))] = chance.choice([*names, "", "nowhere"])


def _rename(made: onnx.ModelProto, chance: random.Random) -> None:
    for node in made.graph.node:
        if node.output and chance.random() < 0.3:
            node.output[0] = chance.choice(("x", "y", "", "\x1b[31m", "z", node.output[0] + "'"))


def _retype(made: onnx.ModelProto, chance: random.Random) -> None:
    if made.graph.node:
        chance.choice(made.graph.node).op_type = chance.choice(KINDS)


def _reattribute(made: onnx.ModelProto, chance: random.Random) -> None:
    if made.graph.node:
        node = chance.choice(made.graph.node)
        name = chance.choice(("axis", "to", "keepdims", "alpha", "transB", "perm", "pads", "nope"))
        value = chance.choice((*EXTREME, *ODD_FLOATS, [1, 2], [2**40] * 4, "text"))
        kept = [one for one in node.attribute if one.name != name]
        del node.attribute[:]
        node.attribute.extend([*kept, onnx.helper.make_attribute(name, value)])


def _reshape(made: onnx.ModelProto, chance: random.Random) -> None:
    value = chance.choice([*made.graph.input, *made.graph.output])
    axes = value.type.tensor_type.shape.dim
    if axes and chance.random() < 0.8:
        chance.choice(axes).dim_value = chance.choice(EXTREME)
    else:
        axes.add().dim_value = chance.choice(EXTREME)


def _redeclare(made: onnx.ModelProto, chance: random.Random) -> None:
    value = chance.choice([*made.graph.input, *made.graph.output])
    value.type.tensor_type.elem_type = chance.choice(range(26))


def _restore(made: onnx.ModelProto, chance: random.Random) -> None:
    if not made.graph.initializer:
        return
    tensor = chance.choice(made.graph.initializer)
    match chance.randrange(5):
        case 0:
            tensor.data_type = chance.choice(range(26))
        case 1:
            tensor.dims.append(chance.choice(EXTREME))
        case 2:
            tensor.raw_data = change_bytes(tensor.raw_data, chance)
        case 3:
            tensor.name = chance.choice(("x", "y", "", "other"))
        case _:
            tensor.data_location = TensorProto.EXTERNAL
            tensor.external_data.add(key="location", value=chance.choice(PLACES))


def _reversion(made: onnx.ModelProto, chance: random.Random) -> None:
    if chance.random() < 0.5 and made.opset_import:
        made.opset_import[0].version = chance.choice((*EXTREME, 6, 11, 13, 21))
    else:
        made.ir_version = chance.choice((*EXTREME[:8], 3, 4, 8, 12))


CHANGES: tuple[Change, ...] = (
    *(_drop, _repeat, _swap, _rename, _retype, _reattribute),
    *(_reshape, _redeclare, _restore, _reversion),
)
