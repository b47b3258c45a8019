"""Whether all readers of a file come to the same model.

ONNX files can be written so that two programs read two networks out of one file: two tensors of one name, a tensor
with data in two places, a function under the name of a standard operator. onnxruntime takes one of them, a copy may
take the other. Such files are not refused for being broken but told as what they are. What is left is settled as
onnxruntime does it, so that a report can name the model.
"""

from collections import Counter
from collections.abc import Iterable, Iterator

import onnx
from onnx import defs

from onnxaudit.intake.declarations import STANDARD_DOMAINS
from onnxaudit.intake.soundness import walk_graphs
from onnxaudit.intake.tensors import holds_twice, list_tensors
from onnxaudit.records import Irregularity
from onnxaudit.records.irregularity import AMBIGUOUS

VENDORS = ("com.microsoft", "ai.onnx.ml")  # domains whose operators runtimes bring along
KNOWN_VENDOR_OPS = frozenset(
    ("Gelu", "FastGelu", "BiasGelu", "QuickGelu", "FusedConv", "FusedGemm", "FusedMatMul", "LayerNormalization")
)


def list_ambiguities(proto: onnx.ModelProto, repeated: Iterable[str] = ()) -> tuple[Irregularity, ...]:
    """What different readers of the file read differently; `repeated` are fields that occur too often in its bytes."""
    found = [*_list_twins(proto.graph), *_list_doubled(proto), *_list_shadows(proto), *_list_opsets(proto)]
    found += [*_list_attributes(proto), *_list_covered(proto.graph, frozenset()), *_list_bindings(proto)]
    twice = "stands in the file twice: some readers merge both, others take one."
    found += [(name, f"Field {name} {twice}") for name in repeated]
    return tuple(Irregularity(rule=AMBIGUOUS, place=place, says=says) for place, says in dict(found).items())


def _list_twins(graph: onnx.GraphProto) -> Iterator[tuple[str, str]]:
    """Initializers of one name and different values, in nested graphs too."""
    for inner in walk_graphs(graph):
        seen: dict[str, bytes] = {}
        for tensor in inner.initializer:
            content = tensor.SerializeToString(deterministic=True)
            if seen.setdefault(tensor.name, content) != content:
                yield tensor.name, f"Two stored tensors are called {tensor.name!r}: readers take the one or the other."
        for name in seen.keys() & {one.values.name for one in inner.sparse_initializer}:
            yield name, f"A dense and a sparse stored tensor are called {name!r}: readers take the one or the other."


def _list_doubled(proto: onnx.ModelProto) -> Iterator[tuple[str, str]]:
    for tensor in list_tensors(proto):
        if holds_twice(tensor):
            says = f"Tensor {tensor.name!r} holds its values twice, as bytes and as numbers: readers take one of them."
            yield tensor.name, says


def _list_shadows(proto: onnx.ModelProto) -> Iterator[tuple[str, str]]:
    """Functions that stand under an operator's name, or under one name together."""
    counts = Counter((one.domain, one.name, one.overload) for one in proto.functions)
    for (domain, name, _), count in counts.items():
        place = f"{domain or 'ai.onnx'}.{name}"
        if count > 1:
            yield place, f"Two functions are called {place}: readers take the one or the other."
        elif _is_operator(domain, name):
            says = f"A function of the file is called {place} like the operator: some readers run one, some the other."
            yield place, says


def _is_operator(domain: str, name: str) -> bool:
    known = "" if domain in STANDARD_DOMAINS else domain
    return bool(defs.has(name, known)) or (domain in VENDORS and name in KNOWN_VENDOR_OPS)


def _list_opsets(proto: onnx.ModelProto) -> Iterator[tuple[str, str]]:
    versions: dict[str, set[int]] = {}
    for entry in proto.opset_import:
        versions.setdefault("" if entry.domain in STANDARD_DOMAINS else entry.domain, set()).add(entry.version)
    for domain, found in versions.items():
        if len(found) > 1:
            name = domain or "ai.onnx"
            yield name, f"Domain {name} is imported in versions {', '.join(map(str, sorted(found)))}: readers take one."


def _list_attributes(proto: onnx.ModelProto) -> Iterator[tuple[str, str]]:
    """Nodes that have one attribute twice, those of nested graphs and of functions too."""
    owners: list[onnx.GraphProto | onnx.FunctionProto] = [*walk_graphs(proto.graph), *proto.functions]
    for node in [node for owner in owners for node in owner.node]:
        counts = Counter(attribute.name for attribute in node.attribute)
        for name, count in counts.items():
            if count > 1:
                place = node.name or next(iter(node.output), node.op_type)
                yield place, f"Node {place!r} has attribute {name!r} twice: readers take the one or the other."


def _list_covered(graph: onnx.GraphProto, outer: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Tensors of nested graphs that stand under the name of a tensor around them."""
    stored = {tensor.name for tensor in graph.initializer} | {one.values.name for one in graph.sparse_initializer}
    own = stored | {name for node in graph.node for name in node.output if name}
    for name in sorted(own & outer):
        says = f"A nested graph makes a tensor called {name!r} like one around it: readers take the one or the other."
        yield name, says
    known = outer | own | {value.name for value in graph.input}
    for node in graph.node:
        for attribute in node.attribute:
            for inner in (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs):
                yield from _list_covered(inner, known)


def _list_bindings(proto: onnx.ModelProto) -> Iterator[tuple[str, str]]:
    """Stored tensors for which the file holds other values, to begin a training with."""
    stored = {tensor.name for tensor in proto.graph.initializer}
    for step in proto.training_info:
        for entry in (*step.initialization_binding, *step.update_binding):
            if entry.key in stored:
                says = f"Tensor {entry.key!r} has another value for programs that run the file's training steps."
                yield entry.key, says
