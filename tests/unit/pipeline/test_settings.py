from collections.abc import Callable
from dataclasses import replace

import pytest

from onnxaudit.detectors.patch import PatchConfig, PatchDetector
from onnxaudit.detectors.registry import list_own
from onnxaudit.detectors.spectral import SpectralConfig
from onnxaudit.inversion.patch import InversionConfig
from onnxaudit.pipeline.detection import detect
from onnxaudit.pipeline.settings import DetectionConfig, choose_effort
from onnxaudit.records import Samples, Verdict
from tests.some import some
from tests.unit.conftest import UNWEIGHED, Planted


def test_efforts_are_in_order() -> None:
    quick, standard, deep = (choose_effort(effort) for effort in ("quick", "standard", "deep"))
    assert standard == DetectionConfig()
    patches = [config.find_settings(PatchDetector) for config in (quick, standard, deep)]
    assert patches[0].screening.steps < patches[1].screening.steps < patches[2].screening.steps
    assert patches[0].runs == patches[1].runs < patches[2].runs
    assert quick.verdict == standard.verdict == deep.verdict


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
