"""A model file opened: read, tried in a worker process, copied, and compared; the same for `scan` and for `inspect`."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from onnxaudit.data.preprocessing import common_preprocessings, typed_preprocessing
from onnxaudit.data.probes import FEWEST, MOST_VALUES, draw_probes
from onnxaudit.data.synthetic import synthesize_samples
from onnxaudit.deadline import Deadline
from onnxaudit.errors import ModelError, NanError, OnnxauditError, OutOfTimeError, RejectedError
from onnxaudit.importer import check_parity, import_model
from onnxaudit.importer.conversion import check_operators
from onnxaudit.importer.module import TorchModel
from onnxaudit.importer.parity import rounds
from onnxaudit.intake import Model, load_model
from onnxaudit.intake.sizes import FindSize, Size
from onnxaudit.pipeline.consistency import check_consistency
from onnxaudit.records import ModelInfo, OnEvent, Preprocessing, Reason, Samples
from onnxaudit.records.events import Event
from onnxaudit.runtime import Runtime
from onnxaudit.trial import try_model

LONGEST = 200  # characters of an error of ours
MADE = 24  # images for a look without samples; fewer of millions of pixels


@dataclass(frozen=True, kw_only=True, eq=False)
class Opened:
    """A model that can be run here.

    Attributes:
        model: as read; its batch fixed where it takes one size only.
        torch_model: its copy.
        runtime: the file in onnxruntime.
    """

    model: Model
    torch_model: TorchModel
    runtime: Runtime


def open_model(
    path: Path,
    *,
    output: str | None = None,
    size: Size | None = None,
    find_size: FindSize | None = None,
    device: str = "cpu",
    deadline: Deadline = Deadline(),
    on_event: OnEvent,
) -> Opened:
    """Read a model, run it for the first time where it can do no harm, and copy it.

    Raises:
        ModelError: it cannot be read, run within limits, or copied.
        RejectedError: readers of the file come to different models.
        UsageError: the file fixes another size than the one given.
        OutOfTimeError: the deadline has passed.
    """
    on_event(Event("load", 0, 0, f"reading {path.name}"))
    with _told_by_path(path):
        model = load_model(path, output, size, find_size)
        check_operators(model)
    on_event(Event("load", 0, 0, "trying it in a process of its own"))
    with _told_of(model.info, deadline):
        model = try_model(model, deadline)
    on_event(Event("import", 0, 0, "copying the network to PyTorch"))
    with _told_of(model.info, deadline), _told_by_path(path):
        torch_model = import_model(model, device)
    return Opened(model=model, torch_model=torch_model, runtime=Runtime(model, Preprocessing(), device))


@contextlib.contextmanager
def _told_of(info: ModelInfo, deadline: Deadline) -> Iterator[None]:
    """Where the time is up before, in or after a step, the error says of which model."""
    try:
        deadline.check()
        yield
        deadline.check()
    except OutOfTimeError as error:
        raise OutOfTimeError(info) from error


@contextlib.contextmanager
def _told_by_path(path: Path) -> Iterator[None]:
    """What a graph that nobody thought of makes of our own code is the file's fault as well, in one line."""
    try:
        yield
    except (OnnxauditError, MemoryError):
        raise
    except Exception as error:
        words = " ".join(str(error).split())[:LONGEST]
        raise ModelError(f"{path}: the graph cannot be understood ({type(error).__name__}: {words})") from error


def check_without_samples(opened: Opened, *, named: bool = False) -> tuple[Reason, ...]:
    """What a scan checks on samples, checked on made images; what it leaves in doubt.

    Raises:
        ModelError: the copy does not compute what onnxruntime computes, or answers are random, or NaN in every range.
        RejectedError: the file does not answer as it is audited.
    """
    spec = opened.model.info.input
    most = max(FEWEST, MOST_VALUES // (3 * spec.channels * spec.height * spec.width))
    made = synthesize_samples(spec, min(MADE, most), seed=0)
    runtime = _find_range(opened, made)
    found = check_consistency(runtime, draw_probes(made, seed=0), rounding=rounds(opened.torch_model), named=named)
    if found.irregularities:
        raise RejectedError(opened.model.info, found.irregularities)
    check_parity(opened.torch_model, opened.model, opened.runtime, seed=0)
    return found.doubts


def _find_range(opened: Opened, made: Samples) -> Runtime:
    """The file behind the first usual preprocessing in which it answers at all.

    Raises:
        ModelError: there is none.
    """
    spec = opened.model.info.input
    typed = typed_preprocessing(spec.dtype)
    for preprocessing in common_preprocessings(spec.channels) if typed is None else (typed,):
        runtime = opened.runtime.with_preprocessing(preprocessing)
        with contextlib.suppress(NanError):
            runtime.logits(made.images)
            return runtime
    raise ModelError(
        f"{opened.model.info.path}: the model answers NaN on made images in every usual range of values; a scan needs "
        "--range, if there is one in which it answers"
    )
