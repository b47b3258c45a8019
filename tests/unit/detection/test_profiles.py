from collections.abc import Callable

import pytest

from onnxaudit.detection import DetectionConfig, InversionConfig, choose_effort, detect
from onnxaudit.records import Samples, Verdict
from tests.unit.conftest import Planted


def test_efforts_are_in_order() -> None:
    quick, standard, deep = (choose_effort(effort) for effort in ("quick", "standard", "deep"))
    assert standard == DetectionConfig()
    assert quick.first.steps < standard.first.steps < deep.first.steps
    assert quick.closer_runs == standard.closer_runs < deep.closer_runs
    assert quick.judgement == standard.judgement == deep.judgement


@pytest.mark.parametrize("runs", [1, 2])
def test_more_runs_never_make_a_trigger_larger(
    planted: Callable[..., Planted], make_samples: Callable[..., Samples], runs: int
) -> None:
    effort = InversionConfig(steps=40)
    found = detect(planted(targets=(3,)), make_samples(), DetectionConfig(first=effort, closer=effort), seed=0)
    more = detect(
        planted(targets=(3,)),
        make_samples(),
        DetectionConfig(first=effort, closer=effort, closer_runs=runs),
        seed=0,
    )
    assert more.judgement.verdict is Verdict.BACKDOORED
    for one, other in zip(found.labels, more.labels, strict=True):
        assert other.mask_l1 <= one.mask_l1
