"""Whether all readers of a file come to the same model, and one that answers each image by itself.

ONNX files can be written so that two programs read two networks out of one file: two tensors of one name, a tensor
with data in two places, a function under the name of a standard operator. onnxruntime takes one of them, a copy may
take the other. Such files are not refused for being broken but told as what they are. What is left is settled as
onnxruntime does it, so that a report can name the model.
"""

from collections import Counter
from collections.abc import Iterable, Iterator

import onnx
from onnx import AttributeProto, TensorProto, defs, numpy_helper

from onnxaudit.errors import ModelError
from onnxaudit.intake.declarations import STANDARD_DOMAINS
from onnxaudit.intake.stored import list_stored
from onnxaudit.intake.tensors import check_content, holds_twice, list_tensors
from onnxaudit.records import Irregularity
from onnxaudit.records.irregularity import AMBIGUOUS

VENDORS = ("com.microsoft", "ai.onnx.ml")  # domains whose operators runtimes bring along
KNOWN_VENDOR_OPS = frozenset(
    ("Gelu", "FastGelu", "BiasGelu", "QuickGelu", "FusedConv", "FusedGemm", "FusedMatMul", "LayerNormalization")
)
LARGEST_OPSET = 10_000  # later ones are told by those who know the operators
MOST_NODES = 20_000  # functions written out
TRAINING = "a network in training mode answers by the other images or by chance; export it with model.eval()"


def list_ambiguities(proto: onnx.ModelProto, repeated: Iterable[str] = ()) -> tuple[Irregularity, ...]:
    """What different readers of the file read differently; `repeated` are fields that occur too often in its bytes."""
    found = [*_list_twins(proto.graph), *_list_doubled(proto), *_list_shadows(proto), *_list_opsets(proto)]
    twice = "stands in the file twice: some readers merge both, others take one."
    found += [(name, f"Field {name} {twice}") for name in repeated]
    return tuple(Irregularity(rule=AMBIGUOUS, place=place, says=says) for place, says in dict(found).items())


def _list_twins(graph: onnx.GraphProto) -> Iterator[tuple[str, str]]:
    """Initializers of one name and different values, in nested graphs too."""
    for inner in _walk_graphs(graph):
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


def settle(proto: onnx.ModelProto) -> onnx.ModelProto:
    """The model with one tensor a name, the last, as onnxruntime reads it; the very same where nothing is double."""
    if not any(_has_twins(graph) for graph in _walk_graphs(proto.graph)):
        return proto
    settled = onnx.ModelProto()
    settled.CopyFrom(proto)
    for graph in _walk_graphs(settled.graph):
        last = {tensor.name: tensor for tensor in graph.initializer}
        if len(last) < len(graph.initializer):
            copies = [onnx.TensorProto.FromString(tensor.SerializeToString()) for tensor in last.values()]
            del graph.initializer[:]
            graph.initializer.extend(copies)
    return settled


def _has_twins(graph: onnx.GraphProto) -> bool:
    return len({tensor.name for tensor in graph.initializer}) < len(graph.initializer)


def check_soundness(proto: onnx.ModelProto) -> None:
    """Make sure that the model can be computed at all, within limits, and for each image by itself.

    Raises:
        ModelError: versions that cannot be, functions that call themselves or write out to too many nodes, two values
            of one name, tensors that hold another number of elements than they declare, or nodes in training mode.
    """
    for entry in proto.opset_import:
        if not 0 < entry.version <= LARGEST_OPSET:
            raise ModelError(f"it imports version {entry.version} of domain {entry.domain or 'ai.onnx'}; there is none")
    _check_functions(proto)
    for tensor in list_tensors(proto):
        check_content(tensor)
    for graph in _walk_graphs(proto.graph):
        _check_names(graph)
    _refuse_training(proto)


def _check_functions(proto: onnx.ModelProto) -> None:
    bodies = {(one.domain, one.name): list(one.node) for one in proto.functions}
    sizes: dict[tuple[str, str], int] = {}

    def measure(nodes: Iterable[onnx.NodeProto], within: tuple[tuple[str, str], ...]) -> int:
        total = 0
        for node in nodes:
            key = (node.domain, node.op_type)
            if key in within:
                raise ModelError(f"function {key[1]!r} calls itself; it cannot be computed")
            if key in bodies and key not in sizes:
                sizes[key] = measure(bodies[key], (*within, key))
            total += sizes.get(key, 1)
            for attribute in node.attribute:
                for graph in (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs):
                    total += measure(graph.node, within)
            if total > MOST_NODES:
                raise ModelError(f"its functions write out to more than {MOST_NODES:,} nodes; refused")
        return total

    measure(proto.graph.node, ())


def _check_names(graph: onnx.GraphProto) -> None:
    taken = Counter(name for node in graph.node for name in node.output if name)
    taken.update({value.name for value in graph.input} | {tensor.name for tensor in graph.initializer})
    twice = [name for name, count in taken.items() if count > 1]
    if twice:
        raise ModelError(f"two nodes of the graph make {twice[0]!r}: readers take the one or the other; refused")
    for values in (graph.input, graph.output):
        names = [value.name for value in values]
        if len(set(names)) < len(names):
            raise ModelError("an input or output is declared twice; refused")


def _refuse_training(proto: onnx.ModelProto) -> None:
    """Raise ModelError for nodes that compute as during training."""
    stored = dict(list_stored(proto))
    for graph in [*_walk_graphs(proto.graph)]:
        for node in graph.node:
            if node.domain in STANDARD_DOMAINS and _trains(node, stored):
                raise ModelError(
                    f"node {node.name or node.output[0]!r} ({node.op_type}) is in training mode: {TRAINING}"
                )


def _trains(node: onnx.NodeProto, stored: dict[str, TensorProto]) -> bool:
    if node.op_type == "BatchNormalization":
        modes = {attribute.name: attribute.i for attribute in node.attribute}
        return bool(modes.get("training_mode", 0)) or ("training_mode" not in modes and any(node.output[1:]))
    if node.op_type != "Dropout" or len(node.input) < 3 or not node.input[2]:
        return False
    mode, ratio = stored.get(node.input[2]), stored.get(node.input[1])
    if mode is not None and not numpy_helper.to_array(mode).any():
        return False
    return ratio is None or bool(numpy_helper.to_array(ratio).any())


def _walk_graphs(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    waiting = [graph]
    while waiting:
        one = waiting.pop()
        yield one
        for node in one.node:
            for attribute in node.attribute:
                if attribute.type == AttributeProto.GRAPH or attribute.HasField("g"):
                    waiting.append(attribute.g)
                waiting.extend(attribute.graphs)
