"""A model file opened: read, tried in a worker process, copied, and compared; the same for `scan` and for `inspect`."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from onnxaudit.data.probes import draw_probes
from onnxaudit.deadline import Deadline
from onnxaudit.errors import RejectedError
from onnxaudit.importer import check_parity, import_model
from onnxaudit.importer.conversion import check_operators
from onnxaudit.importer.module import TorchModel
from onnxaudit.importer.parity import rounds
from onnxaudit.intake import Model, load_model
from onnxaudit.intake.sizes import FindSize, Size
from onnxaudit.pipeline.consistency import check_consistency
from onnxaudit.records import OnEvent, Preprocessing, Samples
from onnxaudit.records.events import Event
from onnxaudit.runtime import Runtime
from onnxaudit.trial import try_model

NOISE = 24  # images for a look without samples


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
    """
    on_event(Event("load", 0, 0, f"reading {path.name}"))
    model = load_model(path, output, size, find_size)
    check_operators(model)
    on_event(Event("load", 0, 0, "trying it in a process of its own"))
    model = try_model(model, deadline)
    on_event(Event("import", 0, 0, "copying the network to PyTorch"))
    torch_model = import_model(model, device)
    return Opened(model=model, torch_model=torch_model, runtime=Runtime(model, Preprocessing(), device))


def check_without_samples(opened: Opened, *, named: bool = False) -> None:
    """What a scan checks on samples, checked on noise.

    Raises:
        ModelError: the copy does not compute what onnxruntime computes, or answers are random.
        RejectedError: the file does not answer as it is audited.
    """
    spec = opened.model.info.input
    rng = np.random.default_rng(0)
    images = rng.random((NOISE, spec.channels, spec.height, spec.width), dtype=np.float32)
    probes = draw_probes(Samples(images, None, "noise", synthetic=True), seed=0)
    found = check_consistency(opened.runtime, probes, rounding=rounds(opened.torch_model), named=named)
    if found.irregularities:
        raise RejectedError(opened.model.info, found.irregularities)
    check_parity(opened.torch_model, opened.model, opened.runtime, seed=0)
