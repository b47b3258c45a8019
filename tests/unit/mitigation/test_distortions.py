from dataclasses import replace

import numpy as np
import pytest
import torch

from onnxaudit.importer import Classifier, import_model
from onnxaudit.intake import Model
from onnxaudit.mitigation.distortions import Distortion, DistortionConfig, distort, leads_best, shape_distortions
from onnxaudit.records import Preprocessing
from onnxaudit.workers import Workers
from tests.unit.mitigation import stripes

QUICK = DistortionConfig(number=1, steps=30, samples=8)


def shape(model: Model, labels: list[int], config: DistortionConfig = QUICK, seed: int = 0) -> list[Distortion]:
    seen = stripes.samples()
    classifier = Classifier(import_model(model), Preprocessing())
    draw = torch.Generator().manual_seed(seed)
    with Workers(torch.device("cpu")) as workers:
        found = shape_distortions(classifier, seen.images, seen.labels, labels, config, draw, workers)
    assert [label for _, label in found] == [label for label in labels for _ in range(3 * config.number)]
    return [distortion for distortion, _ in found]


def test_all_kinds_stay_within_their_bounds() -> None:
    config = replace(QUICK, change=0.1, flow=0.25, gain=0.3, offset=0.2)
    change, flow, tone = shape(stripes.backdoored(), [stripes.TARGET], config)
    assert 0 < float(change.change.abs().max()) <= 0.1
    assert 0 < float(flow.flow.abs().max()) <= 2.0
    assert 0 < float(tone.gain.abs().max()) <= 0.3
    assert 0 < float(tone.change.abs().max()) <= 0.2
    unused = (change.gain, change.flow, flow.gain, flow.change, tone.flow)
    assert not any(part.any() for part in unused)


def test_a_change_leads_to_its_label_where_the_network_obeys_one() -> None:
    model, seen = stripes.backdoored(), stripes.samples(seed=3)
    victims = seen.images[seen.labels != stripes.TARGET]
    change, *_ = shape(model, [stripes.TARGET], replace(QUICK, change=0.5))
    before, after = (
        stripes.runtime(model).logits(images).argmax(axis=1) for images in (victims, change.apply(victims))
    )
    assert (before == stripes.TARGET).mean() == 0.0
    assert (after == stripes.TARGET).mean() > 0.9


@pytest.mark.parametrize(("change", "label", "leads"), [(0.3, stripes.TARGET, True), (0.3, 1, False),
                                                        (0.0, stripes.TARGET, False)])  # fmt: skip
def test_of_a_label_with_a_way_of_its_own_distortions_tell(change: float, label: int, leads: bool) -> None:
    seen, classifier = stripes.samples(), Classifier(import_model(stripes.backdoored()), Preprocessing())
    config = replace(QUICK, change=change, gain=0.0, offset=0.0, flow=0.0)
    draw = torch.Generator().manual_seed(0)
    with Workers(torch.device("cpu")) as workers:
        assert leads_best(classifier, seen.images, seen.labels, label, config, draw, workers) == leads


def test_without_another_class_nothing_can_be_told() -> None:
    seen = stripes.samples()
    alone = seen.take(seen.labels == 1)
    classifier, draw = Classifier(import_model(stripes.backdoored()), Preprocessing()), torch.Generator()
    with Workers(torch.device("cpu")) as workers:
        assert not leads_best(classifier, alone.images, alone.labels, 1, QUICK, draw, workers)


def test_a_flow_shows_what_is_so_far_away() -> None:
    image = torch.arange(12.0).reshape(1, 1, 3, 4) / 12
    none, flow = torch.zeros(1, 3, 4), torch.zeros(2, 3, 4)
    flow[0] = 1.0  # from the row below; the last one repeats itself
    torch.testing.assert_close(distort(image, Distortion(none, none, flow).stacked[None]), image[:, :, [1, 2, 2]])


def test_a_tone_multiplies_before_it_adds() -> None:
    toned = Distortion(torch.full((1, 1, 3), -0.5), torch.full((1, 1, 3), 0.2), torch.zeros(2, 1, 3))
    images = np.array([0.0, 0.4, 1.0], np.float32).reshape(1, 1, 1, 3)
    np.testing.assert_allclose(toned.apply(images).ravel(), [0.2, 0.4, 0.7], atol=1e-6)


@pytest.mark.parametrize("shape", [(1, 1, 5), (3, 4, 4)])
def test_nothing_changes_nothing(shape: tuple[int, int, int]) -> None:
    images = np.random.default_rng(0).random((2, *shape)).astype(np.float32)
    none = Distortion(torch.zeros(shape), torch.zeros(shape), torch.zeros(2, *shape[1:]))
    np.testing.assert_array_equal(none.apply(images), images)


def test_the_same_seed_gives_the_same_ones() -> None:
    once, again, other = (shape(stripes.backdoored(), [1, 2], seed=seed)[4].flow for seed in (1, 1, 2))
    assert torch.equal(once, again)
    assert not torch.equal(once, other)


def test_without_victims_there_is_none() -> None:
    seen = stripes.samples()
    alone = seen.take(seen.labels == 1)
    classifier, draw = Classifier(import_model(stripes.backdoored()), Preprocessing()), torch.Generator()
    with Workers(torch.device("cpu")) as workers:
        assert shape_distortions(classifier, alone.images, alone.labels, [1], QUICK, draw, workers) == []
