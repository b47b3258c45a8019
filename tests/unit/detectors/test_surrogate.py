from dataclasses import replace

import numpy as np
import pytest
import torch

from onnxaudit.deadline import Deadline
from onnxaudit.detectors.base import Context
from onnxaudit.detectors.surrogate import SurrogateConfig, SurrogateDetector, center, expect
from onnxaudit.errors import OutOfTimeError
from onnxaudit.inversion.patch import InversionConfig
from onnxaudit.inversion.readings import Readings
from onnxaudit.records import Event, Samples
from onnxaudit.surrogates.distillation import TrainingConfig

CLASSES = 10
CONFIG = SurrogateConfig(
    networks=2,
    training=TrainingConfig(channels=4, hidden=16, steps=40),
    inversion=InversionConfig(steps=15, samples_per_step=4, confirming_samples=16),
)


def make_context(*, per_class: int = 6, side: int = 12, synthetic: bool = False, classes: int = CLASSES) -> Context:
    """Noise with a bright stroke for each class, and what a network without fault answers."""
    stream = np.random.default_rng(0)
    labels = np.repeat(np.arange(classes), per_class)
    images = stream.random((len(labels), 1, side, side), dtype=np.float32) * np.float32(0.3)
    for image, label in zip(images, labels, strict=True):
        image[:, label % side] += 0.6
    samples = Samples(images=images, labels=labels, source="made", synthetic=synthetic)
    logits = np.eye(classes, dtype=np.float32)[labels] * 8
    half = np.arange(len(labels)) % 2 == 0
    return Context(
        classifier=torch.nn.Identity(),
        known=samples.take(half),
        unseen=samples.take(~half),
        of_known=Readings(logits=logits[half]),
        of_unseen=Readings(logits=logits[~half]),
        classes=classes,
        seed=3,
    )


def test_what_surrogates_agree_on_is_expected() -> None:
    sizes = np.array([[10.0, 12.0, 15.0, 12.0, 12.0], [20.0, 24.0, 30.0, 24.0, 24.0]])
    assert expect(sizes) == pytest.approx(np.log([1.2, 1, 0.8, 1, 1]))


def test_labels_differ_no_more_than_those_of_good_networks() -> None:
    sizes = np.array([[10.0, 20.0, 40.0, 20.0], [20.0, 40.0, 80.0, 40.0]])
    expected = expect(sizes)
    assert expected.std() == pytest.approx(0.25)
    assert expected / expected[0] == pytest.approx([1, 0, -1, 0])


def test_where_they_do_not_agree_nothing_is_expected() -> None:
    sizes = np.exp(np.random.default_rng(0).normal(size=(3, 40)))
    assert np.abs(expect(sizes)).max() < 0.3 * np.abs(np.log(sizes).mean(axis=0)).max()
    opposed = np.array([[10.0, 20.0, 40.0], [40.0, 20.0, 10.0]])
    assert expect(opposed) == pytest.approx(np.zeros(3))


def test_a_label_that_one_surrogate_alone_tells_of_is_left_out() -> None:
    sizes = np.array([[10.0, 12.0, 15.0, 12.0], [10.0, 12.0, 15.0, np.nan]])
    expected = expect(sizes)
    assert np.isnan(expected[3])
    assert expected[:3] == pytest.approx(np.log([1.2, 1, 0.8]))


@pytest.mark.parametrize("sizes", [np.ones((1, 5)), np.full((3, 5), np.nan), np.ones((3, 2))])
def test_of_too_little_nothing_is_expected(sizes: np.ndarray) -> None:
    assert np.isnan(expect(sizes)).all()


def test_of_equal_sizes_nothing_is_taken_off() -> None:
    assert expect(np.ones((3, 5))) == pytest.approx(np.zeros(5))


def test_a_class_that_is_near_in_all_answers_is_no_nearer_to_surrogates() -> None:
    labels = torch.arange(30) % 3
    logits = 4 * torch.eye(3)[labels] + torch.rand(30, 3, generator=torch.Generator().manual_seed(0))
    raised = logits + torch.tensor([0.0, 2.5, 0.0])
    assert torch.allclose(center(raised, labels), center(logits, labels), atol=1e-5)
    others = center(raised, labels)[labels != 1, 1]
    assert others.mean() == pytest.approx(0.0, abs=1e-5)


def test_answers_that_are_no_numbers_teach_nothing() -> None:
    context = make_context()
    assert context.of_known is not None
    context = replace(context, of_known=Readings(logits=np.full_like(context.of_known.logits, np.nan)))
    assert not SurrogateDetector(CONFIG).measure(context, range(CLASSES)).ratios


def test_every_label_gets_a_ratio_by_the_seed_alone() -> None:
    context = make_context()
    found = SurrogateDetector(CONFIG).measure(context, range(CLASSES))
    assert found.ratios
    assert not found.distances
    assert all(np.isfinite(ratio) and ratio > 0 for ratio in found.ratios.values())
    assert SurrogateDetector(CONFIG).measure(context, range(CLASSES)).ratios == found.ratios
    assert SurrogateDetector(CONFIG).measure(replace(context, seed=4), range(CLASSES)).ratios != found.ratios


@pytest.mark.parametrize(
    "context",
    [
        make_context(per_class=3),
        make_context(side=6),
        make_context(synthetic=True),
        make_context(classes=4),
    ],
    ids=["few images", "tiny images", "synthetic", "few classes"],
)
def test_where_it_could_not_tell_nothing_is_measured(context: Context) -> None:
    found = SurrogateDetector(CONFIG).measure(context, range(context.classes))
    assert not found.ratios
    assert found.complete


def test_surrogates_side_by_side_tell_nothing_at_once() -> None:
    events: list[Event] = []
    SurrogateDetector(CONFIG).measure(replace(make_context(), on_event=events.append), range(CLASSES))
    assert not events


@pytest.mark.parametrize("config", [SurrogateDetector.efforts["quick"], SurrogateDetector.of_large])
def test_quick_scans_and_races_do_without(config: SurrogateConfig) -> None:
    assert not SurrogateDetector(config).measure(make_context(), range(CLASSES)).ratios


def test_large_images_are_made_small() -> None:
    context = make_context(side=40)
    found = SurrogateDetector(replace(CONFIG, side=8)).measure(context, range(CLASSES))
    assert found.complete


def test_no_time_is_an_error_and_no_evidence() -> None:
    with pytest.raises(OutOfTimeError):
        SurrogateDetector(CONFIG).measure(replace(make_context(), deadline=Deadline.after(0)), range(CLASSES))
