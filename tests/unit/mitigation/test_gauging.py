import numpy as np
import torch

from onnxaudit.mitigation.distortions import Distortion
from onnxaudit.mitigation.gauging import Gauge
from onnxaudit.records import Preprocessing, Trigger
from tests.unit.mitigation import stripes


def test_of_triggers_the_strongest_counts_and_of_distortions_all_together() -> None:
    model, seen = stripes.backdoored(), stripes.samples()
    none, still = torch.zeros(1, 8, 8), torch.zeros(2, 8, 8)
    bright = Distortion(none, torch.ones(1, 8, 8), still)  # the trigger's light among much else
    idle = Distortion(none, none, still)
    nothing = Trigger(np.zeros((1, 8, 8), np.float32), np.zeros((1, 8, 8), np.float32))
    measured = Gauge(model, Preprocessing(), seen, "cpu").measure(
        model,
        {stripes.TARGET: [nothing, stripes.trigger()]},
        {stripes.TARGET: [nothing]},
        [(bright, stripes.TARGET), (idle, stripes.TARGET)],
    )
    victims = int((seen.labels != stripes.TARGET).sum())
    assert (measured.agreement.value, measured.success_rate.value) == (1.0, 1.0)
    assert measured.hardened_success_rate.successes == 0
    assert measured.distorted_success_rate.trials == 2 * victims
    lit = stripes.runtime(model).logits(np.ones_like(seen.images[:1])).argmax() == stripes.TARGET
    assert measured.distorted_success_rate.successes == lit * victims
