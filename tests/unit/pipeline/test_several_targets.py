from types import SimpleNamespace
from typing import Any

import pytest

from onnxaudit.deadline import Deadline
from onnxaudit.pipeline import RepairConfig, repairs
from onnxaudit.records import Verdict

Targets = tuple[int, ...]


def repair(monkeypatch: pytest.MonkeyPatch, hidden: Targets, deadline: Deadline = Deadline()) -> list[Targets]:
    """The targets of each pass; each leaves the next of `hidden` for the new scan to find."""
    passes: list[Targets] = []

    def run_pass(_: object, targets: Targets) -> SimpleNamespace:
        passes.append(targets)
        left = tuple(label for label in hidden if label not in targets)[:1]
        verdict = Verdict.BACKDOORED if left else Verdict.CLEAN
        return SimpleNamespace(targets=targets, rescan=SimpleNamespace(verdict=verdict, target_labels=left))

    monkeypatch.setattr(repairs, "run_pass", run_pass)
    context: Any = SimpleNamespace(config=RepairConfig(further_passes=2), deadline=deadline)
    assert repairs.run_until_none_is_left(context, (1,)).targets == passes[-1]
    return passes


@pytest.mark.parametrize(
    ("hidden", "passes"),
    [
        ((), [(1,)]),
        ((7,), [(1,), (1, 7)]),
        ((7, 8), [(1,), (1, 7), (1, 7, 8)]),
        ((7, 8, 9), [(1,), (1, 7), (1, 7, 8)]),
    ],
)
def test_targets_that_the_new_scan_names_are_repaired_together_with_the_first(
    monkeypatch: pytest.MonkeyPatch, hidden: Targets, passes: list[Targets]
) -> None:
    assert repair(monkeypatch, hidden) == passes


def test_without_time_left_nothing_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    assert repair(monkeypatch, (7,), deadline=Deadline(0.0)) == [(1,)]
