"""Whenever the time is up, in whatever step: no verdict, a reason, a row for each class."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from onnxaudit import scan
from onnxaudit.deadline import Deadline
from onnxaudit.errors import OutOfTimeError
from onnxaudit.findings.interruptions import OUT_OF_TIME
from onnxaudit.findings.reasons import is_code
from onnxaudit.pipeline.scan_report import leave_open
from onnxaudit.records import Event, Verdict
from tests.unit.pipeline.conftest import BRIEF_SCAN
from tools.testbed.planted import CLASSES
from tools.testbed.reports import make_scan_report

MakeModel = Callable[..., Path]


@dataclass(frozen=True)
class Countdown(Deadline):
    """Passes once it was asked for the `asked`-th time."""

    asked: int = 0
    count: list[int] = field(default_factory=lambda: [0])

    @property
    def passed(self) -> bool:
        self.count[0] += 1
        return self.count[0] > self.asked


@pytest.fixture
def count_down(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], Countdown]:
    monkeypatch.setattr("onnxaudit.pipeline.first_run.try_model", lambda model, _: model)

    def start(asked: int) -> Countdown:
        deadline = Countdown(asked=asked)
        monkeypatch.setattr(Deadline, "after", lambda _: deadline)
        return deadline

    return start


@pytest.mark.parametrize("share", [0.0, 0.002, 0.01, 0.05, 0.2, 0.5, 0.8, 0.99])
def test_a_scan_cut_short_anywhere_is_inconclusive_and_says_why(
    make_model: MakeModel, data: Path, count_down: Callable[[int], Countdown], asked_in_all: int, share: float
) -> None:
    count_down(int(share * asked_in_all))
    events: list[Event] = []
    report = scan(make_model(backdoored=False), data, BRIEF_SCAN, on_event=events.append)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert report.caveats
    assert all(is_code(reason.code) for reason in report.caveats)
    assert [row.label for row in report.labels] == list(range(CLASSES))


@pytest.fixture(scope="module")
def asked_in_all(tmp_path_factory: pytest.TempPathFactory) -> int:
    """How often a scan asks for the time."""
    from tools.testbed.planted import write_planted, write_samples

    folder, deadline = tmp_path_factory.mktemp("asked"), Countdown(asked=10**9)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("onnxaudit.pipeline.first_run.try_model", lambda model, _: model)
        patch.setattr(Deadline, "after", lambda _: deadline)
        scan(write_planted(folder, backdoored=False), write_samples(folder), BRIEF_SCAN)
    return deadline.count[0]


def test_a_step_before_the_search_is_named(
    make_model: MakeModel, data: Path, count_down: Callable[[int], Countdown]
) -> None:
    count_down(4)
    report = scan(make_model(), data, BRIEF_SCAN)
    assert [reason.code for reason in report.caveats] == ["out-of-time", "unfinished-labels"]
    assert report.caveats[0].seen == "The time was up while finding out how pixels become inputs."
    assert report.preprocessing.source == "none"


def test_without_a_model_there_is_no_report(monkeypatch: pytest.MonkeyPatch, make_model: MakeModel, data: Path) -> None:
    def load_late(*_: object) -> None:
        raise OutOfTimeError

    monkeypatch.setattr("onnxaudit.pipeline.first_run.load_model", load_late)
    with pytest.raises(OutOfTimeError, match="before the model was opened"):
        scan(make_model(), data, BRIEF_SCAN)


@pytest.mark.parametrize(
    ("before", "after"),
    [(Verdict.CLEAN, Verdict.INCONCLUSIVE), (Verdict.BACKDOORED, Verdict.BACKDOORED)],
)
def test_what_was_not_asked_leaves_no_model_clean(before: Verdict, after: Verdict) -> None:
    left = leave_open(make_scan_report(before), OUT_OF_TIME.give(doing="asking"))
    assert left.verdict is after
    assert left.caveats[0].code == "out-of-time"
