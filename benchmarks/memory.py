"""Bytes that PyTorch's tensors hold, counted exactly and on any device."""

import gc
import weakref
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import FunctionType, ModuleType
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class LiveBytes(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Follows the storages that operators make while it is entered.

    Attributes:
        now: bytes alive.
        peak: the most that were alive at once; what a kernel needs while it runs is not seen.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now = 0
        self.peak = 0
        self._known: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run an operator and count what it made."""
        given = {x.untyped_storage().data_ptr() for x in tree_leaves((args, kwargs)) if isinstance(x, Tensor)}
        result = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(result):
            if isinstance(tensor, Tensor) and tensor.untyped_storage().data_ptr() not in given | self._known:
                self._add(tensor.untyped_storage())
        return result

    def _add(self, storage: torch.UntypedStorage) -> None:
        pointer, size = storage.data_ptr(), storage.nbytes()
        self._known.add(pointer)
        self.now += size
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self._drop, pointer, size)

    def _drop(self, pointer: int, size: int) -> None:
        self._known.discard(pointer)
        self.now -= size


def measure_peak(run: Callable[[], object]) -> int:
    """The most bytes that a run holds at once beyond what was there before, after one run to warm up."""
    run()
    gc.collect()
    with LiveBytes() as live:
        run()
    return int(live.peak)


def measure_stored(holder: object) -> int:
    """Bytes of all tensors within a module or another object, its attributes and what they hold; shared ones once."""
    storages: dict[int, int] = {}
    seen: dict[int, Any] = {}  # holds the things themselves, so that no identity is given twice
    waiting: list[Any] = [holder]
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen:
            continue
        seen[id(thing)] = thing
        if isinstance(thing, Tensor):
            storages[thing.untyped_storage().data_ptr()] = thing.untyped_storage().nbytes()
        elif isinstance(thing, Mapping):
            waiting.extend(thing.values())
        elif isinstance(thing, Sequence) and not isinstance(thing, str | bytes):
            waiting.extend(thing)
        elif isinstance(thing, partial):
            waiting.extend((thing.func, thing.args, thing.keywords))
        elif hasattr(thing, "__dict__") and not isinstance(thing, type | FunctionType | ModuleType):
            waiting.append(vars(thing))
    return sum(storages.values())
