from dataclasses import replace

import numpy as np
import pytest
import torch

from onnxaudit.importer import Classifier, import_model
from onnxaudit.intake import Model
from onnxaudit.mitigation.distortions import Distortion, DistortionConfig, distort, shape_distortions
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
    assert [label for _, label in found] == [label for label in labels for _ in range(2 * config.number)]
    return [distortion for distortion, _ in found]


def apply(distortion: Distortion, images: np.ndarray) -> np.ndarray:
    change, flow = (part.expand(len(images), -1, -1, -1) for part in (distortion.change, distortion.flow))
    return distort(torch.from_numpy(images), change, flow).numpy()


def test_both_kinds_stay_within_their_bounds() -> None:
    change, flow = shape(stripes.backdoored(), [stripes.TARGET], replace(QUICK, change=0.1, flow=0.25))
    assert 0 < float(change.change.abs().max()) <= 0.1
    assert not change.flow.any()
    assert 0 < float(flow.flow.abs().max()) <= 2.0
    assert not flow.change.any()


def test_a_change_leads_to_its_label_where_the_network_obeys_one() -> None:
    model, seen = stripes.backdoored(), stripes.samples(seed=3)
    victims = seen.images[seen.labels != stripes.TARGET]
    (change, _) = shape(model, [stripes.TARGET], replace(QUICK, change=0.5))
    before, after = (
        stripes.runtime(model).logits(images).argmax(axis=1) for images in (victims, apply(change, victims))
    )
    assert (before == stripes.TARGET).mean() == 0.0
    assert (after == stripes.TARGET).mean() > 0.9


def test_a_flow_shows_what_is_so_far_away() -> None:
    image = torch.arange(12.0).reshape(1, 1, 3, 4) / 12
    flow = torch.zeros(1, 2, 3, 4)
    flow[:, 0] = 1.0  # from the row below; the last one repeats itself
    torch.testing.assert_close(distort(image, torch.zeros(1, 1, 3, 4), flow), image[:, :, [1, 2, 2]])


@pytest.mark.parametrize("shape", [(1, 1, 5), (3, 4, 4)])
def test_nothing_changes_nothing(shape: tuple[int, int, int]) -> None:
    images = np.random.default_rng(0).random((2, *shape)).astype(np.float32)
    none = Distortion(torch.zeros(shape), torch.zeros(2, *shape[1:]))
    np.testing.assert_array_equal(apply(none, images), images)


def test_the_same_seed_gives_the_same_ones() -> None:
    once, again, other = (shape(stripes.backdoored(), [1, 2], seed=seed)[3].flow for seed in (1, 1, 2))
    assert torch.equal(once, again)
    assert not torch.equal(once, other)


def test_without_victims_there_is_none() -> None:
    seen = stripes.samples()
    alone = seen.take(seen.labels == 1)
    classifier, draw = Classifier(import_model(stripes.backdoored()), Preprocessing()), torch.Generator()
    with Workers(torch.device("cpu")) as workers:
        assert shape_distortions(classifier, alone.images, alone.labels, [1], QUICK, draw, workers) == []
