from dataclasses import fields, replace
from types import MappingProxyType, SimpleNamespace
from typing import Any

import pytest

from onnxaudit.deadline import Deadline
from onnxaudit.pipeline import RepairConfig, repairs
from onnxaudit.pipeline.context import RepairContext
from onnxaudit.pipeline.settings import DetectionConfig, ScanConfig
from onnxaudit.pipeline.whole_image import Families
from onnxaudit.records import ScanReport, Verdict
from tools.testbed.reports import make_scan_report

Targets = tuple[int, ...]


def make_context(deadline: Deadline = Deadline(), *, large: bool = False) -> RepairContext:
    given: Any = dict.fromkeys(field.name for field in fields(RepairContext))
    config = RepairConfig(scan=ScanConfig(DetectionConfig(large=large)))
    return RepairContext(**given | {"config": config, "deadline": deadline, "further_families": {}})


def report_pass(
    targets: Targets, rescan: ScanReport, unlearned: Families = MappingProxyType({}), method: str = "full"
) -> SimpleNamespace:
    """What a loop over passes reads of a report."""
    scan, config = make_scan_report(), {"method": method}
    return SimpleNamespace(targets=targets, scan=scan, rescan=rescan, unlearned=unlearned, config=config)


def repair(monkeypatch: pytest.MonkeyPatch, hidden: Targets, deadline: Deadline = Deadline()) -> list[Targets]:
    """The targets of each pass; each leaves the next of `hidden` for the new scan to find."""
    passes: list[Targets] = []

    def run_pass(_: object, targets: Targets) -> SimpleNamespace:
        passes.append(targets)
        left = tuple(label for label in hidden if label not in targets)[:1]
        verdict = Verdict.BACKDOORED if left else Verdict.CLEAN
        rescan = replace(make_scan_report(), verdict=verdict, target_labels=left)
        return report_pass(targets, rescan)

    monkeypatch.setattr(repairs, "run_pass", run_pass)
    context = make_context(deadline)
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


@pytest.mark.parametrize(("method", "large", "passes"), [("full", True, 2), ("full", False, 1), ("prune", True, 1)])
def test_a_family_of_whole_image_changes_that_is_left_in_is_unlearned_by_another_pass(
    monkeypatch: pytest.MonkeyPatch, method: str, large: bool, passes: int
) -> None:
    done: list[dict[int, tuple[str, ...]]] = []

    def run_pass(context: RepairContext, targets: Targets) -> SimpleNamespace:
        done.append(dict(context.further_families))
        near = {"spectral": 4.0, "photometric": 9.0}
        report = make_scan_report(Verdict.CLEAN)
        rescan = replace(report, labels=tuple(replace(row, ratios=near) for row in report.labels))
        unlearned = {1: ("photometric", *context.further_families.get(1, ()))}
        return report_pass(targets, rescan, unlearned, method)

    monkeypatch.setattr(repairs, "run_pass", run_pass)
    repairs.run_until_none_is_left(make_context(large=large), (1,), others=False)
    assert done == [{}, {1: ("additive",)}][:passes]


def test_of_a_target_that_is_named_no_others_are_repaired(monkeypatch: pytest.MonkeyPatch) -> None:
    def run_pass(_: object, targets: Targets) -> SimpleNamespace:
        return report_pass(targets, make_scan_report())

    monkeypatch.setattr(repairs, "run_pass", run_pass)
    assert repairs.run_until_none_is_left(make_context(), (1,), others=False).targets == (1,)
    assert repairs.run_until_none_is_left(make_context(), (1,)).targets == (1, 2)
