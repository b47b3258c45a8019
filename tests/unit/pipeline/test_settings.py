from collections.abc import Callable
from dataclasses import replace

import pytest

from onnxaudit.deadline import Deadline
from onnxaudit.detectors.patch import PatchConfig, PatchDetector
from onnxaudit.detectors.registry import list_own
from onnxaudit.detectors.source_specific import SourceSpecific
from onnxaudit.detectors.spectral import SpectralConfig, SpectralDetector
from onnxaudit.inversion.patch import InversionConfig
from onnxaudit.mitigation.fine_tuning_config import FineTuningConfig
from onnxaudit.pipeline.context import RepairConfig
from onnxaudit.pipeline.detection import detect
from onnxaudit.pipeline.effort import count_passes
from onnxaudit.pipeline.settings import DetectionConfig, choose_effort
from onnxaudit.records import InputSpec, Layout, Samples, Verdict
from tests.some import some
from tests.unit.conftest import UNWEIGHED, Planted
from tools.testbed.reports import make_scan_report


def test_efforts_are_in_order() -> None:
    quick, standard, deep = (choose_effort(effort) for effort in ("quick", "standard", "deep"))
    assert standard == DetectionConfig()
    patches = [config.find_settings(PatchDetector) for config in (quick, standard, deep)]
    assert patches[0].screening.steps < patches[1].screening.steps < patches[2].screening.steps
    assert patches[0].runs == patches[1].runs < patches[2].runs
    assert quick.verdict == standard.verdict == deep.verdict


@pytest.mark.parametrize("classes", [10, 27, 43, 100])
def test_a_quick_scan_takes_about_a_quarter_of_the_passes(classes: int) -> None:
    quick, standard = (count_passes(classes, choose_effort(effort)) for effort in ("quick", "standard"))
    assert quick < 0.27 * standard


def test_a_quick_scan_that_compares_no_pairs_clears_no_model_of_which_a_standard_one_would_compare_them(
    planted: Callable[..., Planted], make_samples: Callable[..., Samples]
) -> None:
    assert choose_effort("quick").leaves_out(SourceSpecific, 12)
    assert not choose_effort("quick").leaves_out(SourceSpecific, 13)
    assert not choose_effort("quick").leaves_out(PatchDetector, 12)
    assert choose_effort("quick").leaves_out(SpectralDetector, 43)
    assert not choose_effort("standard").leaves_out(SpectralDetector, 43)
    assert not choose_effort("standard").leaves_out(SourceSpecific, 12)
    little = {name: config for name, config in UNWEIGHED.items() if name != "source-specific"}
    found = detect(planted(targets=()), make_samples(), replace(choose_effort("quick"), settings=little), seed=0)
    assert found.assessment.verdict is not Verdict.CLEAN
    assert "left-out-source-specific" in [caveat.code for caveat in found.assessment.caveats]


@pytest.mark.parametrize("runs", [1, 2])
def test_more_runs_never_make_a_trigger_larger(
    planted: Callable[..., Planted], make_samples: Callable[..., Samples], runs: int
) -> None:
    effort = InversionConfig(steps=40)
    found = detect(
        planted(targets=(3,)),
        make_samples(),
        DetectionConfig(settings={"patch": PatchConfig(screening=effort, refinement=effort), **UNWEIGHED}),
        seed=0,
    )
    more = detect(
        planted(targets=(3,)),
        make_samples(),
        DetectionConfig(settings={"patch": PatchConfig(screening=effort, refinement=effort, runs=runs), **UNWEIGHED}),
        seed=0,
    )
    assert more.assessment.verdict is Verdict.BACKDOORED
    for one, other in zip(found.labels, more.labels, strict=True):
        assert some(other.mask_l1) <= some(one.mask_l1)


def test_what_was_set_goes_before_the_effort() -> None:
    config = replace(choose_effort("quick"), settings={"spectral": SpectralConfig(steps=7)})
    filled = config.fill().settings
    assert filled["spectral"].steps == 7
    assert filled["patch"] == PatchDetector.efforts["quick"]
    assert set(filled) == set(list_own())


SMALL, LARGE = (InputSpec("x", Layout.NCHW, 3, side, side, None) for side in (64, 224))
SERIES = InputSpec("x", Layout.NCW, 3, 1, 5000, None)


def test_small_images_and_series_are_measured_as_the_constants_were_fitted() -> None:
    for effort in ("quick", "standard", "deep"):
        assert choose_effort(effort).fit_to(SMALL) == choose_effort(effort)
    assert DetectionConfig().fit_to(SERIES) == DetectionConfig()


def test_of_large_images_every_detector_takes_fewer_passes_unless_depth_is_asked_for() -> None:
    usual, fitted = DetectionConfig(), DetectionConfig().fit_to(LARGE)
    assert fitted.suspects == fitted.controls
    assert fitted.fit_to(LARGE) == fitted
    assert count_passes(43, fitted) < count_passes(43, usual) / 5
    assert count_passes(1000, fitted) < count_passes(1000, usual) / 10
    assert choose_effort("deep").fit_to(LARGE) == choose_effort("deep")


def test_settings_that_were_given_hold_for_large_images_too() -> None:
    given = DetectionConfig(settings={"spectral": SpectralConfig(steps=7)}).fit_to(LARGE)
    assert given.fill().settings["spectral"].steps == 7
    assert given.fill().settings["patch"] == PatchDetector.of_large


def test_repairs_of_large_images_take_fewer_passes_and_those_of_small_ones_what_they_took() -> None:
    usual = RepairConfig()
    assert usual.fit_to(SMALL) == usual
    fitted = usual.fit_to(LARGE)
    assert fitted.fit_to(LARGE) == fitted
    assert fitted.scan.detection == DetectionConfig().fit_to(LARGE)
    for before, after in (
        (usual.fine_tuning.distillation, fitted.fine_tuning.distillation),
        (usual.fine_tuning.hardening, fitted.fine_tuning.hardening),
        (usual.fine_tuning.distortion, fitted.fine_tuning.distortion),
    ):
        assert after.steps < before.steps
    assert fitted.pruning == usual.pruning.shorten() != usual.pruning
    assert fitted.forgetting.steps == usual.forgetting.steps
    brief = RepairConfig(fine_tuning=FineTuningConfig(rounds=1, starts=0)).fit_to(LARGE).fine_tuning
    assert (brief.rounds, brief.starts) == (1, 0)


def test_of_large_images_two_detectors_wait_for_suspects(
    planted: Callable[..., Planted], make_samples: Callable[..., Samples]
) -> None:
    config = replace(DetectionConfig().fit_to(LARGE), suspects=2, controls=2, settings=UNWEIGHED)
    found = detect(planted(targets=(3,)), make_samples(), config, seed=0)
    counted = {run.detector.id: run.labels for run in found.detectors}
    assert counted["patch"] == 8
    assert counted["spectral"] == counted["photometric"] == 4
    assert found.labels[3].role == "suspect"


def test_detectors_that_wait_for_suspects_run_at_once_where_nobody_is_suspected(
    planted: Callable[..., Planted], make_samples: Callable[..., Samples]
) -> None:
    config = replace(DetectionConfig(detectors=("spectral",)).fit_to(LARGE))
    found = detect(planted(targets=(3,)), make_samples(), config, seed=0)
    assert {run.detector.id: run.labels for run in found.detectors} == {"spectral": 8}


def test_without_time_nobody_is_suspected_and_what_waited_is_told_as_missing(
    planted: Callable[..., Planted], make_samples: Callable[..., Samples]
) -> None:
    config = DetectionConfig().fit_to(LARGE)
    found = detect(planted(targets=(3,)), make_samples(), config, seed=0, deadline=Deadline(0.0))
    assert found.assessment.verdict is Verdict.INCONCLUSIVE
    assert {"spectral", "photometric"}.isdisjoint(run.detector.id for run in found.detectors)


def test_what_a_race_leaves_out_keeps_a_model_from_being_clean() -> None:
    taken = make_scan_report().model.input
    taken = replace(taken, height=112, width=112)
    quick, standard = (choose_effort(effort).fit_to(taken) for effort in ("quick", "standard"))
    assert quick.large
    assert quick.leaves_out(SpectralDetector, 43)
    assert not standard.leaves_out(SpectralDetector, 43)
    assert standard.leaves_out(SourceSpecific, 12)
    assert not standard.leaves_out(SourceSpecific, 13)
    assert not standard.leaves_out(PatchDetector, 43)
