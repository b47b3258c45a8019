"""The one place that knows onnxruntime: what the vendor's graph computes.

A session is made for each set of tensors that is asked for, with those tensors added to the outputs of a copy of
the graph, and kept.
"""

import contextlib
import os
import re
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors

from onnxaudit.data.preprocessing import preprocess, round_to_type
from onnxaudit.deadline import NEVER, Deadline
from onnxaudit.errors import ModelError, NanError
from onnxaudit.intake.model import Model
from onnxaudit.records import Floats, Preprocessing

CPU = "CPUExecutionProvider"
CUDA = "CUDAExecutionProvider"
TRIAL_OPSET, TRIAL_IR_VERSION = 13, 8  # old enough for every version of onnxruntime
MOST_IMAGES = 256  # in one run
MOST_VALUES = 2**22  # input values in one run
LARGE_IMAGE, MOST_VALUES_OF_LARGE = 2**14, 2**21  # beyond: 13 photos of 224x224, whose inner values take some 1 GiB
FATAL_ONLY = 4  # onnxruntime's severities; failures reach us as exceptions and need no log line

# "[ONNXRuntimeError] : 1 : FAIL : /onnxruntime_src/model.cc:256 onnxruntime::Model::Model(...) " before the message
_SOURCE_PLACE = re.compile(r"^\[ONNXRuntimeError\] : \d+ : [A-Z_]+ : (/\S+:\d+ .*?\) (?=[A-Z]))?", re.DOTALL)
_SOURCE_FILE = re.compile(r"/onnxruntime_src/\S+:\d+ ")
_OPSET_REFUSED = re.compile(r"Opset (\d+) is under development.* for domain (\S+) is till opset (\d+)", re.DOTALL)

FAILURES = (
    ort_errors.EPFail,
    ort_errors.Fail,
    ort_errors.InvalidArgument,
    ort_errors.InvalidGraph,
    ort_errors.InvalidProtobuf,
    ort_errors.NotImplemented,
    ort_errors.RuntimeException,
)


class Runtime:
    """Runs a model through onnxruntime on images in pixel space `(n, c, h, w)`.

    Args:
        model: what to run.
        preprocessing: how pixels become model inputs.
        device: "cpu"; or "cuda" or "auto": CUDA where it works, which `provider` tells, else the CPU.
        deadline: after which no batch is run any more: each of them then ends in OutOfTimeError.
        most_images: in one run; fewer where they are large.

    Raises:
        ModelError: onnxruntime cannot load the model.
    """

    def __init__(
        self,
        model: Model,
        preprocessing: Preprocessing,
        device: str = "cpu",
        deadline: Deadline = NEVER,
        most_images: int = MOST_IMAGES,
    ) -> None:
        self.model = model
        self.preprocessing = preprocessing
        self.deadline = deadline
        self.most_images = most_images
        self._sessions = _Sessions(model, device)
        self._sessions.get(())

    def with_preprocessing(self, preprocessing: Preprocessing) -> "Runtime":
        """The same sessions behind another preprocessing."""
        return self._vary(preprocessing, self.deadline, self.most_images)

    def until(self, deadline: Deadline) -> "Runtime":
        """The same sessions with another deadline."""
        return self._vary(self.preprocessing, deadline, self.most_images)

    def within(self, most_images: int) -> "Runtime":
        """The same sessions with fewer images in one run."""
        return self._vary(self.preprocessing, self.deadline, most_images)

    def _vary(self, preprocessing: Preprocessing, deadline: Deadline, most_images: int) -> "Runtime":
        other = object.__new__(Runtime)
        other.model, other._sessions = self.model, self._sessions
        other.preprocessing, other.deadline, other.most_images = preprocessing, deadline, most_images
        return other

    @property
    def provider(self) -> str:
        """The execution provider that the session really has, "CPUExecutionProvider" or "CUDAExecutionProvider"."""
        return str(self._sessions.get(()).get_providers()[0])

    def predict(self, images: Floats) -> Floats:
        """The classifying output `(n, classes)`, as the model gives it: logits or probabilities.

        Logits where it gives labels alone, or one score for two classes.

        Raises:
            NanError: the model gives NaN.
            ModelError: onnxruntime fails on the model.
        """
        return self._scores(images, self.model.info.output.answers)

    def logits(self, images: Floats) -> Floats:
        """The logits `(n, classes)`: the output, or what feeds the final Softmax.

        Raises:
            NanError: the model gives NaN.
            ModelError: onnxruntime fails on the model.
        """
        return self._scores(images, self.model.info.output.logits)

    def activations(self, images: Floats, names: Sequence[str]) -> dict[str, Floats]:
        """The tensors called `names`, each with one row an image.

        Raises:
            ModelError: the graph has no such tensor, or it has not one row an image.
        """
        parts: dict[str, list[Floats]] = {name: [] for name in names}
        step = self._chunk()
        for start in range(0, len(images), step):
            chunk = images[start : start + step]
            inputs = preprocess(self._pad(chunk), self.preprocessing, self.model.info.input.layout)
            for name, value in self.run(inputs, names).items():
                if value.ndim == 0 or len(value) != len(inputs):
                    raise ModelError(f"{self.model.info.path}: tensor {name!r} has not one row an image")
                parts[name].append(_as_float32(value[: len(chunk)]))
        return {name: np.concatenate(values) for name, values in parts.items()}

    def run(self, inputs: Floats, names: Sequence[str]) -> dict[str, Floats]:
        """The tensors called `names` for one batch of model inputs, in the model's own layout and range.

        Inputs are rounded where the model takes whole numbers.

        Raises:
            ModelError: the graph has no such tensor, or onnxruntime fails on it.
            OutOfTimeError: the deadline has passed.
        """
        self.deadline.check()
        session = self._sessions.get(names)
        spec = self.model.info.input
        feed = {spec.name: round_to_type(inputs, spec.dtype)}
        try:
            values = session.run(list(names), feed)
        except FAILURES as error:
            raise ModelError(f"{self.model.info.path}: onnxruntime fails on the model: {_one_line(error)}") from error
        return dict(zip(names, values, strict=True))

    def _scores(self, images: Floats, name: str) -> Floats:
        if len(images) == 0:
            return np.empty((0, self.model.info.output.classes), dtype=np.float32)
        scores = self.activations(images, [name])[name]
        if np.isnan(scores).any():
            raise NanError(f"{self.model.info.path}: the output {name!r} is not a number (NaN) for some images")
        return scores

    def _chunk(self) -> int:
        spec = self.model.info.input
        values = spec.channels * spec.height * spec.width
        most = MOST_VALUES if values <= LARGE_IMAGE else MOST_VALUES_OF_LARGE
        return spec.batch or max(1, min(self.most_images, most // values))

    def _pad(self, chunk: Floats) -> Floats:
        missing = (self.model.info.input.batch or 0) - len(chunk)
        return chunk if missing <= 0 else np.concatenate([chunk, np.repeat(chunk[-1:], missing, axis=0)])


def _as_float32(value: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return value.astype(np.float32) if value.dtype.kind == "f" else value


class _Sessions:
    """The sessions of one model on one device, by the set of tensors they expose."""

    def __init__(self, model: Model, device: str) -> None:
        self._model = model
        self._device = device
        self._made: dict[frozenset[str], Any] = {}
        self._proto: onnx.ModelProto = model.to_working()
        self._outputs = {value.name for value in self._proto.graph.output}
        self._tensors = {name for node in self._proto.graph.node for name in node.output if name}

    def get(self, names: Sequence[str]) -> Any:
        unknown = [name for name in names if name not in self._tensors | self._outputs]
        if unknown:
            raise ModelError(f"{self._model.info.path}: the graph computes no tensor {unknown[0]!r}")
        key = frozenset(names) - self._outputs
        if key not in self._made:
            self._made[key] = self._make(key)
        return self._made[key]

    def _make(self, names: frozenset[str]) -> Any:
        exposed = onnx.ModelProto()
        exposed.CopyFrom(self._proto)
        exposed.graph.output.extend(onnx.ValueInfoProto(name=name) for name in sorted(names))
        try:
            return _open_session(exposed.SerializeToString(), self._device)
        except FAILURES as error:
            path = self._model.info.path
            raise ModelError(f"{path}: onnxruntime cannot load the model: {_one_line(error)}") from error


def _open_session(data: bytes, device: str) -> Any:
    # The list of available providers names what was compiled in; the session alone tells whether CUDA works.
    if device == "cpu" or CUDA not in onnxruntime.get_available_providers():
        return onnxruntime.InferenceSession(data, _options(), providers=[CPU])
    with _silence():
        session = onnxruntime.InferenceSession(data, _options(), providers=[CUDA, CPU])
    session.disable_fallback()  # which would print, and change the device half-way
    return session


def open_bare_session(data: bytes) -> Any:
    """A session on one thread of the CPU that keeps no memory back, for the first run of a stranger's graph."""
    options = _options()
    options.intra_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    return onnxruntime.InferenceSession(data, options, providers=[CPU])


def _options() -> Any:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = FATAL_ONLY
    options.intra_op_num_threads = _cores()
    # Spinning threads would take the cores from PyTorch, which runs between the calls.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def _cores() -> int:
    """Cores that this process may use; onnxruntime itself counts all of the machine's and warns where it may not."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Keep native libraries off the screen: a CUDA that does not load is reported there before any logger is asked."""
    sys.stdout.flush()
    sys.stderr.flush()
    saved = [os.dup(1), os.dup(2)]
    sink = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(sink, 1)
        os.dup2(sink, 2)
        yield
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        for number, copy in enumerate(saved, start=1):
            os.dup2(copy, number)
            os.close(copy)
        os.close(sink)


def _one_line(error: Exception) -> str:
    """What onnxruntime says, without its code's own names."""
    return shorten_failure(str(error))


def shorten_failure(words: str) -> str:
    """The words of onnxruntime, without its code's own names."""
    refused = _OPSET_REFUSED.search(words)
    if refused is not None:
        return (
            f"onnxruntime {onnxruntime.__version__} knows {refused[2]} up to opset {refused[3]}, and the file uses "
            f"opset {refused[1]}; export the model for an older one, or install a newer onnxruntime"
        )
    return " ".join(_SOURCE_FILE.sub("", _SOURCE_PLACE.sub("", words)).split())[:300]


def try_session() -> list[str]:
    """Run a model of one node and list the execution providers that this build has.

    Raises:
        ArithmeticError: it computes something else than it should.
    """
    value = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [2])
    doubled = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [2])
    graph = onnx.helper.make_graph([onnx.helper.make_node("Add", ["x", "x"], ["y"])], "trial", [value], [doubled])
    opset = onnx.helper.make_opsetid("", TRIAL_OPSET)
    model = onnx.helper.make_model(graph, ir_version=TRIAL_IR_VERSION, opset_imports=[opset])
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=[CPU])
    (answer,) = session.run(None, {"x": np.array([1, 2], np.float32)})
    if answer.tolist() != [2.0, 4.0]:
        raise ArithmeticError("a sum is wrong")
    return list(onnxruntime.get_available_providers())
