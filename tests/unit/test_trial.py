"""A first run that a busy machine had no time for is no fault of the model."""

import signal
from pathlib import Path
from typing import Any

import pytest

from onnxaudit import trial
from onnxaudit.deadline import Deadline
from onnxaudit.errors import ModelError
from onnxaudit.intake import load_model
from tools.testbed.planted import write_planted

Told = tuple[list[dict[str, Any]], int | None]
RAN: Told = ([{"step": "ran", "batch": size, "peak": 1} for size in trial.BATCHES], 0)
UNTOUCHED: Told = ([], None)
STUCK: Told = ([{"step": "begun"}], None)


def try_with(monkeypatch: pytest.MonkeyPatch, folder: Path, *answers: Told, deadline: Deadline) -> list[float]:
    """The patience that each attempt had."""
    left, patience = list(answers), list[float]()

    def run(head: bytes, data: bytes, seconds: float) -> Told:
        assert head
        assert data
        patience.append(seconds)
        return left.pop(0)

    monkeypatch.setattr(trial, "_run", run)
    try:
        trial.run_trial(load_model(write_planted(folder, backdoored=False)), deadline)
    finally:
        assert not left
    return patience


def test_a_worker_that_never_came_to_the_model_gets_more_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    patience = try_with(monkeypatch, tmp_path, UNTOUCHED, RAN, deadline=Deadline())
    assert patience == [trial.WALL, trial.PATIENCE]


def test_a_model_that_takes_too_long_gets_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="came to no end while the model was loaded"):
        try_with(monkeypatch, tmp_path, STUCK, deadline=Deadline())


def test_neither_does_one_whose_time_budget_is_short(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="before it was loaded"):
        try_with(monkeypatch, tmp_path, UNTOUCHED, deadline=Deadline.after(trial.WALL / 2))


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ((UNTOUCHED, UNTOUCHED), "not ready within 600 seconds, before it was loaded; this machine is too busy"),
        ((UNTOUCHED, STUCK), "while the model was loaded within 600 seconds"),
        ((STUCK,), "while the model was loaded within 50 seconds"),
        (((STUCK[0], -signal.SIGXCPU),), "while the model was loaded within 20 seconds of processor time"),
    ],
)
def test_what_is_told_is_the_time_that_it_had(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, answers: tuple[Told, ...], told: str
) -> None:
    with pytest.raises(ModelError, match=told):
        try_with(monkeypatch, tmp_path, *answers, deadline=Deadline())
