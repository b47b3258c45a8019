"""One-node models for each version of each operator, with inputs that suit it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import onnx
from onnx import defs, helper

from onnxaudit.importer import ops  # noqa: F401 - fills the registry
from onnxaudit.importer.registry import list_operators

FIRST, LAST = 7, 99  # opsets; whatever is registered for older ones has no counterpart in onnxruntime


@dataclass(frozen=True)
class Form:
    """A node as it is written in the opsets from `first` to `last`; an input of None is left out."""

    inputs: tuple[Any, ...]
    attributes: dict[str, Any] = field(default_factory=dict)
    first: int = FIRST
    last: int = LAST
    outputs: int = 1


def list_older_versions() -> Iterator[tuple[str, int]]:
    """Each registered operator with each opset in which a version begins that a newer one replaced."""
    history: dict[str, set[int]] = {}
    for schema in defs.get_all_schemas_with_history():
        if schema.domain == "":
            history.setdefault(schema.name, set()).add(schema.since_version)
    for domain, name in list_operators():
        versions = sorted(history.get(name, ())) if domain == "" else []
        for begin, end in pairwise(versions):
            if end > FIRST:
                yield name, max(FIRST, begin)


def make_model(name: str, opset: int, form: Form) -> onnx.ModelProto:
    """A model of one node whose inputs are all fed."""
    names = ["" if array is None else f"x{index}" for index, array in enumerate(form.inputs)]
    outputs = [f"y{index}" for index in range(form.outputs)]
    node = helper.make_node(name, names, outputs, **form.attributes)
    inputs = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
        for name, array in zip(names, form.inputs, strict=True)
        if array is not None
    ]
    graph = helper.make_graph([node], "one", inputs, [onnx.ValueInfoProto(name=output) for output in outputs])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8 if opset < 23 else 11)
