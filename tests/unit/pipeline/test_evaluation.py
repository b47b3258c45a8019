from typing import Any

import numpy as np

from onnxaudit.pipeline.evaluation import Evaluation
from onnxaudit.records import Measurement, Samples, Trigger
from tests.some import some
from tests.unit.mitigation import stripes

NOWHERE = Trigger(np.zeros((1, 8, 8), np.float32), np.zeros((1, 8, 8), np.float32))


def measure(triggers: dict[int, tuple[Trigger, ...]], **options: Any) -> Measurement:
    model = stripes.backdoored()
    network = stripes.runtime(model)
    return Evaluation.of(network, stripes.reference(model, stripes.samples(seed=2)), triggers, **options).measure(
        network
    )


def test_one_trigger_that_works_among_several_of_a_target_counts() -> None:
    measured = measure({stripes.TARGET: (NOWHERE, stripes.trigger())})
    assert (measured.success_rate.value, some(measured.poisoned_accuracy).value) == (1.0, 0.0)


def test_a_known_trigger_is_measured_on_further_samples() -> None:
    further = stripes.samples(per_class=3, seed=5)
    measured = measure({stripes.TARGET: (NOWHERE,)}, further=further, known=stripes.trigger())
    assert (measured.success_rate.value, some(measured.poisoned_accuracy).value) == (0.0, 1.0)
    success = some(measured.known_success_rate)
    assert success.successes == success.trials == 6
    assert some(measured.known_poisoned_accuracy).successes == 0
    assert (measured.accuracy.trials, measured.agreement.trials) == (9, 36)


def test_without_a_known_trigger_its_figures_are_missing() -> None:
    measured = measure({stripes.TARGET: (stripes.trigger(),)})
    assert measured.known_success_rate is measured.known_poisoned_accuracy is None


def test_further_samples_without_labels_have_no_accuracy() -> None:
    further = Samples(stripes.samples().images, None, "unlabelled")
    assert measure({stripes.TARGET: (NOWHERE,)}, further=further).accuracy.trials == 0
