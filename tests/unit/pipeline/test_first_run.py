"""What is wrong with a file for good is told apart from what went wrong on the way."""

from pathlib import Path

import pytest

from onnxaudit.deadline import Deadline
from onnxaudit.errors import ModelError
from onnxaudit.pipeline import first_run
from tools.testbed.planted import write_planted


def fail(path: Path) -> ModelError:
    with pytest.raises(ModelError) as caught:
        first_run.read_and_try(path, deadline=Deadline(), on_event=lambda _: None)
    return caught.value


def test_bytes_that_are_no_model_are_so_for_good(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(bytes(1000))
    assert fail(tmp_path / "m.onnx").settled


def test_what_a_first_run_shows_is_not_settled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: object) -> None:
        raise ModelError("the worker was killed")

    monkeypatch.setattr(first_run, "try_model", crash)
    assert not fail(write_planted(tmp_path, backdoored=False)).settled
