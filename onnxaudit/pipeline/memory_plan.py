"""What a run holds at one time so that it keeps to the memory it was given."""

import contextlib
from collections.abc import Iterator
from math import prod

import torch

from onnxaudit.data.selection import FEWEST, MOST_SAMPLES
from onnxaudit.errors import OnnxauditError, ShortOfMemoryError
from onnxaudit.importer.module import TorchModel
from onnxaudit.memory import measure_free, measure_held
from onnxaudit.records import MemoryPlan
from onnxaudit.records.coded_images import MOST_FLOATS
from onnxaudit.runtime import MOST_IMAGES

SHARE = 0.6  # of what is free, where nothing was said
STEP = 10  # images of one label in a step, of the detector that takes most
COPIES = 2  # of the samples: all of them, and both halves
TRANSIENT = 1.25  # times what is kept for the way back: gradients of what lies between two layers
SLACK = 2**26  # bytes for everything else
MIB, GIB = 2**20, 2**30


def plan_memory(model: TorchModel, memory: int | None) -> MemoryPlan | None:
    """How a model is run within `memory` bytes; where None, within a share of what is free. None: nobody knows that.

    Raises:
        ShortOfMemoryError: the memory does not suffice for this model.
    """
    held, free = measure_held(), measure_free()
    if memory is None and free is None:
        return None
    promised = memory if memory is not None else held + int(SHARE * (free or 0))
    return divide(
        promised,
        held=held,
        values=prod(model.info.input.shape(1)),
        kept=measure_kept(model),
        threads=torch.get_num_threads(),
    )


def divide(promised: int, *, held: int, values: int, kept: int, threads: int) -> MemoryPlan:
    """A quarter of what is left for the samples, a quarter for runs of onnxruntime, half for steps with gradients.

    Args:
        promised: bytes of the whole process.
        held: bytes that it has already.
        values: numbers of one image.
        kept: bytes that one image leaves behind for the way back.
        threads: steps side by side, at most.

    Raises:
        ShortOfMemoryError: it does not suffice.
    """
    left, step = promised - held, int(TRANSIENT * kept)
    each = values * COPIES * (1 if left // 4 >= 4 * COPIES * MOST_FLOATS else 4)
    needed = max(4 * FEWEST * each, 4 * kept, 2 * step) + SLACK
    if left < needed:
        raise ShortOfMemoryError(
            f"{_word(promised)} of memory is too little for this model: {_word(held + needed)} is needed; give more "
            "with --memory, or use a machine that has more"
        )
    side_by_side = left // 2 // max(1, STEP * step)
    return MemoryPlan(
        promised=promised,
        samples=max(FEWEST, min(MOST_SAMPLES, left // 4 // each)),
        run_images=max(1, min(MOST_IMAGES, left // 4 // max(1, kept))),
        step_images=None if side_by_side else max(1, left // 2 // step),
        threads=max(1, min(threads, side_by_side)),
    )


def measure_kept(model: TorchModel) -> int:
    """Bytes of inner values that one image leaves behind for the way back, weights aside."""
    batch = model.info.input.batch
    if batch is not None:
        return _count_kept(model, batch) // batch
    try:
        return max(0, _count_kept(model, 2) - _count_kept(model, 1))
    except (OnnxauditError, RuntimeError):  # one image at a time is all it takes
        return _count_kept(model, 1)


def _count_kept(model: TorchModel, images: int) -> int:
    kept = dict[int, int]()

    def count(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    inputs = torch.zeros(model.info.input.shape(images), device=model.device, requires_grad=True)
    with torch.enable_grad(), torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor):
        logits = model(inputs)  # held until all is counted: what it keeps would be given back
    del logits
    return sum(kept.values())


@contextlib.contextmanager
def threads_restored() -> Iterator[None]:
    """A plan may take threads away; whoever calls gets them back."""
    before = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _word(size: int) -> str:
    return f"{size / GIB:.1f} GiB" if size >= GIB else f"{size // MIB} MiB"
