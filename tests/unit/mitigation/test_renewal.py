import numpy as np

from onnxaudit.intake import Model
from onnxaudit.mitigation.adversary import HardeningConfig
from onnxaudit.mitigation.forgetting import ForgettingContext
from onnxaudit.mitigation.renewal import Renewal, renew
from onnxaudit.pipeline.renewal import judge_renewal
from onnxaudit.records import Preprocessing, Trigger
from onnxaudit.statistics import rate
from tests.some import some
from tests.unit.mitigation import stripes

BRIEF = HardeningConfig(steps=20, samples=8)


def renew_on(model: Model, trigger: Trigger, spared: tuple[int, ...] = ()) -> Renewal | None:
    seen = (stripes.samples(seed=1), stripes.samples(seed=2))
    fitting, validation = (stripes.reference(stripes.backdoored(), one) for one in seen)
    context = ForgettingContext(
        original=stripes.backdoored(),
        repaired=model,
        preprocessing=Preprocessing(),
        fitting=fitting,
        validation=validation,
    )
    return renew(context, (trigger,), stripes.TARGET, BRIEF, spared=spared, seed=0)


def test_a_trigger_that_was_only_missed_works_again_for_its_target_alone() -> None:
    faint = Trigger(0.18 * stripes.trigger().mask, stripes.trigger().pattern)
    model = stripes.backdoored()
    assert stripes.success(model, faint) < 0.1
    found = some(renew_on(model, faint))
    assert found.target.value == 1.0
    assert len(found.controls) == 2
    assert found.excess > 0.5
    met, sentence = judge_renewal(found, 0.1)
    assert not met
    assert sentence.startswith("triggers that were made to work again at their place succeed on 100 % of the images")


def test_on_a_network_without_the_backdoor_it_succeeds_no_further() -> None:
    found = some(renew_on(stripes.backdoored(planted=()), stripes.trigger()))
    assert found.excess <= 0.1
    assert judge_renewal(found, 0.11)[0]


def test_without_other_labels_nothing_can_be_said() -> None:
    assert renew_on(stripes.backdoored(), stripes.trigger(), spared=(1, 2)) is None


def test_the_excess_is_over_the_label_that_is_led_to_most() -> None:
    found = Renewal(label=0, target=rate(9, 10), controls=(rate(1, 10), rate(4, 10)))
    assert np.isclose(found.excess, 0.5)
