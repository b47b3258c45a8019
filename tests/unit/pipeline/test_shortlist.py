from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from onnxaudit.pipeline.settings import DetectionConfig
from onnxaudit.pipeline.shortlist import choose_roles, list_all, shorten
from onnxaudit.scoring.label_evidence import LabelEvidence
from onnxaudit.statistics import rate

CONFIG = DetectionConfig()


def weighed(sizes: Sequence[float] | np.ndarray) -> list[LabelEvidence]:
    """The smaller, the stronger the evidence."""
    order = np.argsort(sizes)
    return [LabelEvidence(int(label), {}, -float(rank), sizes[label], rate(1, 1)) for rank, label in enumerate(order)]


def test_labels_with_the_strongest_evidence_are_suspects_and_others_controls() -> None:
    sizes = np.random.default_rng(0).permutation(np.linspace(20, 40, 43))
    roles = choose_roles(weighed(sizes), CONFIG, seed=0)
    suspects = [label for label, role in roles.items() if role == "suspect"]
    assert suspects == np.argsort(sizes)[: CONFIG.suspects].tolist()
    assert len(roles) == CONFIG.suspects + CONFIG.controls


def test_controls_are_drawn_by_seed() -> None:
    sizes = np.linspace(20, 40, 100)
    first, again, other = (choose_roles(weighed(sizes), CONFIG, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_all_labels_are_looked_at_where_there_are_few() -> None:
    assert sorted(choose_roles(weighed(np.linspace(20, 40, 10)), CONFIG, seed=0)) == list(range(10))


def test_a_label_without_a_trigger_is_neither_suspect_nor_control() -> None:
    evidence = [LabelEvidence(0, {}, 9.0, None, rate(0, 0)), *weighed(np.array([np.inf, 20, 21, 22]))[:3]]
    assert 0 not in choose_roles(evidence, CONFIG, seed=0)


def test_a_watched_label_is_a_suspect_whatever_the_evidence_and_takes_nobodys_place() -> None:
    last = 42
    evidence = [*weighed(np.linspace(20, 40, 43)), LabelEvidence(43, {}, -99.0, None, rate(0, 0))]
    roles = choose_roles(evidence, replace(CONFIG, watched=(43, last, 0, 77)), seed=0)
    suspects = [label for label, role in roles.items() if role == "suspect"]
    assert suspects == [*range(CONFIG.suspects), last, 43]
    assert len(roles) == CONFIG.suspects + 2 + CONFIG.controls
    shortlist = shorten([distances(1000, (7,))], replace(CONFIG, watched=(999,)), 1000, seed=0)
    assert 999 in shortlist.labels
    assert 999 not in shortlist.drawn


def test_no_labels_at_all_are_no_error() -> None:
    assert choose_roles([], CONFIG, seed=0) == {}


def distances(count: int, nearest: Iterable[int]) -> dict[int, float]:
    return {label: 0.1 if label in nearest else 1.0 for label in range(count)}


def test_few_labels_are_all_screened_and_show_what_is_normal() -> None:
    assert list_all(20).labels == tuple(range(20))
    assert list_all(20).drawn == frozenset(range(20))


def test_among_many_the_nearest_by_each_detector_and_some_drawn_remain() -> None:
    cheap = [distances(1000, (7, 8)), distances(1000, (900, 901, 902))]
    config = DetectionConfig(shortlist=3, drawn=5)
    shortlist = shorten(cheap, config, 1000, seed=0)
    assert {7, 8, 900, 901, 902} | shortlist.drawn <= set(shortlist.labels)
    assert len(shortlist.drawn) == 5
    assert len(shortlist.labels) <= 11
    assert shortlist != shorten(cheap, config, 1000, seed=1)
