"""Several scans of one model share what they finish: the report is that of one alone, whoever was faster."""

from collections.abc import Callable
from pathlib import Path

import pytest

from onnxaudit import scan
from onnxaudit.deadline import Deadline
from onnxaudit.pipeline import shared_work
from onnxaudit.pipeline.shared_work import Lookout, UntilFound, choose_turn
from onnxaudit.pipeline.step import Step
from onnxaudit.records import Evidence, ScanDocument, ScanReport
from onnxaudit.report.json import canonical
from tests.unit.pipeline.conftest import BRIEF_SCAN

MakeModel = Callable[..., Path]
JUNK = b"{}"


class Shelf:
    """Units in memory, some of which appear while they are measured here."""

    def __init__(self, place: int | None, units: dict[str, bytes] | None = None) -> None:
        self.place, self.units = place, {} if units is None else units
        self.late: dict[str, bytes] = {}
        self.kept = list[str]()
        self._asked = set[str]()

    def find(self, key: str) -> bytes | None:
        if key in self.late and key not in self._asked:
            self._asked.add(key)
            return None
        return self.late.get(key) or self.units.get(key)

    def keep(self, key: str, content: bytes) -> None:
        self.units[key] = content
        self.kept.append(key)


def tell(report: ScanReport) -> str:
    return canonical(ScanDocument((report,)))


@pytest.fixture(autouse=True)
def ran(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was measured, in its order, with the stage of its progress; the shelf is looked at always."""
    order, run = list[str](), Step.run

    def note(step: Step) -> Evidence:
        if step.detector.words.progress:
            order.append(f"{step.detector.id} {step.context.stage}")
        return run(step)

    monkeypatch.setattr(shared_work, "EVERY", 0.0)
    monkeypatch.setattr(Step, "run", note)
    return order


def test_a_helper_begins_at_the_end_and_finds_the_same(make_model: MakeModel, data: Path, ran: list[str]) -> None:
    alone, helper, scanned = Shelf(None), Shelf(1), Shelf(0)
    plain, forward = tell(scan(make_model(), data, BRIEF_SCAN, shelf=alone)), tuple(ran)
    ran.clear()
    assert tell(scan(make_model(), data, BRIEF_SCAN, shelf=helper)) == plain
    assert sorted(ran) == sorted(forward)
    assert tuple(ran) != forward
    assert helper.units == alone.units
    first = ran.index("patch patch")
    assert {"all-to-all all-to-all", "spectral spectral"} <= {*ran[:first]}
    scanned.units.update({key: helper.units[key] for key in helper.kept[: len(helper.kept) // 2]})
    assert tell(scan(make_model(), data, BRIEF_SCAN, shelf=scanned)) == plain
    assert scanned.units == alone.units


def test_what_is_finished_elsewhere_meanwhile_is_given_up(make_model: MakeModel, data: Path, ran: list[str]) -> None:
    alone, other = Shelf(None), Shelf(0)
    plain = tell(scan(make_model(), data, BRIEF_SCAN, shelf=alone))
    begun = len(ran)
    other.late = dict(alone.units)
    senseless = next(iter(alone.units))
    other.late[senseless] = JUNK
    assert tell(scan(make_model(), data, BRIEF_SCAN, shelf=other)) == plain
    assert other.units.items() <= alone.units.items()
    assert len(other.kept) < len(alone.units) / 2  # some take so little time that they never look
    assert len(ran) == 2 * begun + 1  # each was begun once, and what made no sense was measured here


def test_turns_differ_and_none_takes_what_is_under_way() -> None:
    turns = [choose_turn("abcd", place) for place in (1, 2, 3, 4)]
    assert ["".join(one) for one in turns] == ["dcb", "cbd", "bdc", "dcb"]
    assert choose_turn("a", 1) == choose_turn("", 2) == ()


def test_a_deadline_passes_with_its_time_or_once_something_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = list[bool]()

    def look() -> bool:
        asked.append(True)
        return len(asked) > 1

    never = UntilFound(lookout=Lookout(look))
    assert [never.passed for _ in range(4)] == [False, True, True, True]
    assert len(asked) == 2
    assert UntilFound(Deadline.after(0.0).at, lookout=Lookout(lambda: False)).passed
    monkeypatch.setattr(shared_work, "EVERY", 3600.0)
    assert not UntilFound(lookout=Lookout(lambda: True)).passed
