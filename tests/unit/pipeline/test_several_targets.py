from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from onnxaudit.deadline import Deadline
from onnxaudit.pipeline import RepairConfig
from onnxaudit.pipeline.repairing import run_until_none_is_left
from onnxaudit.records import Verdict


@dataclass
class FakeJob:
    """Repairs whatever it is told; a new scan then finds the next of `hidden`."""

    hidden: tuple[int, ...]
    config: RepairConfig = field(default_factory=lambda: RepairConfig(further_passes=2))
    deadline: Deadline = Deadline()
    runs: list[tuple[int, ...]] = field(default_factory=list)

    def run(self, targets, allow_incomplete):
        assert not allow_incomplete
        self.runs.append(targets)
        left = tuple(label for label in self.hidden if label not in targets)[:1]
        verdict = Verdict.BACKDOORED if left else Verdict.CLEAN
        return SimpleNamespace(targets=targets, rescan=SimpleNamespace(verdict=verdict, target_labels=left))


@pytest.mark.parametrize(
    ("hidden", "runs"),
    [
        ((), [(1,)]),
        ((7,), [(1,), (1, 7)]),
        ((7, 8), [(1,), (1, 7), (1, 7, 8)]),
        ((7, 8, 9), [(1,), (1, 7), (1, 7, 8)]),
    ],
)
def test_targets_that_the_new_scan_names_are_repaired_together_with_the_first(hidden, runs):
    job = FakeJob(hidden)
    report = run_until_none_is_left(job, (1,), allow_incomplete=False)
    assert job.runs == runs
    assert report.targets == runs[-1]


def test_without_time_left_nothing_begins_anew():
    job = FakeJob((7,), deadline=Deadline(0.0))
    run_until_none_is_left(job, (1,), allow_incomplete=False)
    assert job.runs == [(1,)]
