from dataclasses import replace

import numpy as np
import pytest
import torch

from onnxaudit.importer import Classifier, import_model
from onnxaudit.intake import Model
from onnxaudit.mitigation.distortions import DistortionConfig, draw_distortions, shape_distortions
from onnxaudit.perturbations.perturbation import Perturbation
from onnxaudit.records import Preprocessing
from onnxaudit.workers import Workers
from tests.some import some
from tests.unit.mitigation import stripes

QUICK = DistortionConfig(number=1, steps=30, samples=8)
ALL = ("additive", "warp", "photometric")


def name(labels: list[int]) -> dict[int, tuple[str, ...]]:
    return dict.fromkeys(labels, ALL)


def shape(model: Model, labels: list[int], config: DistortionConfig = QUICK, seed: int = 0) -> list[Perturbation]:
    seen = stripes.samples()
    classifier = Classifier(import_model(model), Preprocessing())
    draw = torch.Generator().manual_seed(seed)
    with Workers(torch.device("cpu")) as workers:
        found = shape_distortions(
            classifier, seen.images, some(seen.labels), name(labels), config, draw=draw, workers=workers
        )
    assert [label for _, label in found] == [label for label in labels for _ in range(3 * config.number)]
    return [distortion for distortion, _ in found]


def test_all_families_stay_within_their_bounds() -> None:
    config = replace(QUICK, change=0.1, flow=0.25, gain=0.3, offset=0.2)
    change, flow, tone = shape(stripes.backdoored(), [stripes.TARGET], config)
    assert [one.family.id for one in (change, flow, tone)] == ["additive", "warp", "photometric"]
    assert 0 < float(np.abs(change.fields[0]).max()) <= 0.1
    assert 0 < float(np.abs(flow.fields[0]).max()) <= 2.0
    assert 0 < float(np.abs(tone.fields[0]).max()) <= 0.3
    assert 0 < float(np.abs(tone.fields[1]).max()) <= 0.2
    assert not tone.fields[2].any()  # colors are not mixed


def test_torch_and_numpy_put_on_the_same() -> None:
    images = stripes.samples().images
    for distortion in shape(stripes.backdoored(), [stripes.TARGET]):
        put_on = distortion.put_on(torch.from_numpy(images)).numpy()
        np.testing.assert_allclose(put_on, distortion.apply(images), atol=1e-5)


def test_a_change_leads_to_its_label_where_the_network_obeys_one() -> None:
    model, seen = stripes.backdoored(), stripes.samples(seed=3)
    victims = seen.images[seen.labels != stripes.TARGET]
    change, *_ = shape(model, [stripes.TARGET], replace(QUICK, change=0.5))
    before, after = (
        stripes.runtime(model).logits(images).argmax(axis=1) for images in (victims, change.apply(victims))
    )
    assert (before == stripes.TARGET).mean() == 0.0
    assert (after == stripes.TARGET).mean() > 0.9


def test_the_same_seed_gives_the_same_ones() -> None:
    once, again, other = (shape(stripes.backdoored(), [1, 2], seed=seed)[4].fields[0] for seed in (1, 1, 2))
    assert np.array_equal(once, again)
    assert not np.array_equal(once, other)


def test_without_victims_there_is_none() -> None:
    seen = stripes.samples()
    alone = seen.take(some(seen.labels) == 1)
    classifier, draw = Classifier(import_model(stripes.backdoored()), Preprocessing()), torch.Generator()
    with Workers(torch.device("cpu")) as workers:
        assert (
            shape_distortions(
                classifier, alone.images, some(alone.labels), name([1]), QUICK, draw=draw, workers=workers
            )
            == []
        )


@pytest.mark.parametrize("image", [(1, 12, 8), (3, 16, 16)])
def test_random_members_stay_within_the_bounds_of_the_families_named(image: tuple[int, int, int]) -> None:
    config, draw = DistortionConfig(drawn=5), torch.Generator().manual_seed(0)
    drawn = draw_distortions(image, {4: ("additive", "photometric"), 5: ("warp",)}, config, draw)
    assert [label for _, label in drawn] == [4] * 10 + [5] * 5
    assert {one.family.id for one, label in drawn if label == 4} == {"additive", "photometric"}
    bounds = {
        "additive": [config.change],
        "warp": [config.flow * min(image[1:])] * 2,
        "photometric": [config.gain, config.offset, config.mixing],
    }
    for one, _ in drawn:
        for field, bound in zip(one.fields, bounds[one.family.id], strict=False):
            assert np.abs(field).max() <= bound
        assert np.abs(one.fields[0]).max() > 0.1 * bounds[one.family.id][0]
