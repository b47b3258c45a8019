"""What a graph gives: its classifying output, and the logits behind it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod

import onnx
from onnx import TensorProto, numpy_helper

from onnxaudit.errors import ModelError
from onnxaudit.intake.classical import CLASSICAL, count_names, find_passed, is_classical, name_logits, read_attributes
from onnxaudit.intake.declarations import STANDARD_DOMAINS, Shape, describe, infer_shapes, shape_of
from onnxaudit.intake.stored import list_outermost
from onnxaudit.intake.working_copy import (
    QUANTIZED_SCORE_OPS,
    find_reader_of_codes,
    list_reads,
    name_decoded,
    scores_codes,
)
from onnxaudit.records import OutputKind, OutputSpec

FLOATS = frozenset((TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE))
LABELS = frozenset((TensorProto.INT32, TensorProto.INT64))
NAMES = frozenset((TensorProto.STRING,))
PAIR = 2  # classes, of which one score can make the probabilities
CLASS_SCORE_OPS = frozenset(("Softmax", "LogSoftmax", "Sigmoid"))
CHOICES = frozenset(("ArgMax", "TopK"))
PASSED = frozenset(
    ("Identity", "Cast", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "QuantizeLinear", "DequantizeLinear")
)

RESCALING = frozenset(("QuantizeLinear", "DequantizeLinear"))
KEEPING = {*CLASS_SCORE_OPS, *QUANTIZED_SCORE_OPS, *RESCALING, "Identity", "Cast"}  # operators that keep shapes


def read_output(proto: onnx.ModelProto, name: str | None = None) -> OutputSpec:
    """The classifying output of a graph: the one named, or the only one that can be it.

    Scores of several classes come before labels, labels before a single score, which makes two classes with the
    logits `(0, score)`. Of several outputs that show the same logits the first is taken, and one without a Softmax that
    others are computed from (features beside the classes) is passed over.

    Raises:
        ModelError: no such output, or several that could be it.
    """
    graph = _Graph(proto)
    if name is not None:
        return _named_output(graph, name)
    found = [spec for value in proto.graph.output if (spec := graph.read(value)) is not None]
    for group in (
        [spec for spec in found if spec.kind is not OutputKind.LABEL and not spec.single],
        [spec for spec in found if spec.kind is OutputKind.LABEL],
        [spec for spec in found if spec.single],
    ):
        if group:
            return _choose(graph, group)
    listing = ", ".join(describe(graph.declared(value.name) or value) for value in proto.graph.output) or "none"
    raise ModelError(
        f"no output holds float scores of shape (batch, classes), or labels chosen from such: found {listing}; "
        "not a classifier"
    )


def find_bypasses(proto: onnx.ModelProto, output: OutputSpec) -> set[str]:
    """Outputs that the input reaches around the audited tensor: what they say need not follow from it."""
    reached = {value.name for value in proto.graph.input} - {tensor.name for tensor in proto.graph.initializer}
    audited = {output.source or output.logits}
    for node in proto.graph.node:
        if is_classical(node, "LinearClassifier") and name_logits(node) in audited:
            audited.update(node.output)  # they follow from the logits that stand beside the node in the working copy
    for node in proto.graph.node:  # in an order in which they can be computed
        if reached.intersection(list_reads(node)):
            reached.update(name for name in node.output if name not in audited)
    return {value.name for value in proto.graph.output} & reached


def list_smuggled(proto: onnx.ModelProto) -> Iterator[tuple[str, str]]:
    """Nodes that (de)quantize by a scale or zero point that follows the image, and what is to be said of them.

    Their values are then not those that they are given. Ranges that DynamicQuantizeLinear measures are another matter.
    """
    reached = {value.name for value in proto.graph.input} - {tensor.name for tensor in proto.graph.initializer}
    for node in proto.graph.node:  # in an order in which they can be computed
        if node.op_type in RESCALING and node.domain in STANDARD_DOMAINS:
            for name, what in zip(node.input[1:3], ("scale", "zero point"), strict=False):
                if name in reached:
                    where = f"{node.op_type} {node.name or node.output[0]!r}"
                    yield node.output[0], f"The {what} of {where} follows the image: it carries values of its own."
        if node.op_type == "DynamicQuantizeLinear":
            reached.add(node.output[0])
        elif node.op_type not in ("Shape", "Size") and reached.intersection(list_reads(node)):
            reached.update(node.output)


def _named_output(graph: "_Graph", name: str) -> OutputSpec:
    for value in graph.outputs:
        if value.name == name:
            spec = graph.read(value)
            if spec is None:
                shown = describe(graph.declared(name) or value)
                raise ModelError(f"output {shown}: not float scores of shape (batch, classes), nor labels")
            return spec
    raise ModelError(f"no output is named {name!r}; there are {', '.join(map(describe, graph.outputs))}")


def _choose(graph: "_Graph", group: Sequence[OutputSpec]) -> OutputSpec:
    """The only one of a group, once those are passed over that show the same logits or features behind them."""
    distinct = list({spec.source or spec.logits: spec for spec in reversed(group)}.values())[::-1]
    behind = {name for spec in distinct for name in graph.ancestors(spec.source or spec.logits)}
    left = [spec for spec in distinct if spec.logits != spec.name or spec.name not in behind]
    if len(left) == 1:
        return left[0]
    names = [describe(graph.declared(spec.name) or onnx.ValueInfoProto(name=spec.name)) for spec in group]
    raise ModelError(f"several outputs could be the classes: {', '.join(names)}; use --output NAME")


@dataclass(frozen=True, eq=False)
class _Graph:
    """A graph, and what is known of its tensors."""

    proto: onnx.ModelProto

    @property
    def outputs(self) -> Sequence[onnx.ValueInfoProto]:
        return self.proto.graph.output

    @cached_property
    def producers(self) -> dict[str, onnx.NodeProto]:
        return {name: node for node in self.proto.graph.node for name in node.output}

    @cached_property
    def _stated(self) -> dict[str, onnx.ValueInfoProto]:
        return {value.name: value for value in (*self.proto.graph.value_info, *self.outputs)}

    @cached_property
    def _inferred(self) -> dict[str, onnx.ValueInfoProto]:
        graph = infer_shapes(self.proto).graph
        return {value.name: value for value in (*graph.input, *graph.value_info, *graph.output)}

    def declared(self, name: str) -> onnx.ValueInfoProto | None:
        """Type and shape of a tensor, inferred where the file leaves sizes behind the batch open."""
        stated = self._stated.get(name)
        if stated is not None and shape_of(stated) and all(isinstance(size, int) for size in shape_of(stated)[1:]):
            return stated
        return self._inferred.get(name) or stated

    def ancestors(self, name: str) -> set[str]:
        """Names of the tensors from which another is computed."""
        waiting, seen = [name], set[str]()
        while waiting:
            node = self.producers.get(waiting.pop())
            new = set(node.input) - seen if node is not None else set()
            seen |= new
            waiting.extend(new)
        return seen

    def read(self, value: onnx.ValueInfoProto) -> OutputSpec | None:
        """The output as a classifying one; None where it cannot be one.

        Raises:
            ModelError: it could be, but its number of classes is not fixed.
        """
        known = self.declared(value.name) or value
        kind = known.type.tensor_type.elem_type
        what, source = self.trace(value.name)
        mapped = self.producers.get(value.name)
        if is_classical(mapped, "ZipMap"):
            assert mapped is not None
            return self._read_map(value.name, mapped)
        if kind not in FLOATS | LABELS | NAMES or (kind not in FLOATS and what is not OutputKind.LABEL):
            return None
        shown = source if what is OutputKind.LABEL else value.name
        classes = self.count_classes(shown)
        if classes is None or (what is OutputKind.LABEL and classes < 2):
            return None
        single = classes == 1 or (classes == PAIR and self._is_half(source))
        if self.count_classes(source) != classes and not single and not self._has_shape_of(source, shown):
            source = shown  # a Softmax over something else than the classes, shaped into scores later
        return self._describe(value.name, classes, what, source, single=single)

    def _read_map(self, name: str, node: onnx.NodeProto) -> OutputSpec | None:
        """A ZipMap: as many scores as it names classes."""
        classes, (_, source) = count_names(node), self.trace(node.input[0])
        single = classes == PAIR and self._is_half(source)
        if not single and self.count_classes(source) not in (classes, None):
            source = node.input[0]
        return self._describe(name, classes, OutputKind.MAP, source, single=single) if classes >= PAIR else None

    def _is_half(self, name: str) -> bool:
        """Whether a tensor is the one score from which the probabilities of two classes are made."""
        return any(self._find_pair(node) == name for node in self.proto.graph.node)

    def _describe(self, name: str, classes: int, what: OutputKind, source: str, *, single: bool) -> OutputSpec:
        plain = not single and self.rank(source) in (2, None)
        count = max(classes, 2)
        if plain and find_reader_of_codes(self.proto, source) is not None:
            return OutputSpec(name, count, what, name_decoded(source), source)
        if plain:
            return OutputSpec(name, count, what, source)
        return OutputSpec(name, count, what, f"{source} as {count} classes", source, single)

    def trace(self, name: str) -> tuple[OutputKind, str]:
        """What a tensor holds, and the tensor before a final ArgMax or TopK, Softmax, LogSoftmax or Sigmoid."""
        reached, node, chosen = *self._look_through(name), False
        while node is not None and node.op_type in CHOICES:  # in a loop: a file can hold thousands in a row
            name, chosen = node.input[0], True
            reached, node = self._look_through(name)
        if node is not None and is_classical(node, "LinearClassifier"):
            probable = read_attributes(node).get("post_transform", b"NONE") != b"NONE"
            kind, source = OutputKind.PROBABILITIES if probable else OutputKind.LOGITS, name_logits(node)
            chosen = chosen or reached == node.output[0]
        else:
            kind, source = self._trace_scores(name, node)
        return (OutputKind.LABEL, source) if chosen else (kind, source)

    def _trace_scores(self, name: str, node: onnx.NodeProto | None) -> tuple[OutputKind, str]:
        if node is None:
            return OutputKind.LOGITS, name
        if node.op_type in CLASS_SCORE_OPS or scores_codes(node):
            return OutputKind.LOGITS if node.op_type == "LogSoftmax" else OutputKind.PROBABILITIES, node.input[0]
        behind = self._find_exponent(node) or self._find_logarithm(node) or self._find_pair(node)
        return (OutputKind.LOGITS, name) if behind is None else (OutputKind.PROBABILITIES, behind)

    def _look_through(self, name: str) -> tuple[str, onnx.NodeProto | None]:
        """The tensor, and its node, whose values `name` shows, perhaps in another shape, type or order of names."""
        node = self.producers.get(name)
        while node is not None and (node.op_type in PASSED or node.domain == CLASSICAL) and node.input:
            before = find_passed(node) if node.domain == CLASSICAL else node.input[0]
            if before is None:
                break
            name, node = before, self.producers.get(before)
        known = node is not None and (
            node.domain in STANDARD_DOMAINS or scores_codes(node) or is_classical(node, "LinearClassifier")
        )
        return name, node if known else None

    def _has_shape_of(self, source: str, shown: str) -> bool:
        """Whether `shown` has the shape of `source`, whatever that is: behind vendors' operators none is known."""
        node = self.producers.get(shown)
        while shown != source and node is not None and node.op_type in KEEPING:
            shown = node.input[0]
            node = self.producers.get(shown)
        return shown == source

    def _find_exponent(self, node: onnx.NodeProto) -> str | None:
        """`z` where the node is the last of a Softmax written out: `exp(z) / sum(exp(z))`."""
        if node.op_type != "Div":
            return None
        above, below = (self.producers.get(name) for name in node.input)
        if above is None or below is None or (above.op_type, below.op_type) != ("Exp", "ReduceSum"):
            return None
        return above.input[0] if below.input[0] == node.input[0] else None

    def _find_logarithm(self, node: onnx.NodeProto) -> str | None:
        """`z` where the node is the last of a Softmax written out in another way: `exp(z − logsumexp(z))`."""
        difference = self.producers.get(node.input[0]) if node.op_type == "Exp" else None
        if difference is None or difference.op_type != "Sub":
            return None
        _, total = self._look_through(difference.input[1])
        summed = total is not None and total.op_type == "ReduceLogSumExp" and total.input[0] == difference.input[0]
        return difference.input[0] if summed else None

    def _find_pair(self, node: onnx.NodeProto) -> str | None:
        """`z` where the node puts `1 − sigmoid(z)` beside `sigmoid(z)`, as scikit-learn does for two classes."""
        if node.op_type != "Concat" or len(node.input) != PAIR:
            return None
        first, second = (self.producers.get(name) for name in node.input)
        if first is None or second is None or (first.op_type, second.op_type) != ("Sub", "Sigmoid"):
            return None
        return second.input[0] if first.input[1] == node.input[1] and first.input[0] in self._ones else None

    @cached_property
    def _ones(self) -> set[str]:
        """Stored tensors of a single one."""
        stored = [(name, tensor) for name, tensor in list_outermost(self.proto.graph) if prod(tensor.dims) == 1]
        return {name for name, tensor in stored if tensor.data_type in FLOATS and numpy_helper.to_array(tensor) == 1}

    def rank(self, name: str) -> int | None:
        """How many axes a tensor has; None where that is not known."""
        value = self.declared(name)
        known = value is not None and value.type.tensor_type.HasField("shape")
        return len(shape_of(value)) if known and value is not None else None

    def count_classes(self, name: str) -> int | None:
        """How many classes a tensor of shape `(batch, classes)` holds; None where it has another shape.

        Axes of size 1 do not count.

        Raises:
            ModelError: the number is not fixed.
        """
        value = self.declared(name)
        if value is None or not self.rank(name):
            return None
        batch, *sizes = shape_of(value)
        if not sizes:
            return 1 if batch == 1 or not isinstance(batch, int) else None
        return _only_size(value, tuple(size for size in sizes if size != 1))


def _only_size(value: onnx.ValueInfoProto, sizes: Shape) -> int | None:
    if len(sizes) > 1:
        return None
    if sizes and not isinstance(sizes[0], int):
        if len(shape_of(value)) > 2:
            return None
        raise ModelError(f"output {describe(value)}: the number of classes is not fixed")
    return int(sizes[0]) if sizes else 1
