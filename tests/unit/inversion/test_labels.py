from collections.abc import Callable

import torch

from onnxaudit.deadline import Deadline
from onnxaudit.inversion.labels import LabelsConfig, Sizes, measure_sizes, prepare
from onnxaudit.inversion.sample_orders import find_others
from onnxaudit.inversion.schedule import UNSHRUNK, Schedule
from onnxaudit.perturbations.additive import Additive
from onnxaudit.records import Samples
from onnxaudit.workers import Workers
from tests.unit.conftest import Planted

FAMILY = Additive(image=(1, 12, 12), bound=0.5)
QUICK = LabelsConfig(steps=12, step_size=0.5)


def test_a_label_that_was_not_reached_is_farther_than_all_found_and_as_far_as_was_tried() -> None:
    sizes = Sizes(found={0: 0.1, 1: 0.4}, tried={2: 0.2, 3: 0.7})
    assert sizes.all == {0: 0.1, 1: 0.4, 2: 0.4, 3: 0.7}
    assert Sizes(found={}, tried={5: 0.3}).all == {5: 0.3}


def test_every_label_is_found_or_was_tried(
    planted: Callable[..., Planted], make_samples: Callable[..., Samples]
) -> None:
    classifier, samples = planted(targets=(3,)), make_samples()
    others = find_others(classifier, samples, range(8), 2**16)
    for success, part in ((0.0, "found"), (1.1, "tried")):
        config = LabelsConfig(steps=4, schedule=Schedule(success=success))
        sizes = measure_sizes(classifier, samples.images, others, FAMILY, config, seed=0, deadline=Deadline())
        assert set(getattr(sizes, part)) == set(range(8))
        assert set(sizes.all) == set(range(8))
    assert measure_sizes(classifier, samples.images, {}, FAMILY, config, seed=0, deadline=Deadline()).all == {}


def test_without_a_penalty_the_last_perturbation_counts(
    planted: Callable[..., Planted], make_samples: Callable[..., Samples]
) -> None:
    classifier, samples = planted(), make_samples()
    others = find_others(classifier, samples, range(2), 2**16)
    config = LabelsConfig(steps=5, schedule=UNSHRUNK)
    with Workers(torch.device("cpu")) as workers:
        shrinking = prepare(classifier, samples.images, others, FAMILY, config, seed=0, workers=workers)
        start = shrinking.values.clone()
        assert not shrinking.run(Deadline(0.0))
        assert torch.equal(shrinking.values, start)
        assert shrinking.run(Deadline())
    assert (shrinking.steps, shrinking.steps_of.tolist()) == (5, [5, 5])
    assert shrinking.sizes.isinf().all()
    assert not torch.equal(shrinking.values, start)


def test_a_network_that_answers_nan_moves_nothing(make_samples: Callable[..., Samples]) -> None:
    def silent(images: torch.Tensor) -> torch.Tensor:
        return images.flatten(1)[:, :8] * torch.nan

    samples = make_samples()
    network = torch.nn.Module()
    network.forward = silent
    others = {label: (samples.labels != label).nonzero()[0] for label in range(2)} if samples.labels is not None else {}
    with Workers(torch.device("cpu")) as workers:
        shrinking = prepare(network, samples.images, others, FAMILY, QUICK, seed=0, workers=workers)
        start = shrinking.values.clone()
        shrinking.run(Deadline())
    assert torch.equal(shrinking.values, start)
    assert shrinking.sizes.isinf().all()
