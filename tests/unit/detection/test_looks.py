from collections.abc import Callable, Iterable

from onnxaudit.deadline import Deadline
from onnxaudit.detection import DetectionConfig, InversionConfig, detect
from onnxaudit.detection.looks import Viewer, shorten
from onnxaudit.detectors.maximum_margin import MarginConfig
from onnxaudit.detectors.spectral import WavesConfig
from onnxaudit.records import LabelStatus, Samples, Verdict
from tests.unit.conftest import Planted

CONFIG = DetectionConfig(most_labels=20, shortlist=3, drawn=5)


def distances(count: int, nearest: Iterable[int]) -> dict[int, float]:
    return {label: 0.1 if label in nearest else 1.0 for label in range(count)}


def test_few_labels_are_all_looked_at(planted: Callable[..., Planted], make_samples: Callable[..., Samples]) -> None:
    viewer = Viewer(planted(), make_samples(), None, 20, CONFIG, 0, Deadline())
    shortlist = viewer.choose_shortlist({})
    assert shortlist.labels == tuple(range(20))
    assert shortlist.drawn == frozenset(range(20))


def test_among_many_the_nearest_by_each_look_and_some_drawn_remain() -> None:
    cheap = [distances(1000, (7, 8)), distances(1000, (900, 901, 902))]
    shortlist = shorten(cheap, CONFIG, 1000, seed=0)
    assert {7, 8, 900, 901, 902} | shortlist.drawn <= set(shortlist.labels)
    assert len(shortlist.drawn) == 5
    assert len(shortlist.labels) <= 11
    assert shortlist != shorten(cheap, CONFIG, 1000, seed=1)


def test_a_target_among_many_labels_is_shortlisted_and_the_fate_of_every_label_told(
    planted: Callable[..., Planted], make_samples: Callable[..., Samples]
) -> None:
    brief = InversionConfig(steps=50)
    config = DetectionConfig(
        first=brief,
        closer=brief,
        waves=WavesConfig(steps=30),
        margin=MarginConfig(steps=30),
        most_labels=20,
        shortlist=4,
        drawn=8,
        controls=4,
    )
    found = detect(planted(targets=(3,), classes=30), make_samples(30), config, seed=0)
    assert found.judgement.verdict is Verdict.BACKDOORED
    assert found.judgement.target_labels[0] == 3
    screened = [row for row in found.labels if row.status is LabelStatus.SCREENED]
    assert len(found.labels) == 30
    assert 18 <= len(screened) <= 22
    assert all(row.reason and row.mask_l1 is None for row in screened)
    assert found.coverage.labels_finished == 30
