"""`inspect`: what a model file holds and what a scan of it would meet, in seconds.

The same checks as before a scan; where these need images, on noise.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

import onnx
from onnx import AttributeProto

from onnxaudit.detectors.base import Effort
from onnxaudit.errors import ModelError, OnnxauditError, RejectedError
from onnxaudit.intake import Model, load_model
from onnxaudit.intake.declarations import STANDARD_DOMAINS, name_type
from onnxaudit.intake.known_operators import find_opsets, find_unknown
from onnxaudit.intake.operators import expand_functions, explain_unknown
from onnxaudit.intake.reader import read_if_regular, read_proto
from onnxaudit.intake.side_outputs import drop_side_outputs
from onnxaudit.intake.sizes import Size
from onnxaudit.intake.stored import list_stored
from onnxaudit.packages import ADVICE, describe_missing, load
from onnxaudit.pipeline.first_run import check_answers, read_and_try
from onnxaudit.pipeline.layer_table import Shapes, infer_shapes, list_layers
from onnxaudit.pipeline.settings import ScanConfig, choose_config
from onnxaudit.records import Inspection, Irregularity, OperatorUse, Preprocessing, Reason, TensorInfo
from onnxaudit.runtime import Runtime
from onnxaudit.text import as_text

if TYPE_CHECKING:  # PyTorch is imported while the model is tried, and where it is not installed not at all
    from onnxaudit.pipeline.opened_model import Opened
    from onnxaudit.pipeline.outlook import Outlook

STANDARD = "ai.onnx"
FREE = "?"
LIBRARIES = "onnxaudit.pipeline.outlook"  # with which PyTorch comes
UNTRIED = (
    "the file was read and run, but the copy that a scan works on was not made and compared with it, and scan time, "
    "memory and target layer are not told"
)


def inspect(
    path: str | Path,
    config: ScanConfig | None = None,
    *,
    effort: Effort | None = None,
    output: str | None = None,
    input_size: Size | None = None,
    memory: int | None = None,
) -> Inspection:
    """Read a model file and say what it holds, whether it can be audited, and roughly how long a scan takes.

    Args:
        path: the ONNX file.
        config: settings of the scan whose time is estimated.
        effort: "quick", "standard" or "deep" name such settings; one of both may be given.
        output: the classifying output, where the model has several.
        input_size: height and width `(h, w)` of a model that takes any.
        memory: bytes that a scan may take; 60 % of what is free where None.

    Raises:
        UsageError: the memory does not suffice for a scan.
        ModelError: there is no such file. What is damaged, or cannot be audited, is told as an obstacle.
    """
    path, config = Path(path), choose_config(config, effort)
    try:
        file = read_proto(path)
    except ModelError as error:
        if not path.exists():
            raise
        return _describe_unread(path, error)
    seen = _try_opening(path, output, input_size)
    model = _try_loading(path, output, input_size) if seen.model is None else seen.model
    # Of a file that was refused no shapes: inference unfolds functions, however many times they call each other, and
    # computes constants, however large.
    shapes = {} if seen.model is None else infer_shapes(seen.model.computed)
    outlook = None if seen.opened is None else _look_ahead(seen.opened, shapes, config, memory)
    operators = _list_operators(file.proto, sound=model is not None)
    layers = tuple(
        list_layers(file.proto if model is None else model.computed, shapes if outlook is None else outlook.shapes)
    )
    known = [layer.multiply_adds for layer in layers if layer.multiply_adds is not None]
    return Inspection(
        path=str(path),
        sha256=file.sha256,
        bytes=file.bytes,
        exporter=f"{as_text(file.proto.producer_name)} {as_text(file.proto.producer_version)}".strip(),
        ir_version=file.proto.ir_version,
        opsets={as_text(domain) or STANDARD: version for domain, version in find_opsets(file.proto).items()},
        inputs=_list_inputs(file.proto),
        outputs=tuple(map(_describe, file.proto.graph.output)),
        parameters=sum(prod(tensor.dims) for _, tensor in list_stored(file.proto)),
        operators=operators,
        layers=layers,
        model=None if seen.model is None else seen.model.info,
        target_layer=None if outlook is None else outlook.target_layer,
        multiply_adds=sum(known) if len(known) == len(layers) else None,
        seconds=None if outlook is None else outlook.seconds,
        obstacles=tuple(_list_obstacles(seen, outlook, _list_needed_unknown(model, operators))),
        irregularities=seen.irregularities,
        memory=None if outlook is None else outlook.memory,
        untried=seen.untried,
    )


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """How far a file could be opened, and what stands against it."""

    model: Model | None = None
    opened: "Opened | None" = None
    obstacles: tuple[str, ...] = ()
    irregularities: tuple[Irregularity, ...] = ()
    untried: tuple[str, ...] = ()


def _describe_unread(path: Path, error: ModelError) -> Inspection:
    """What is known of a file that nobody parses, or whose external data nobody reads."""
    data = read_if_regular(path)
    return Inspection(
        path=str(path),
        sha256="" if data is None else hashlib.sha256(data).hexdigest(),
        bytes=0 if data is None else len(data),
        exporter="",
        ir_version=0,
        opsets={},
        inputs=(),
        outputs=(),
        parameters=0,
        operators=(),
        layers=(),
        model=None,
        target_layer=None,
        multiply_adds=None,
        seconds=None,
        obstacles=(str(error).removeprefix(f"{path}: "),),
    )


def _try_opening(path: Path, output: str | None, size: Size | None) -> _Seen:
    """The opened model if a scan would begin, else what stands against it."""
    missing = describe_missing()
    try:
        model = read_and_try(path, output=output, size=size, meanwhile=None if missing else lambda: load(LIBRARIES))
        if missing:
            doubts = check_answers(model, Runtime(model, Preprocessing()), rounding=True, named=output is not None)
            return _Seen(model=model, obstacles=_describe_doubts(doubts), untried=(f"{missing}: {UNTRIED}; {ADVICE}",))
        from onnxaudit.pipeline.opened_model import check_without_samples, copy_model

        opened = copy_model(path, model)
        doubts = check_without_samples(opened, named=output is not None)
        return _Seen(model=model, opened=opened, obstacles=_describe_doubts(doubts))
    except RejectedError as error:
        return _Seen(obstacles=(str(error).removeprefix(f"{path}: "),), irregularities=error.irregularities)
    except OnnxauditError as error:
        return _Seen(obstacles=(str(error).removeprefix(f"{path}: "),))


def _look_ahead(opened: "Opened", shapes: Shapes, config: ScanConfig, memory: int | None) -> "Outlook":
    from onnxaudit.pipeline.outlook import look_ahead

    return look_ahead(opened, shapes, config.detection, memory)


def _describe_doubts(doubts: Sequence[Reason]) -> tuple[str, ...]:
    return tuple(f"never clean: {doubt.seen}" for doubt in doubts)


def _list_obstacles(seen: _Seen, outlook: "Outlook | None", unknown: Sequence[str]) -> Iterator[str]:
    for one in seen.obstacles:
        if not unknown or "operators that onnxaudit cannot import" not in one:
            yield one
    if outlook is not None and outlook.obstacle:
        yield outlook.obstacle
    if unknown:
        yield f"operators that cannot be copied: {', '.join(unknown)}{explain_unknown(unknown)}"


def _try_loading(path: Path, output: str | None, size: Size | None) -> Model | None:
    """The model as far as it can be read, to tell of it."""
    try:
        return load_model(path, output, size)
    except OnnxauditError:
        return None


def _list_operators(proto: onnx.ModelProto, *, sound: bool) -> tuple[OperatorUse, ...]:
    """Operators of the file, and those within its functions that are not known; the latter of a sound file alone."""
    expanded = expand_functions(proto) if sound else proto
    unknown = Counter(
        (_domain(node), as_text(node.op_type)) for node in find_unknown(expanded.graph, find_opsets(expanded))
    )
    counts = Counter((_domain(node), as_text(node.op_type)) for node in _walk(proto.graph))
    counts |= unknown
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return tuple(OperatorUse(domain, name, count, (domain, name) not in unknown) for (domain, name), count in ranked)


def _list_needed_unknown(model: Model | None, operators: Sequence[OperatorUse]) -> list[str]:
    """Unknown operators on the way to the logits; all of them where nobody knows that way."""
    unknown = {(use.domain, use.name) for use in operators if not use.supported}
    if model is not None:
        needed = drop_side_outputs(model.computed, model.info.output.logits)
        unknown &= {(_domain(node), as_text(node.op_type)) for node in _walk(needed.graph)}
    return sorted(_name(*one) for one in unknown)


def _walk(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            if attribute.type == AttributeProto.GRAPH:
                yield from _walk(attribute.g)


def _domain(node: onnx.NodeProto) -> str:
    return STANDARD if node.domain in STANDARD_DOMAINS else as_text(node.domain)


def _name(domain: str, name: str) -> str:
    return name if domain == STANDARD else f"{domain}.{name}"


def _list_inputs(proto: onnx.ModelProto) -> tuple[TensorInfo, ...]:
    stored = {tensor.name for tensor in proto.graph.initializer}
    return tuple(_describe(value) for value in proto.graph.input if value.name not in stored)


def _describe(value: onnx.ValueInfoProto) -> TensorInfo:
    tensor = value.type.tensor_type
    kind = name_type(tensor.elem_type)
    return TensorInfo(as_text(value.name), kind, tuple(_axis(axis) for axis in tensor.shape.dim))


def _axis(axis: onnx.TensorShapeProto.Dimension) -> int | str:
    return axis.dim_value if axis.HasField("dim_value") else as_text(axis.dim_param) or FREE
