"""How much a file asks of whoever parses it, counted on its bytes before any library does.

Two bytes of a file can become a hundred of memory, and hours of work: a graph of millions of nodes, a table of
millions of names. The walk looks at the lengths of fields alone and stops at the first budget that is passed.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import onnx

from onnxaudit.errors import ModelError

MOST_FIELDS = 1_000_000  # the largest classifiers in use have some 100,000
MOST_STRINGS = 64 * 2**20  # bytes of names, doc strings and notes together
MOST = {  # messages, nested graphs and functions included
    "NodeProto": (20_000, "nodes"),
    "TensorProto": (50_000, "stored tensors"),
    "SparseTensorProto": (1_000, "sparse tensors"),
    "AttributeProto": (200_000, "attributes"),
    "FunctionProto": (2_000, "functions"),
    "ValueInfoProto": (200_000, "declared tensors"),
    "StringStringEntryProto": (100_000, "notes"),
    "OperatorSetIdProto": (10_000, "operator sets"),
}
DEEPEST = 16  # graphs within graphs; exporters nest two or three
_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5  # protobuf's wire types
_SKIPPED = {_FIXED64: 8, _FIXED32: 4}


@dataclass(eq=False)
class Survey:
    """What a walk over a file's bytes found.

    Attributes:
        messages: how many there are of each kind.
        repeated: fields that should occur once and occur again: some readers merge them, some take the last.
        unknown: fields that this version of ONNX does not have.
        fields: how many there are.
        strings: bytes in them.
        whole: False where the bytes are no protobuf.
    """

    messages: Counter[str] = field(default_factory=Counter)
    repeated: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    fields: int = 0
    strings: int = 0
    whole: bool = True


def survey(data: bytes) -> Survey:
    """Walk over the bytes of a `ModelProto`.

    Raises:
        ModelError: a budget is passed.
    """
    found = Survey()
    waiting = [_Message(name=onnx.ModelProto.DESCRIPTOR.full_name, at=0, end=len(data), depth=0)]
    while waiting and found.whole:
        waiting += _walk(data, waiting.pop(), found)
    return found


class _Message(NamedTuple):
    """A message yet to be walked over: its kind, its bytes `at:end`, and within how many graphs it stands."""

    name: str
    at: int
    end: int
    depth: int


class _Field(NamedTuple):
    """A field as it stands in the bytes: its number, its wire type, and where its content is."""

    number: int
    kind: int
    at: int
    size: int


def _walk(data: bytes, message: _Message, found: Survey) -> list[_Message]:
    """The messages in a message; all of its fields are counted."""
    at, inner, once = message.at, list[_Message](), set[int]()
    while at < message.end:
        tag, at = _read_varint(data, at, message.end)
        number, kind = tag >> 3, tag & 7
        found.fields += 1
        if found.fields > MOST_FIELDS:
            raise ModelError(f"it holds more than {MOST_FIELDS:,} entries; no classifier in use does, refused")
        size = 0
        if kind == _LENGTH:
            size, at = _read_varint(data, at, message.end)
        elif kind == _VARINT:
            _, at = _read_varint(data, at, message.end)
        else:
            size = _SKIPPED.get(kind, message.end + 1)
        if at + size > message.end:
            found.whole = False
            return []
        inner += _note(_Field(number, kind, at, size), message, once, found)
        at += size
    return inner


def _note(one: _Field, message: _Message, once: set[int], found: Survey) -> list[_Message]:
    """The message that a field holds, if it holds one; `once` are the numbers of the fields before it."""
    entry = _TABLES[message.name].get(one.number)
    if entry is None:
        found.unknown.append(f"{message.name}, field {one.number}")
        return []
    if (entry.once and one.number in once) or entry.rivals & once:
        found.repeated.append(f"{message.name}.{entry.name}")
    once.add(one.number)
    if entry.text:
        found.strings += one.size
        if found.strings > MOST_STRINGS:
            raise ModelError(f"its names and notes take more than {MOST_STRINGS // 2**20} MiB; refused")
    if entry.message is None or one.kind != _LENGTH:
        return []
    return [_open(entry.message, one, message, found)]


def _open(name: str, one: _Field, message: _Message, found: Survey) -> _Message:
    """The message `name` that a field holds, counted."""
    short = name.rpartition(".")[2]
    found.messages[short] += 1
    most, plural = MOST.get(short, (MOST_FIELDS, ""))
    if found.messages[short] > most:
        raise ModelError(f"it holds more than {most:,} {plural}; no classifier in use does, refused")
    depth = message.depth + (short == "GraphProto")
    if depth > DEEPEST:
        raise ModelError(f"its graphs are nested more than {DEEPEST} deep; no classifier in use does that, refused")
    return _Message(name=name, at=one.at, end=one.at + one.size, depth=depth)


@dataclass(frozen=True)
class _Entry:
    """A field: its name, the message it holds or None, whether it occurs once, whether it is text, and its rivals.

    Of a field and its rivals (numbers) a message holds one: a reader takes the last, or asks for one of them first.
    """

    name: str
    message: str | None
    once: bool
    text: bool
    rivals: frozenset[int]


def _list_tables() -> dict[str, dict[int, _Entry]]:
    tables: dict[str, dict[int, _Entry]] = {}
    waiting: list[Any] = [onnx.ModelProto.DESCRIPTOR]
    while waiting:
        message = waiting.pop()
        if message.full_name in tables:
            continue
        tables[message.full_name] = {one.number: _describe(one) for one in message.fields}
        waiting.extend(one.message_type for one in message.fields if one.message_type is not None)
    return tables


def _describe(one: Any) -> _Entry:
    inner = None if one.message_type is None else one.message_type.full_name
    text = one.type in (one.TYPE_STRING, one.TYPE_BYTES) and one.name != "raw_data"
    group = [] if one.containing_oneof is None else one.containing_oneof.fields
    rivals = frozenset(other.number for other in group if other.number != one.number)
    return _Entry(one.name, inner, not one.is_repeated, text, rivals)


_TABLES = _list_tables()


def _read_varint(data: bytes, at: int, end: int) -> tuple[int, int]:
    value = shift = 0
    while at < end and shift < 70:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
    return value, end + 1
