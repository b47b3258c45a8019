from dataclasses import dataclass

import numpy as np
import pytest

from onnxaudit.mitigation.evaluation import NOTHING, ReferenceSamples
from onnxaudit.perturbations.additive import Additive
from onnxaudit.perturbations.perturbation import Perturbation
from onnxaudit.records import Floats, Samples, Trigger
from onnxaudit.runtime import Runtime
from tests.some import some
from tests.unit.mitigation import stripes

NOWHERE = Trigger(np.zeros((1, 8, 8), np.float32), np.zeros((1, 8, 8), np.float32))


class Answers(Runtime):
    """A network of which only the answers are known, by the brightness of the first pixel in tenths."""

    def __init__(self) -> None:
        pass

    def predict(self, images: Floats) -> Floats:
        return np.eye(10, dtype=np.float32)[np.rint(10 * images[:, 0, 0, 0]).astype(int)]


@dataclass
class Darken:
    """An attack that takes so many tenths off every pixel."""

    tenths: int

    def apply(self, images: Floats) -> Floats:
        return images - np.float32(self.tenths / 10)


def show(*answers: int, labels: tuple[int, ...] | None = None) -> ReferenceSamples:
    images = (np.array(answers) / 10).astype(np.float32).reshape(-1, 1, 1, 1)
    return ReferenceSamples.of(Answers(), Samples(images, None if labels is None else np.array(labels), "numbers"))


def test_clean_accuracy_is_by_labels_and_agreement_by_the_answers_of_the_original() -> None:
    seen = show(1, 2, 3, 4, labels=(1, 2, 3, 3))
    assert (seen.clean_accuracy(Answers()).successes, seen.agreement(Answers()).successes) == (3, 4)
    assert show(1, 2).clean_accuracy(Answers()).trials == 0


def test_the_target_class_itself_is_left_out_of_attack_success() -> None:
    rates = show(1, 2, 3).under(Answers(), Darken(1), target=1)
    assert (rates.success.successes, rates.success.trials) == (1, 2)
    assert show(1, 1).under(Answers(), Darken(1), target=1) == NOTHING


def test_poisoned_accuracy_asks_for_the_own_class_and_not_for_the_answer_of_the_original() -> None:
    seen = show(5, 6, 7, labels=(4, 6, 6))
    rates = seen.under(Answers(), Darken(1), target=1)
    assert (rates.success.successes, rates.accuracy.successes) == (0, 2)


@pytest.mark.parametrize("labels", [None, (5, 6, 7)])
def test_without_labels_the_own_class_is_what_the_original_answers(labels: tuple[int, ...] | None) -> None:
    assert show(5, 6, 7, labels=labels).under(Answers(), Darken(0), target=1).accuracy.value == 1.0


def test_of_several_attacks_the_worst_counts_for_each_figure() -> None:
    worst = show(5, 6, 7).under_worst(Answers(), [(Darken(0), 1), (Darken(1), 5), (Darken(4), 2)])
    assert (worst.success.successes, worst.success.trials) == (1, 2)
    assert worst.accuracy.successes == 0
    assert show(5).under_worst(Answers(), []) == NOTHING


def test_an_attack_without_victims_is_not_the_worst() -> None:
    worst = show(5, 5).under_worst(Answers(), [(Darken(0), 1), (Darken(1), 5)])
    assert (worst.accuracy.value, worst.accuracy.trials) == (1.0, 2)


def test_all_attacks_together_count_every_triggered_sample() -> None:
    model, seen = stripes.backdoored(), stripes.samples()
    family, light = Additive(image=(1, 8, 8)), np.ones((1, 8, 8), np.float32)
    bright = Perturbation(family, (light,))  # the trigger's light among much else
    idle = Perturbation(family, (0 * light,))
    pairs = [(bright, stripes.TARGET), (idle, stripes.TARGET)]
    rates = stripes.reference(model, seen).under_all(stripes.runtime(model), pairs)
    victims = int((some(seen.labels) != stripes.TARGET).sum())
    assert rates.success.trials == rates.accuracy.trials == 2 * victims
    lit = stripes.runtime(model).logits(np.ones_like(seen.images[:1])).argmax() == stripes.TARGET
    assert rates.success.successes == lit * victims
    assert rates.accuracy.successes >= victims


def test_the_planted_trigger_leads_to_the_target_and_an_empty_one_does_not() -> None:
    model = stripes.backdoored()
    seen, network = stripes.reference(model, stripes.samples()), stripes.runtime(model)
    planted, empty = (seen.under(network, trigger, stripes.TARGET) for trigger in (stripes.trigger(), NOWHERE))
    assert (planted.success.value, planted.accuracy.value) == (1.0, 0.0)
    assert (empty.success.value, empty.accuracy.value) == (0.0, 1.0)
