"""A model file read and run for the first time, without PyTorch: all of opening it that comes before the copy."""

import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from onnxaudit.data.preprocessing import common_preprocessings, typed_preprocessing
from onnxaudit.data.probes import FEWEST, MOST_VALUES, draw_probes
from onnxaudit.data.synthetic import synthesize_samples
from onnxaudit.deadline import Deadline
from onnxaudit.errors import ModelError, NanError, OnnxauditError, OutOfTimeError, RejectedError
from onnxaudit.intake import Model, load_model
from onnxaudit.intake.operators import check_operators
from onnxaudit.intake.sizes import FindSize, Size
from onnxaudit.pipeline.consistency import check_consistency
from onnxaudit.records import ModelInfo, OnEvent, Reason, Samples
from onnxaudit.records.events import Event
from onnxaudit.runtime import Runtime
from onnxaudit.trial import try_model

LONGEST = 200  # characters of an error of ours
MADE = 24  # images for a look without samples; fewer of millions of pixels


def read_and_try(
    path: Path,
    *,
    output: str | None = None,
    size: Size | None = None,
    find_size: FindSize | None = None,
    deadline: Deadline = Deadline(),
    on_event: OnEvent = lambda _: None,
    meanwhile: Callable[[], object] | None = None,
) -> Model:
    """Read a model, and run it for the first time where it can do no harm.

    Args:
        path: the ONNX file.
        output: the classifying output, where the model has several.
        size: height and width `(h, w)` of a model that takes any.
        find_size: what gives them, where nobody named them.
        deadline: when the first run ends at the latest.
        on_event: told what is being done.
        meanwhile: what this process does while the model is tried in another one, such as loading libraries.

    Raises:
        ModelError: it cannot be read, holds unknown operators, or cannot be run within limits.
        RejectedError: readers of the file come to different models.
        UsageError: the file fixes another size than the one given.
        OutOfTimeError: the deadline has passed.
    """
    on_event(Event("load", 0, 0, f"reading {path.name}"))
    with _settled_by_bytes(), told_by_path(path):
        model = load_model(path, output, size, find_size)
        check_operators(model)
    on_event(Event("load", 0, 0, "trying it in a process of its own"))
    with told_of(model.info, deadline):
        if meanwhile is None:
            return try_model(model, deadline)
        with ThreadPoolExecutor(1) as pool:
            trying = pool.submit(try_model, model, deadline)
            meanwhile()
            return trying.result()


@contextlib.contextmanager
def told_of(info: ModelInfo, deadline: Deadline) -> Iterator[None]:
    """Where the time is up before, in or after a step, the error says of which model."""
    try:
        deadline.check()
        yield
        deadline.check()
    except OutOfTimeError as error:
        raise OutOfTimeError(info) from error


@contextlib.contextmanager
def told_by_path(path: Path) -> Iterator[None]:
    """What a graph that nobody thought of makes of our own code is the file's fault as well, in one line."""
    try:
        yield
    except (OnnxauditError, MemoryError):
        raise
    except Exception as error:
        words = " ".join(str(error).split())[:LONGEST]
        raise ModelError(f"{path}: the graph cannot be understood ({type(error).__name__}: {words})") from error


@contextlib.contextmanager
def _settled_by_bytes() -> Iterator[None]:
    """Reading is settled by the file's bytes: what is wrong with them now will be wrong with them again."""
    try:
        yield
    except ModelError as error:
        error.settled = not isinstance(error.__cause__, OSError)
        raise


def check_answers(model: Model, runtime: Runtime, *, rounding: bool, named: bool = False) -> tuple[Reason, ...]:
    """What a scan asks the file on samples, asked on made images; what that leaves in doubt.

    Args:
        model: as read.
        runtime: the file in onnxruntime.
        rounding: whether the network rounds on its way, so that small differences grow.
        named: the audited output was named by a person.

    Raises:
        ModelError: answers are random, or NaN in every range.
        RejectedError: the file does not answer as it is audited.
    """
    spec = model.info.input
    most = max(FEWEST, MOST_VALUES // (3 * spec.channels * spec.height * spec.width))
    made = synthesize_samples(spec, min(MADE, most), seed=0)
    ranged = _find_range(model, runtime, made)
    found = check_consistency(ranged, draw_probes(made, seed=0), rounding=rounding, named=named)
    if found.irregularities:
        raise RejectedError(model.info, found.irregularities)
    return found.doubts


def _find_range(model: Model, runtime: Runtime, made: Samples) -> Runtime:
    """The file behind the first usual preprocessing in which it answers at all.

    Raises:
        ModelError: there is none.
    """
    spec = model.info.input
    typed = typed_preprocessing(spec.dtype)
    for preprocessing in common_preprocessings(spec.channels) if typed is None else (typed,):
        ranged = runtime.with_preprocessing(preprocessing)
        with contextlib.suppress(NanError):
            ranged.logits(made.images)
            return ranged
    raise ModelError(
        f"{model.info.path}: the model answers NaN on made images in every usual range of values; a scan needs "
        "--range, if there is one in which it answers"
    )
