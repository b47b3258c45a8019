import numpy as np
import torch

from onnxaudit.importer import Classifier, import_model
from onnxaudit.mitigation.adversary import HardeningConfig, harden
from onnxaudit.mitigation.stamps import stack, unstack
from onnxaudit.records import Preprocessing, Trigger
from onnxaudit.workers import Workers
from tests.unit.mitigation import stripes

DEFAULTS = HardeningConfig()


def weak_trigger() -> Trigger:
    """A part of the trigger, too faint to work."""
    return Trigger(0.3 * stripes.trigger().mask, stripes.trigger().pattern)


def run(config: HardeningConfig = DEFAULTS, seed: int = 0) -> Trigger:
    classifier = Classifier(import_model(stripes.backdoored()), Preprocessing())
    seen = stripes.samples()
    labels = torch.tensor([stripes.TARGET])
    draw = torch.Generator().manual_seed(seed)
    victims = seen.images[seen.labels != stripes.TARGET]
    with Workers(torch.device("cpu")) as workers:
        (found,) = unstack(
            harden(classifier, victims, stack([weak_trigger()]), labels, config, draw=draw, workers=workers)
        )
    return found


def test_a_trigger_that_failed_works_again() -> None:
    model = stripes.backdoored()
    assert stripes.success(model, weak_trigger()) < 0.5
    assert stripes.success(model, run()) == 1.0


def test_it_stays_near_its_place() -> None:
    mask = run(HardeningConfig(reach=0.125)).mask[0]
    away = np.ones((8, 8), bool)
    away[1:6, 5:] = False
    assert not mask[away].any()
    assert mask[2:5:2, 6:].min() > 0.3


def test_the_same_seed_gives_the_same_trigger() -> None:
    assert run(seed=3).digest == run(seed=3).digest


def test_several_triggers_each_stay_near_their_own_place() -> None:
    classifier, seen = Classifier(import_model(stripes.backdoored()), Preprocessing()), stripes.samples()
    weak = weak_trigger()
    mirrored = Trigger(np.ascontiguousarray(weak.mask[:, :, ::-1]), weak.pattern)
    some = [weak, mirrored, weak]
    labels, draw = torch.full((len(some),), stripes.TARGET), torch.Generator().manual_seed(0)
    with Workers(torch.device("cpu")) as workers:
        found = unstack(
            harden(classifier, seen.images, stack(some), labels, HardeningConfig(steps=5), draw=draw, workers=workers)
        )
    right, left, again = (trigger.mask[0].any(axis=0) for trigger in found)
    assert right.any()
    assert (left == right[::-1]).all()
    assert (again == right).all()
