"""A score near a limit rests on several measurements, and their means count."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from onnxaudit.detectors.base import Context
from onnxaudit.detectors.patch import PatchDetector
from onnxaudit.findings import reasons
from onnxaudit.pipeline.detection import detect
from onnxaudit.pipeline.replication import is_needed
from onnxaudit.pipeline.settings import DetectionConfig, choose_effort
from onnxaudit.records import Assessment, Detection, Event, Evidence, Inversion, Samples, Verdict
from onnxaudit.scoring.settings import VerdictConfig
from tests.unit.conftest import UNWEIGHED, Planted
from tests.unit.pipeline.test_detection import PATCH
from tests.unit.pipeline.test_settings import LARGE

ALWAYS, NEVER = (
    DetectionConfig(settings={"patch": PATCH, **UNWEIGHED}, verdict=VerdictConfig(fewest_classes=8, near=near))
    for near in (1000.0, 0.0)
)


def test_what_no_score_decides_is_not_measured_again() -> None:
    near = Assessment(Verdict.INCONCLUSIVE, 0.5, (), (), near_limit=True)
    undecided, unclear = reasons.ONE_CLASS.give(samples=8), reasons.NO_IMAGES.give()
    assert is_needed(near)
    assert not is_needed(replace(near, near_limit=False))
    assert not is_needed(replace(near, caveats=(undecided,)))
    assert is_needed(replace(near, caveats=(unclear,)))


@pytest.fixture
def run(planted: Callable[..., Planted], make_samples: Callable[..., Samples]) -> Callable[..., Detection]:
    def run(config: DetectionConfig, **options: Any) -> Detection:
        return detect(planted(targets=(3,)), make_samples(), config, seed=0, **options)

    return run


def test_near_a_limit_what_speaks_loudest_runs_three_times(run: Callable[..., Detection]) -> None:
    once, again, twice = run(NEVER), run(ALWAYS), run(ALWAYS)
    assert once.first_score is None
    assert {one.runs for one in once.detectors} == {1}
    assert again.first_score == once.assessment.score
    assert {one.detector.id for one in again.detectors if one.runs == 3} == {"patch", "compactness"}
    assert again.labels[3].ratios["patch"] != once.labels[3].ratios["patch"]
    assert again.labels[3].ratios["spectral"] == once.labels[3].ratios["spectral"]
    assert [one.digest for one in again.triggers] == [one.digest for one in once.triggers]
    assert again.labels[3].success_rate == once.labels[3].success_rate
    assert "ran 3 times under different seeds" in again.assessment.reasons[-1]
    assert again.assessment == twice.assessment


def test_a_mask_that_is_small_by_luck_counts_once(
    run: Callable[..., Detection], monkeypatch: pytest.MonkeyPatch
) -> None:
    measure = PatchDetector.measure

    def luck(detector: PatchDetector, context: Context, labels: Sequence[int]) -> Evidence:
        found = measure(detector, context, labels)
        if context.seed:
            return found
        lucky: Inversion = found.artifacts[5]
        small = replace(lucky, trigger=replace(lucky.trigger, mask=lucky.trigger.mask * np.float32(0.001)))
        return replace(found, artifacts={**found.artifacts, 5: small}, distances={**found.distances, 5: 0.001})

    usual = run(NEVER).labels[5].ratios["patch"]
    monkeypatch.setattr(PatchDetector, "measure", luck)
    once, again = (run(config).labels[5].ratios["patch"] for config in (NEVER, ALWAYS))
    assert once > 100 * usual
    assert again == pytest.approx((once * usual**2) ** (1 / 3), rel=0.5)


def test_without_time_to_measure_again_there_is_no_verdict(run: Callable[..., Detection]) -> None:
    class Clock:
        """Passes once measuring again has begun."""

        passed, at = False, math.inf

        def check(self) -> None:
            """Nothing stops within a step."""

    clock: Any = Clock()

    def listen(event: Event) -> None:
        clock.passed = clock.passed or event.stage == "replication"

    assert run(NEVER).assessment.verdict is Verdict.BACKDOORED
    found = run(ALWAYS, deadline=clock, on_event=listen)
    assert found.assessment.verdict is Verdict.INCONCLUSIVE
    assert "measuring again what is near a limit" in found.assessment.reasons[0]
    assert found.first_score is None


def test_quick_scans_and_races_measure_once() -> None:
    assert choose_effort("quick").replicates == 0
    assert choose_effort("standard").replicates == choose_effort("deep").replicates == 2
    assert choose_effort("standard").fit_to(LARGE).replicates == 0
