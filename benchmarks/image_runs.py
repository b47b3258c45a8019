"""How many images go through a network, and how long that takes, by what a scan says that it is doing."""

import contextlib
import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from threading import Lock
from typing import Any
from unittest.mock import patch

import torch

from onnxaudit.importer.module import TorchModel
from onnxaudit.records import Event
from onnxaudit.runtime import Runtime


@dataclass(kw_only=True)
class Runs:
    """Of one stage.

    Attributes:
        seconds: of the processor.
        runtime: images through onnxruntime.
        copied: images through the copy, forward alone.
        passes: images through the copy, forward and backward.
    """

    seconds: float = 0.0
    runtime: int = 0
    copied: int = 0
    passes: int = 0


class RunCounter:
    """Listens to a scan's events while `counting` lasts.

    Attributes:
        stages: by what was being done, in the order in which it began.
    """

    def __init__(self) -> None:
        """Starts now."""
        self.stages = defaultdict[str, Runs](Runs)
        self._stage, self._since, self._lock = "load", time.process_time(), Lock()

    def __call__(self, event: Event) -> None:
        """What went by since the last event belongs to the stage that spoke then."""
        now = time.process_time()
        self.stages[self._stage].seconds += now - self._since
        told = event.message if event.stage in ("load", "import", "detect") and not event.total else ""
        self._stage, self._since = f"{event.stage} {re.sub(r'[^ ]*[.][^ ]*', '', told)}".strip(), now

    @contextlib.contextmanager
    def counting(self) -> Iterator[None]:
        """Count what goes through any network while the block lasts; ways behind an inner tensor do not count."""
        with (
            patch.object(Runtime, "run", self._watch(Runtime.run, "runtime")),
            patch.object(TorchModel, "forward", self._watch(TorchModel.forward, "copied")),
            patch.object(TorchModel, "values", self._watch(TorchModel.values, "copied")),
        ):
            yield

    def _watch(self, method: Callable[..., Any], kind: str) -> Callable[..., Any]:
        def watched(network: Any, inputs: Any, *rest: Any, **named: Any) -> Any:
            there = isinstance(inputs, torch.Tensor) and torch.is_grad_enabled() and inputs.requires_grad
            with self._lock:
                runs, name = self.stages[self._stage], "passes" if there else kind
                setattr(runs, name, getattr(runs, name) + len(inputs))
            return method(network, inputs, *rest, **named)

        return watched
