"""`inspect`: what a model file holds and what a scan of it would meet, in seconds.

The same checks as before a scan; where these need images, on noise.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from math import prod
from pathlib import Path

import onnx
import torch
from onnx import AttributeProto, helper, shape_inference

from onnxaudit.detectors.base import Effort
from onnxaudit.errors import ModelError, OnnxauditError, RejectedError
from onnxaudit.importer.parser import expand_functions, explain_unknown, find_opsets, find_unknown
from onnxaudit.importer.side_outputs import drop_side_outputs
from onnxaudit.intake import Model, load_model
from onnxaudit.intake.declarations import STANDARD_DOMAINS, name_type
from onnxaudit.intake.reader import read_if_regular, read_proto
from onnxaudit.intake.sizes import Size
from onnxaudit.intake.stored import list_stored
from onnxaudit.pipeline.effort import estimate
from onnxaudit.pipeline.memory_plan import plan_memory
from onnxaudit.pipeline.opening import Opened, check_without_samples, open_model
from onnxaudit.pipeline.scans import ScanConfig, choose_config
from onnxaudit.records import (
    Inspection,
    Irregularity,
    LayerInfo,
    OperatorUse,
    TargetLayer,
    TensorInfo,
)
from onnxaudit.surgery import find_target_layer, spell_out
from onnxaudit.text import as_text

STANDARD = "ai.onnx"
PRODUCTS = {"Conv", "ConvTranspose", "Gemm", "MatMul", "QLinearConv", "QLinearMatMul", "ConvInteger", "MatMulInteger"}
RECURRENT = {"GRU", "LSTM", "RNN"}
UNFOLDED = {"ConvTranspose"}  # each input, not each output, meets every weight
FREE = "?"


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
    obstacles: list[str] = []
    irregularities: list[Irregularity] = []
    opened = _try_opening(path, output, input_size, obstacles, irregularities)
    sound = opened is not None
    model = _try_loading(path, output, input_size) if opened is None else opened.model
    target = _try_target(model, obstacles) if model is not None and sound else None
    operators = _list_operators(file.proto, sound=model is not None)
    unknown = _list_needed_unknown(model, operators)
    if unknown:
        obstacles = [one for one in obstacles if "operators that onnxaudit cannot import" not in one]
        obstacles.append(f"operators that cannot be copied: {', '.join(unknown)}{explain_unknown(unknown)}")
    # Of a file that was refused no shapes: inference unfolds functions, however many times they call each other, and
    # computes constants, however large.
    shapes = _infer_shapes(model.computed) if model is not None and sound else {}
    if opened is not None:
        shapes = _measure_shapes(opened, shapes)
    layers = tuple(_list_layers(file.proto if model is None else model.computed, shapes))
    known = [layer.multiply_adds for layer in layers if layer.multiply_adds is not None]
    total = sum(known) if len(known) == len(layers) else None
    info = None if model is None else model.info
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
        model=info if sound else None,
        target_layer=target,
        multiply_adds=total,
        seconds=None if opened is None else estimate(opened.torch_model, config.detection),
        obstacles=tuple(obstacles),
        irregularities=tuple(irregularities),
        memory=None if opened is None else plan_memory(opened.torch_model, memory),
    )


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


def _try_opening(
    path: Path, output: str | None, size: Size | None, obstacles: list[str], irregularities: list[Irregularity]
) -> Opened | None:
    """The opened model if a scan would begin; what stands against it is added to the lists."""
    try:
        opened = open_model(path, output=output, size=size, on_event=lambda _: None)
        doubts = check_without_samples(opened, named=output is not None)
        obstacles.extend(f"never clean: {doubt.seen}" for doubt in doubts)
        return opened
    except RejectedError as error:
        irregularities.extend(error.irregularities)
        obstacles.append(str(error).removeprefix(f"{path}: "))
    except OnnxauditError as error:
        obstacles.append(str(error).removeprefix(f"{path}: "))
    return None


def _try_loading(path: Path, output: str | None, size: Size | None) -> Model | None:
    """The model as far as it can be read, to tell of it."""
    try:
        return load_model(path, output, size)
    except OnnxauditError:
        return None


def _try_target(model: Model, obstacles: list[str]) -> TargetLayer | None:
    try:
        return find_target_layer(spell_out(model))
    except ModelError as error:
        obstacles.append(f"no repair: {error}")
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


def _list_layers(proto: onnx.ModelProto, shapes: Mapping[str, tuple[int, ...]]) -> Iterator[LayerInfo]:
    """Nodes of the outermost graph that multiply by stored weights."""
    weights = {name: tuple(tensor.dims) for name, tensor in list_stored(proto)}
    weights |= {
        node.output[0]: weights[node.input[0]]
        for node in proto.graph.node
        if node.op_type == "DequantizeLinear" and node.input[0] in weights
    }
    for node in proto.graph.node:
        shape = max((weights[name] for name in node.input if name in weights), key=prod, default=())
        if node.op_type in RECURRENT and shape:  # each time step meets every weight; biases have one axis less
            matrices = sum(prod(weights[name]) for name in node.input if len(weights.get(name, ())) == len(shape))
            read = shapes.get(node.input[0])
            work = None if read is None else prod(read[:2]) * matrices
            yield LayerInfo(as_text(node.name or node.output[0]), node.op_type, shape, work)
        elif node.op_type in PRODUCTS and shape:
            yield LayerInfo(as_text(node.name or node.output[0]), node.op_type, shape, _count(node, shape, shapes))


def _infer_shapes(proto: onnx.ModelProto) -> Mapping[str, tuple[int, ...]]:
    """Shapes of the tensors for a batch of one, where they are known."""
    try:
        typed = shape_inference.infer_shapes(_with_batch_of_one(proto), data_prop=True)
    except Exception:  # the checker's errors share no type; without shapes there is no estimate, which is told
        return {}
    values = [*typed.graph.input, *typed.graph.value_info, *typed.graph.output]
    found = {value.name: tuple(_axis(axis) for axis in value.type.tensor_type.shape.dim) for value in values}
    return {
        name: tuple(int(axis) for axis in shape)
        for name, shape in found.items()
        if shape and all(isinstance(axis, int) for axis in shape)
    }


def _measure_shapes(opened: Opened, known: Mapping[str, tuple[int, ...]]) -> Mapping[str, tuple[int, ...]]:
    """Shapes that are known, and those of further layers as the copy computes them for a batch of one."""
    nodes = [node for node in opened.model.computed.graph.node if node.op_type in PRODUCTS | RECURRENT]
    wanted = {name for node in nodes for name in (node.input[0], node.output[0])} - known.keys()
    made = {name for step in opened.torch_model.graph.steps for name in step.outputs}
    names = sorted(wanted & made)
    with torch.no_grad():
        found = opened.torch_model.values(torch.zeros(opened.model.info.input.shape(1)), names) if names else {}
    return {**known, **{name: tuple(value.shape) for name, value in found.items()}}


def _with_batch_of_one(proto: onnx.ModelProto) -> onnx.ModelProto:
    fixed = onnx.ModelProto()
    fixed.CopyFrom(proto)
    stored = {tensor.name for tensor in proto.graph.initializer}
    del fixed.graph.value_info[:]
    for value in fixed.graph.input:
        axes = value.type.tensor_type.shape.dim
        if value.name not in stored and axes:
            axes[0].dim_value = 1
    for value in list(fixed.graph.output):
        kind = value.type.tensor_type.elem_type
        value.CopyFrom(helper.make_tensor_value_info(value.name, kind, None))
    return fixed


def _count(node: onnx.NodeProto, weights: tuple[int, ...], shapes: Mapping[str, tuple[int, ...]]) -> int | None:
    """Multiplications of one input: each value that the layer makes meets the weights of one output channel."""
    side = shapes.get(node.input[0] if node.op_type in UNFOLDED else node.output[0])
    if side is None:
        return None
    if "Conv" in node.op_type:
        return prod(side) * prod(weights) // weights[0]
    read = shapes.get(node.input[0])
    return prod(side) * (weights[-2] if read is None else read[-1])
