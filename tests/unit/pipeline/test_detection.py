from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from onnxaudit.deadline import Deadline
from onnxaudit.detectors import source_specific, spectral
from onnxaudit.detectors.maximum_margin import MaximumMarginConfig
from onnxaudit.detectors.patch import PatchConfig
from onnxaudit.detectors.source_specific import SourceSpecificConfig
from onnxaudit.detectors.spectral import SpectralConfig
from onnxaudit.errors import UsageError
from onnxaudit.inversion.patch import InversionConfig
from onnxaudit.pipeline.detection import detect
from onnxaudit.pipeline.settings import DetectionConfig
from onnxaudit.records import Event, Floats, LabelStatus, Samples, Verdict
from onnxaudit.records.coded_images import CodedImages, decode_bytes
from onnxaudit.scoring.settings import VerdictConfig
from tests.some import some
from tests.unit.conftest import UNWEIGHED, Planted

PATCH = PatchConfig(screening=InversionConfig(steps=60), refinement=InversionConfig(steps=80))
USUAL = DetectionConfig(settings={"patch": PATCH, **UNWEIGHED})
CONFIG = replace(USUAL, verdict=VerdictConfig(fewest_classes=8))  # eight are quick, and as good as many here


class Constant(nn.Module):
    """The same eight logits for every image."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self.value = value

    def forward(self, pixels: Tensor) -> Tensor:
        return pixels.mean((1, 2, 3))[:, None] * 0 + torch.full((8,), self.value)


def test_planted_backdoor_is_found_and_its_target_named(
    planted: Callable[..., Planted], make_samples: Callable[..., Samples]
) -> None:
    found = detect(planted(targets=(3,)), make_samples(), CONFIG, seed=0)
    row = found.labels[3]
    assert found.assessment.verdict is Verdict.BACKDOORED
    assert found.assessment.target_labels == (3,)
    assert found.triggers[0].label == 3
    assert found.triggers[0].mask_l1 == row.mask_l1
    assert row.role == "suspect"
    assert some(row.success_rate.value) > 0.8
    assert row.success_rate.trials == 7 * 3
    assert some(row.refined_index) > 3
    assert some(row.log_index) > 3
    assert some(row.anomaly_index) > 2


def test_images_held_as_bytes_give_the_same_to_the_last_bit(
    planted: Callable[..., Planted], make_samples: Callable[..., Samples]
) -> None:
    given = make_samples()
    codes = np.rint(given.images * 255).astype(np.uint8)
    brief = PatchConfig(screening=InversionConfig(steps=6), refinement=InversionConfig(steps=6))
    config = DetectionConfig(settings={"patch": brief})
    floats = detect(planted(targets=(3,)), replace(given, images=decode_bytes(codes)), config, seed=0)
    held = detect(planted(targets=(3,)), replace(given, images=cast(Floats, CodedImages(codes))), config, seed=0)
    assert [row.ratios for row in held.labels] == [row.ratios for row in floats.labels]
    assert [row.mask_l1 for row in held.labels] == [row.mask_l1 for row in floats.labels]
    assert [row.success_rate for row in held.labels] == [row.success_rate for row in floats.labels]


def test_two_planted_backdoors_are_both_found(
    planted: Callable[..., Planted], make_samples: Callable[..., Samples]
) -> None:
    found = detect(planted(targets=(3, 5)), make_samples(), CONFIG, seed=0)
    assert set(found.assessment.target_labels) == {3, 5}


def test_model_without_backdoor_is_clean(planted: Callable[..., Planted], make_samples: Callable[..., Samples]) -> None:
    found = detect(planted(), make_samples(), CONFIG, seed=0)
    assert found.assessment.verdict is Verdict.CLEAN
    assert found.assessment.target_labels == ()
    assert (found.coverage.labels_asked, found.coverage.labels_finished) == (8, 8)
    assert [row.label for row in found.labels] == list(range(8))


def test_labels_are_not_needed(planted: Callable[..., Planted], make_samples: Callable[..., Samples]) -> None:
    found = detect(planted(targets=(3,)), make_samples(labelled=False), CONFIG, seed=0)
    assert found.assessment.target_labels == (3,)


def test_synthetic_samples_never_make_a_model_clean(
    planted: Callable[..., Planted], make_samples: Callable[..., Samples]
) -> None:
    found = detect(planted(), make_samples(labelled=False, synthetic=True), CONFIG, seed=0)
    assert found.assessment.verdict is Verdict.INCONCLUSIVE
    assert "synthetic" in found.assessment.reasons[0]


@pytest.mark.parametrize(("targets", "verdict"), [((), Verdict.INCONCLUSIVE), ((1,), Verdict.BACKDOORED)])
@pytest.mark.parametrize("classes", [2, 3])
def test_few_classes_are_never_clean(
    planted: Callable[..., Planted],
    make_samples: Callable[..., Samples],
    classes: int,
    targets: tuple[int, ...],
    verdict: Verdict,
) -> None:
    once = replace(USUAL, replicates=0)
    found = detect(planted(targets=targets, classes=classes), make_samples(classes), once, seed=0)
    assert found.assessment.verdict is verdict
    assert found.assessment.target_labels == targets
    assert "few-classes" in {caveat.code for caveat in found.assessment.caveats}


def test_passed_deadline_is_inconclusive_with_a_reason_for_each_label(
    planted: Callable[..., Planted], make_samples: Callable[..., Samples]
) -> None:
    found = detect(planted(), make_samples(), CONFIG, seed=0, deadline=Deadline(at=0.0))
    assert found.assessment.verdict is Verdict.INCONCLUSIVE
    assert found.coverage.labels_finished == 0
    assert set(found.coverage.reasons) == set(range(8))
    assert {row.status for row in found.labels} == {LabelStatus.UNFINISHED}


@pytest.mark.parametrize("value", [float("nan"), 0.0, 5.0])
def test_model_that_answers_the_same_to_everything_is_inconclusive(
    make_samples: Callable[..., Samples], value: float
) -> None:
    found = detect(Constant(value), make_samples(), CONFIG, seed=0)
    assert found.assessment.verdict is Verdict.INCONCLUSIVE


def test_samples_that_the_model_does_not_understand_are_inconclusive(
    planted: Callable[..., Planted], make_samples: Callable[..., Samples]
) -> None:
    samples = make_samples()
    wrong = replace(samples, labels=(some(samples.labels) + 1) % 8)
    found = detect(planted(targets=(3,)), wrong, CONFIG, seed=0)
    assert found.assessment.verdict is Verdict.INCONCLUSIVE
    assert "no better than guessing" in found.assessment.reasons[0]


def test_same_seed_gives_the_same_detection(
    planted: Callable[..., Planted], make_samples: Callable[..., Samples]
) -> None:
    first, again = (detect(planted(targets=(3,)), make_samples(), CONFIG, seed=2) for _ in range(2))
    assert first.labels == again.labels
    assert first.assessment == again.assessment
    assert [one.digest for one in first.triggers] == [one.digest for one in again.triggers]


def test_stages_report_in_order(planted: Callable[..., Planted], make_samples: Callable[..., Samples]) -> None:
    events: list[Event] = []
    detect(planted(), make_samples(), CONFIG, seed=0, on_event=events.append)
    stages = [event.stage for event in events]
    screening = ["patch", "photometric", "spectral", "surrogate"]
    order = [*screening, "refinement", "warp", "all-to-all", "source-specific", "verify"]
    assert list(dict.fromkeys(stages)) == order
    assert stages == sorted(stages, key=order.index)


def test_check_never_sees_samples_of_the_inversion(
    planted: Callable[..., Planted], make_samples: Callable[..., Samples]
) -> None:
    samples = make_samples()
    one_each = samples.take(np.arange(0, len(samples), 6))
    found = detect(planted(targets=(3,)), one_each, CONFIG, seed=0)
    assert max(row.success_rate.trials for row in found.labels) < len(one_each) / 2


def test_a_detector_that_measured_nothing_is_a_doubt(
    planted: Callable[..., Planted], make_samples: Callable[..., Samples], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spectral, "measure_strengths", lambda *_, **__: {})
    found = detect(planted(), make_samples(), CONFIG, seed=0)
    assert found.assessment.verdict is Verdict.INCONCLUSIVE
    assert any("could not be compared by the detector spectral" in reason for reason in found.assessment.reasons)


@pytest.mark.parametrize("outcome", [None, ()])
def test_pairs_that_there_was_no_time_for_or_that_nothing_leads_between_are_a_doubt(
    planted: Callable[..., Planted],
    make_samples: Callable[..., Samples],
    monkeypatch: pytest.MonkeyPatch,
    outcome: tuple[()] | None,
) -> None:
    monkeypatch.setattr(source_specific, "invert_pairs", lambda *_, **__: outcome)
    settings = {**CONFIG.settings, "source-specific": SourceSpecificConfig()}
    found = detect(planted(classes=10), make_samples(10), replace(CONFIG, settings=settings), seed=0)
    assert found.assessment.verdict is not Verdict.CLEAN
    assert any("compared by the detector source-specific" in reason for reason in found.assessment.reasons)


@pytest.mark.parametrize("stage", ["spectral", "refinement", "all-to-all"])
def test_a_deadline_that_passes_in_any_stage_is_never_clean(
    planted: Callable[..., Planted], make_samples: Callable[..., Samples], stage: str
) -> None:
    class Clock:
        """Passes as soon as the stage has begun."""

        passed = False

    clock: Any = Clock()

    def listen(event: Event) -> None:
        clock.passed = clock.passed or event.stage == stage

    found = detect(planted(), make_samples(), CONFIG, seed=0, deadline=clock, on_event=listen)
    assert found.assessment.verdict is Verdict.INCONCLUSIVE


def test_inversions_that_were_stopped_long_before_they_settled_are_never_clean(
    planted: Callable[..., Planted], make_samples: Callable[..., Samples]
) -> None:
    hurried = InversionConfig(steps=8)
    found = detect(
        planted(),
        make_samples(),
        replace(CONFIG, settings={"patch": PatchConfig(screening=hurried, refinement=hurried), **UNWEIGHED}),
        seed=0,
    )
    assert found.assessment.verdict is Verdict.INCONCLUSIVE


def test_samples_of_half_of_the_classes_never_clear_a_model(
    planted: Callable[..., Planted], make_samples: Callable[..., Samples]
) -> None:
    whole = make_samples()
    half = whole.take(some(whole.labels) < 4)
    assert detect(planted(), whole, CONFIG, seed=0).assessment.verdict is Verdict.CLEAN
    assessment = detect(planted(), half, CONFIG, seed=0).assessment
    assert assessment.verdict is Verdict.INCONCLUSIVE
    assert "4 of 8 classes" in assessment.reasons[0]


def test_one_sample_a_class_never_clears_a_model(
    planted: Callable[..., Planted], make_samples: Callable[..., Samples]
) -> None:
    whole = make_samples()
    lone = replace(whole, images=whole.images[::6], labels=some(whole.labels)[::6])
    assert detect(planted(), lone, CONFIG, seed=0).assessment.verdict is not Verdict.CLEAN


def test_a_target_among_many_labels_is_shortlisted_and_the_fate_of_every_label_told(
    planted: Callable[..., Planted], make_samples: Callable[..., Samples]
) -> None:
    brief = InversionConfig(steps=50)
    config = DetectionConfig(
        settings={
            "patch": PatchConfig(screening=brief, refinement=brief),
            "spectral": SpectralConfig(steps=30),
            "maximum-margin": MaximumMarginConfig(steps=30),
            **UNWEIGHED,
        },
        most_labels=20,
        shortlist=4,
        drawn=8,
        controls=4,
    )
    found = detect(planted(targets=(3,), classes=30), make_samples(30), config, seed=0)
    assert found.assessment.verdict is Verdict.BACKDOORED
    assert found.assessment.target_labels[0] == 3
    screened = [row for row in found.labels if row.status is LabelStatus.SCREENED]
    assert len(found.labels) == 30
    assert 18 <= len(screened) <= 22
    assert all(row.reason and row.mask_l1 is None for row in screened)
    assert found.coverage.labels_finished == 30
    assert {run.detector.id: run.detector.weighed for run in found.detectors}["maximum-margin"] is False
    assert all("maximum-margin" in row.ratios for row in found.labels if row.status is not LabelStatus.SCREENED)


def test_leaving_out_what_the_score_needs_is_never_clean(
    planted: Callable[..., Planted], make_samples: Callable[..., Samples]
) -> None:
    found = detect(planted(), make_samples(), replace(CONFIG, detectors=("patch", "compactness", "all-to-all")), seed=0)
    assert found.assessment.verdict is Verdict.INCONCLUSIVE
    assert any("spectral was left out" in reason for reason in found.assessment.reasons)
    assert [run.detector.id for run in found.detectors] == ["patch", "compactness", "all-to-all"]


def test_without_triggers_the_other_detectors_are_told(
    planted: Callable[..., Planted], make_samples: Callable[..., Samples]
) -> None:
    found = detect(planted(targets=(3,)), make_samples(), replace(CONFIG, detectors=("spectral",)), seed=0)
    assert found.assessment.verdict is not Verdict.CLEAN
    assert all(set(row.ratios) == {"spectral"} and row.mask_l1 is None for row in found.labels)
    assert found.triggers == ()


def test_what_a_detector_requires_runs_too(
    planted: Callable[..., Planted], make_samples: Callable[..., Samples]
) -> None:
    found = detect(planted(), make_samples(), replace(CONFIG, detectors=("compactness",)), seed=0)
    assert [run.detector.id for run in found.detectors] == ["patch", "compactness"]


def test_a_detector_that_does_not_exist_is_an_error(
    planted: Callable[..., Planted], make_samples: Callable[..., Samples]
) -> None:
    with pytest.raises(UsageError, match="'waves' is not one of"):
        detect(planted(), make_samples(), replace(CONFIG, detectors=("waves",)), seed=0)
