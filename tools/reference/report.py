"""The page of the JSON report, from its schema."""

from collections.abc import Iterator, Mapping
from typing import Any

from onnxaudit import records
from onnxaudit.report.json import schema
from tools.reference.docstrings import read_docstring
from tools.reference.markdown import start_sentence, write_code, write_table

HEADING = """# JSON report

What `--json FILE` writes: one document, whose kind follows from what was run. `onnxaudit schema` prints the JSON Schema
(draft 2020-12), of which this page is a view. Every field is always there; where there is nothing to say it is null or
empty. Numbers that are not finite are null. Minor versions of `schema_version` add and rename; every version so
far can be read by `onnxaudit report`.
"""


def write_page() -> str:
    """The whole page in Markdown: documents first, then what they are made of."""
    whole = schema()
    kinds: Mapping[str, Any] = whole["$defs"]
    documents = [part["$ref"].rpartition("/")[2] for part in whole["anyOf"]]
    order = list(dict.fromkeys([*documents, *(name for start in documents for name in walk(kinds, start))]))
    rows = [(link(name), read_docstring(kinds[name].get("description")).text) for name in documents]
    head = f"{HEADING}\nThis is version {records.SCHEMA_VERSION}.\n"
    table = write_table(("document", "is"), rows)
    return "\n".join([head, table, *(write_kind(name, kinds[name]) for name in order)])


def walk(kinds: Mapping[str, Any], start: str, seen: tuple[str, ...] = ()) -> Iterator[str]:
    """Everything that a kind is made of, in the order in which its fields name it."""
    for name in find_references(kinds[start]):
        if name not in seen:
            yield name
            yield from walk(kinds, name, (*seen, start))


def find_references(part: Any) -> Iterator[str]:
    """The kinds that a part of the schema names."""
    if isinstance(part, dict):
        if "$ref" in part:
            yield part["$ref"].rpartition("/")[2]
        for inner in part.values():
            yield from find_references(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from find_references(inner)


def write_kind(name: str, kind: Mapping[str, Any]) -> str:
    """One kind of object: what it is, and its fields."""
    told = read_docstring(kind.get("description"))
    head = f"## {name}\n\n{told.text}\n"
    if "properties" not in kind:
        return f"{head}\n{write_type(kind)}\n"
    said = told.describe("Attributes")
    rows = [
        (write_code(field), write_type(part), start_sentence(said.get(field, "")))
        for field, part in kind["properties"].items()
    ]
    return f"{head}\n{write_table(('field', 'type', 'meaning'), rows)}"


def write_type(part: Mapping[str, Any]) -> str:
    """A type of the schema in words."""
    match part:
        case {"$ref": reference}:
            return link(reference.rpartition("/")[2])
        case {"anyOf": parts}:
            return " or ".join(dict.fromkeys(map(write_type, parts)))
        case {"const": value}:
            return write_code(f'"{value}"')
        case {"enum": values}:
            return ", ".join(write_code(f'"{value}"') for value in values)
        case {"type": "array", "prefixItems": items}:
            return f"array of {', '.join(map(write_type, items))}"
        case {"type": "array", "items": items} if items:
            return f"array of {write_type(items)}"
        case {"type": "object", "additionalProperties": dict(values)}:
            return f"object of {write_type(values)}"
        case {"type": kind}:
            return str(kind)
        case _:
            return "any"


def link(name: str) -> str:
    """A link to a kind's section."""
    assert hasattr(records, name), name
    return f"[{name}](#{name.lower()})"
