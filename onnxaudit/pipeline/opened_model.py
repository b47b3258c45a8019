"""A model file opened: read, tried in a worker process, copied, and compared; the same for `scan` and for `inspect`."""

from dataclasses import dataclass
from pathlib import Path

from onnxaudit.deadline import Deadline
from onnxaudit.importer import check_parity, import_model
from onnxaudit.importer.module import TorchModel
from onnxaudit.importer.parity import rounds
from onnxaudit.intake import Model
from onnxaudit.intake.sizes import FindSize, Size
from onnxaudit.pipeline.first_run import check_answers, read_and_try, told_by_path, told_of
from onnxaudit.records import OnEvent, Preprocessing, Reason
from onnxaudit.records.events import Event
from onnxaudit.runtime import Runtime


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
    model = read_and_try(path, output=output, size=size, find_size=find_size, deadline=deadline, on_event=on_event)
    on_event(Event("import", 0, 0, "copying the network to PyTorch"))
    with told_of(model.info, deadline):
        return copy_model(path, model, device)


def copy_model(path: Path, model: Model, device: str = "cpu") -> Opened:
    """The model beside its copy and onnxruntime.

    Raises:
        ModelError: it cannot be copied.
    """
    with told_by_path(path):
        torch_model = import_model(model, device)
    return Opened(model=model, torch_model=torch_model, runtime=Runtime(model, Preprocessing(), device))


def check_without_samples(opened: Opened, *, named: bool = False) -> tuple[Reason, ...]:
    """What a scan checks on samples, checked on made images; what it leaves in doubt.

    Raises:
        ModelError: the copy does not compute what onnxruntime computes, or answers are random, or NaN in every range.
        RejectedError: the file does not answer as it is audited.
    """
    doubts = check_answers(opened.model, opened.runtime, rounding=rounds(opened.torch_model), named=named)
    check_parity(opened.torch_model, opened.model, opened.runtime, seed=0)
    return doubts
