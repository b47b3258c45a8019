"""Whether a repair only hid its backdoor."""

import numpy as np

from onnxaudit.deadline import Deadline
from onnxaudit.intake import Model
from onnxaudit.mitigation.forgetting import ForgettingConfig, ForgettingContext, check_forgetting
from onnxaudit.records import Forgetting, Preprocessing
from tests.some import some
from tests.unit.mitigation import stripes

QUICK = ForgettingConfig(steps=(1, 2), batch=8, step_size=0.03)


def hide(strength: float) -> Model:
    """The network whose planted neurons still see the trigger, and lead to the target with less `strength`."""
    model = stripes.backdoored()
    outputs = model.initializer("w2").copy()
    outputs[stripes.TARGET, list(stripes.PLANTED)] = strength
    return model.with_values({"w2": outputs})


def check(repaired: Model, deadline: Deadline = Deadline()) -> Forgetting | None:
    original = stripes.backdoored()
    context = ForgettingContext(
        original=original,
        repaired=repaired,
        preprocessing=Preprocessing(),
        fitting=stripes.reference(original, stripes.samples(seed=1)),
        validation=stripes.reference(original, stripes.samples(seed=2)),
    )
    return check_forgetting(context, stripes.trigger(), stripes.TARGET, QUICK, seed=0, deadline=deadline)


def test_a_backdoor_that_is_only_hidden_comes_back_sooner_than_with_other_labels() -> None:
    hidden, gone = some(check(hide(0.35))), some(check(hide(0.0)))
    assert hidden.target.rates[0].value == 0.0
    assert hidden.excess > 0.3
    assert abs(gone.excess) < hidden.excess / 2


def test_the_curves_begin_before_the_first_step_and_name_their_labels() -> None:
    found = some(check(hide(0.0)))
    assert found.steps == (0, 1, 2)
    assert all(len(one.rates) == 3 for one in (found.target, *found.controls))
    assert sorted(one.label for one in (found.target, *found.controls)) == [0, 1, 2]


def test_the_path_ends_where_the_original_stands() -> None:
    found = some(check(hide(0.0)))
    assert (found.shares[0], found.shares[-1]) == (0.0, 1.0)
    assert (found.path[0].value, found.path[-1].value) == (0.0, 1.0)
    assert np.all(np.diff([rate.value or 0.0 for rate in found.path]) >= 0)


def test_nothing_is_told_once_the_time_is_up() -> None:
    assert check(hide(0.0), Deadline.after(0.0)) is None


def test_the_same_seed_gives_the_same_check() -> None:
    assert check(hide(0.0)) == check(hide(0.0))
