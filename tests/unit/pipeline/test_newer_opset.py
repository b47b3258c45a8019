"""Files of an opset that is newer than the importer knows."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from onnxaudit.errors import ParityError
from onnxaudit.importer import TorchModel, conversion
from onnxaudit.intake import Model
from onnxaudit.pipeline.admission import open_subject
from onnxaudit.records import Event
from tests.unit.pipeline.conftest import UNIT


def open_newer(path: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is said when a file of opset 17 is opened by an importer that knows 16."""
    said: list[Event] = []
    monkeypatch.setattr(conversion, "NEWEST_OPSET", 16)
    open_subject(path, data, preprocessing=UNIT, seed=0, device="cpu", on_event=said.append)
    return [event.message for event in said]


def test_a_newer_opset_is_a_note_and_no_refusal(
    make_model: Callable[..., Path], data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages = open_newer(make_model(), data, monkeypatch)
    assert any("opset 17, newer than 16" in message for message in messages)


def test_a_known_opset_needs_no_note(make_model: Callable[..., Path], data: Path) -> None:
    said: list[Event] = []
    open_subject(make_model(), data, preprocessing=UNIT, seed=0, device="cpu", on_event=said.append)
    assert not any("opset" in event.message for event in said)


def test_parity_decides_about_a_newer_opset(
    make_model: Callable[..., Path], data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = conversion.import_model

    def import_wrongly(model: Model, device: str) -> TorchModel:
        return original(model.with_values({"b1": model.initializer("b1") + np.float32(1)}), device)

    monkeypatch.setattr("onnxaudit.pipeline.opened_model.import_model", import_wrongly)
    with pytest.raises(ParityError, match="'z'"):
        open_newer(make_model(), data, monkeypatch)
