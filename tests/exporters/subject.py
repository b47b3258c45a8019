"""A model of this folder, opened, with the images that the tests show it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
import torch
from onnx import TensorProto

from onnxaudit.data.preprocessing import preprocess
from onnxaudit.importer import import_model
from onnxaudit.importer.module import TorchModel
from onnxaudit.importer.tensors import DTYPES
from onnxaudit.intake import Model, load_model
from onnxaudit.records import Floats, Preprocessing
from onnxaudit.runtime import Runtime
from tests.exporters.making.catalogue import Entry, read_entries

PLAIN = Preprocessing(low=0.0, high=1.0)


@dataclass(frozen=True)
class Subject:
    """One model: the file, its copy, and onnxruntime on the file."""

    entry: Entry
    model: Model
    copied: TorchModel
    runtime: Runtime

    def draw(self, count: int, seed: int = 0) -> Floats:
        """Model inputs `(count, ...)`: noise of various colours."""
        return draw_inputs(self.model, count, seed)


@cache
def open_subject(entry: Entry) -> Subject:
    """Read and import a model, once; nobody changes the copy."""
    model = load_model(entry.path, entry.output)
    return Subject(entry, model, import_model(model), Runtime(model, PLAIN))


def draw_inputs(model: Model, count: int, seed: int = 0) -> Floats:
    """Model inputs `(count, ...)`: noise of various colours and contrasts."""
    rng = np.random.default_rng(seed)
    spec = model.info.input
    noise = rng.random((count, spec.channels, spec.height, spec.width))
    colours = rng.random((count, spec.channels, 1, 1))
    images = colours + (noise - colours) * rng.random((count, 1, 1, 1))
    return preprocess(images.astype(np.float32), PLAIN, spec.layout)


@contextmanager
def double_precision(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Copies imported inside compute in float64."""
    with monkeypatch.context() as patch:
        for kind in (TensorProto.FLOAT, TensorProto.FLOAT16):
            patch.setitem(DTYPES, kind, torch.float64)
        torch.set_default_dtype(torch.float64)
        try:
            yield
        finally:
            torch.set_default_dtype(torch.float32)


def list_cases(*numbers: str) -> list[object]:
    """Parameters: the models that compute in one of these ways, all by default."""
    return [
        pytest.param(entry, id=entry.path.stem) for entry in read_entries() if not numbers or entry.numbers in numbers
    ]
