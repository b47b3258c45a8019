from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pytest

from onnxaudit.deadline import Deadline
from onnxaudit.errors import DataError
from onnxaudit.intake import Model
from onnxaudit.mitigation import pruning
from onnxaudit.mitigation.context import PruningContext
from onnxaudit.mitigation.efficiency import Bench
from onnxaudit.mitigation.evaluation import ReferenceSamples
from onnxaudit.mitigation.least_squares import LeastSquares
from onnxaudit.mitigation.profiling import profile
from onnxaudit.mitigation.pruning import Pruning, prune
from onnxaudit.mitigation.pruning_config import PruningConfig
from onnxaudit.mitigation.published_pruning import find_objection
from onnxaudit.mitigation.validation import Figures, Validation
from onnxaudit.records import Event, Profile, Samples, Trigger
from onnxaudit.statistics import rate
from onnxaudit.surgery import find_target_layer, zero_neurons
from tests.some import some
from tests.unit.mitigation import stripes
from tests.unit.surgery.networks import BODIES, CHANNELS, channels, network

DEFAULTS = PruningConfig()


def make_context(model: Model, further: tuple[Trigger, ...] = (), validation: Any = None) -> PruningContext:
    seen, validation = stripes.samples(seed=1), stripes.samples(seed=2) if validation is None else validation
    runtime = stripes.runtime(model)
    profiled = profile(runtime, model, find_target_layer(model), seen, stripes.trigger())
    return PruningContext(
        network=runtime,
        profile=profiled,
        trigger=stripes.trigger(),
        target=stripes.TARGET,
        further=further,
        fitting=seen,
        validation=validation if isinstance(validation, ReferenceSamples) else stripes.reference(model, validation),
    )


def run(model: Model, config: PruningConfig = DEFAULTS, **options: Any) -> Pruning:
    return prune(make_context(model, validation=options.pop("validation", None)), config, **options)


@pytest.mark.parametrize("criterion", ["efficiency", "success"])
def test_the_planted_neurons_go_and_nothing_else_does(criterion: Literal["efficiency", "success"]) -> None:
    # Pruning one planted neuron leaves the other: success stays at 1, the margin falls.
    model = stripes.backdoored()
    assert stripes.success(model) == 1.0
    done = run(model, PruningConfig(criterion=criterion))
    if criterion == "success":
        assert not done.met
        assert done.model is model
    else:
        assert done.met
        assert sorted(done.pruned) == list(stripes.PLANTED)
        assert stripes.success(done.model) == 0.0
        assert stripes.accuracy(done.model) == 1.0


def test_a_group_goes_where_no_single_neuron_makes_a_difference() -> None:
    # Either planted neuron saturates the score alone: one prune changes nothing, and has no slope.
    model = stripes.backdoored(saturated=True)
    single = run(model, PruningConfig(largest_group=0.125))
    assert not single.met
    assert single.ending.startswith("no prune is left")
    grouped = run(model, PruningConfig(largest_group=0.5))
    assert grouped.met
    assert {*stripes.PLANTED} <= {*grouped.pruned}
    assert stripes.success(grouped.model) == 0.0
    assert stripes.accuracy(grouped.model) == 1.0


def test_rounds_alternate_between_the_lists_activation_first() -> None:
    model = stripes.backdoored(saturated=True)
    rounds = run(model, PruningConfig(criterion="success")).rounds
    assert [entry.ranking for entry in rounds[:4]] == ["activation", "weight", "activation", "weight"]
    assert len(rounds) == 2 * stripes.NEURONS


def test_rounds_rolled_back_leave_every_weight_as_it_was() -> None:
    model = stripes.backdoored()
    done = run(model, PruningConfig(min_agreement=1.1))
    assert done.rounds
    assert not any(entry.kept for entry in done.rounds)
    assert done.model.to_bytes() == model.to_bytes()


def test_rounds_rolled_back_between_kept_ones_leave_no_trace() -> None:
    model = stripes.backdoored(planted=stripes.PLANTED[:1])
    done = run(model, PruningConfig(criterion="success", ridge=0.0, max_success=0.0))
    assert {entry.kept for entry in done.rounds} == {True, False}
    kept = [neuron for entry in done.rounds if entry.kept for neuron in entry.neurons]
    assert done.model.to_bytes() == zero_neurons(model, find_target_layer(model), kept).to_bytes()


def test_figures_of_a_kept_round_are_those_of_the_written_model() -> None:
    done = run(stripes.backdoored(), PruningConfig(ridge=0.0))
    last = [entry for entry in done.rounds if entry.kept][-1]
    validation = stripes.samples(seed=2)
    triggered = stripes.trigger().apply(validation.images[validation.labels != stripes.TARGET])
    logits = stripes.runtime(done.model).logits(triggered)
    assert last.margin == pytest.approx((logits[:, 0] - logits[:, 1:].max(axis=1)).mean(), abs=1e-4)
    assert last.success_rate.successes == (logits.argmax(axis=1) == stripes.TARGET).sum()


@pytest.fixture
def harmful_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    harm = 50 * np.eye(stripes.CLASSES, dtype=np.float32)[:, [stripes.TARGET]]
    monkeypatch.setattr(LeastSquares, "fit", lambda self, _: self._matrix + harm)


@pytest.mark.usefixtures("harmful_fit")
def test_a_fit_that_brings_the_backdoor_back_is_left_out() -> None:
    done = run(stripes.backdoored())
    assert done.met
    assert {entry.fit for entry in done.rounds if entry.kept} == {"none"}
    np.testing.assert_array_equal(done.model.initializer("w2"), stripes.backdoored().initializer("w2"))


@pytest.mark.usefixtures("harmful_fit")
@pytest.mark.parametrize(("guarded", "fit"), [(True, "dropped"), (False, "kept")])
def test_as_published_a_fit_that_does_harm_is_dropped_if_it_is_guarded(guarded: bool, fit: str) -> None:
    model = stripes.backdoored(planted=stripes.PLANTED[:1])
    done = run(model, PruningConfig(criterion="success", guarded=guarded))
    assert [entry.fit for entry in done.rounds if entry.kept] == [fit]
    assert (done.model.initializer("w2").max() >= 50) != guarded


def test_a_fit_that_does_no_harm_is_kept() -> None:
    done = run(stripes.backdoored())
    assert [entry.fit for entry in done.rounds if entry.kept] == ["kept", "kept"]


def test_a_ridge_of_zero_leaves_the_fit_out() -> None:
    done = run(stripes.backdoored(), PruningConfig(ridge=0.0))
    assert {entry.fit for entry in done.rounds} == {"none"}
    assert set(done.model.values) == {"w1", "b1"}


def test_a_deadline_ends_the_loop_incomplete() -> None:
    done = run(stripes.backdoored(), deadline=Deadline.after(0.0))
    assert not done.met
    assert done.ending.startswith("the time budget ended")


def test_every_batch_of_rounds_is_told() -> None:
    events: list[Event] = []
    done = run(stripes.backdoored(), on_event=events.append)
    assert events[-1].done == len(done.rounds)
    assert {event.stage for event in events} == {"prune"}


def test_samples_of_the_target_alone_cannot_judge() -> None:
    seen = stripes.samples()
    with pytest.raises(DataError, match="no clean sample is of another class than 0"):
        run(stripes.backdoored(), validation=seen.take(some(seen.labels) == stripes.TARGET))


def test_unlabelled_samples_count_by_the_predicted_class() -> None:
    seen = stripes.samples(seed=2)
    labelled = run(stripes.backdoored(), validation=seen)
    unlabelled = run(stripes.backdoored(), validation=Samples(seen.images, None, seen.source))
    assert unlabelled.rounds == labelled.rounds


@pytest.mark.parametrize("name", [*BODIES, *CHANNELS])
def test_figures_are_those_of_the_network_cut_by_surgery(name: str) -> None:
    model = channels(name) if name in CHANNELS else network(name)
    layer = find_target_layer(model, "conv" if name in CHANNELS else None)
    generator = np.random.default_rng(4)
    seen = Samples(generator.random((9, 1, 4, 4)).astype(np.float32), np.arange(9) % 3, "noise")
    trigger = Trigger(np.full((1, 4, 4), 0.5, np.float32), np.ones((1, 4, 4), np.float32))
    context = PruningContext(
        network=stripes.runtime(model),
        profile=Profile(layer, ()),
        trigger=trigger,
        target=0,
        fitting=seen,
        validation=stripes.reference(model, seen),
    )
    bench = Bench(context, copies=1, ridge=0.1)
    validation = Validation(context, bench.after)
    for pruned in [(0, 1), (0, 2, 4), ()]:
        for matrix in (None, bench.fit(pruned)):
            figures = validation.measure(bench.present(pruned), matrix)
            written = bench.after.write(model, pruned, matrix)
            logits = stripes.runtime(written).logits(trigger.apply(seen.images[some(seen.labels) != 0]))
            assert figures.margin == pytest.approx((logits[:, 0] - logits[:, 1:].max(axis=1)).mean(), abs=1e-4)
            assert figures.success.successes == (logits.argmax(axis=1) == 0).sum()
            answers = [stripes.runtime(one).logits(seen.images).argmax(axis=1) for one in (written, model)]
            assert figures.agreement.successes == (answers[0] == answers[1]).sum()


class TestObjection:
    before = Figures(
        agreement=rate(200, 200), moved_agreement=rate(0, 0), success=rate(100, 100), pooled=rate(100, 100), margin=5.0
    )
    config = PruningConfig(criterion="success")

    def find_objection(self, **changes: Any) -> str:
        return find_objection(replace(self.before, **changes), self.before, self.config)

    def test_agreement_below_the_limit_rolls_back(self) -> None:
        assert self.find_objection(agreement=rate(190, 200), pooled=rate(0, 100)) == "agreement 0.950 is below 0.97"

    def test_agreement_clearly_below_the_current_rolls_back(self) -> None:
        assert "agreement falls" in self.find_objection(agreement=rate(197, 200), pooled=rate(0, 100))
        assert self.find_objection(agreement=rate(198, 200), pooled=rate(0, 100)) == ""

    def test_one_disagreement_of_few_samples_is_not_clearly_below(self) -> None:
        few = replace(self.before, agreement=rate(40, 40))
        trial = replace(few, agreement=rate(39, 40), pooled=rate(0, 100))
        assert find_objection(trial, few, self.config) == ""

    def test_a_rise_of_success_rolls_back(self) -> None:
        now = replace(self.before, pooled=rate(90, 100))
        assert find_objection(replace(now, pooled=rate(91, 100)), now, self.config) == "success goes to 0.910"

    def test_the_margin_does_not_count(self) -> None:
        assert self.find_objection(margin=0.0) == "success stays at 1.000"
        assert self.find_objection(pooled=rate(99, 100)) == ""


def test_agreement_is_with_the_answers_of_the_original_and_not_of_the_network_given() -> None:
    model, validation = stripes.backdoored(), stripes.reference(stripes.backdoored(), stripes.samples(seed=2))
    answers = validation.answers.copy()
    answers[: len(answers) // 2] += 1
    done = run(model, validation=replace(validation, answers=answers))
    assert not done.pruned
    assert {some(round_.agreement.value) <= 0.5 for round_ in done.rounds} == {True}


def test_the_strongest_of_several_triggers_decides() -> None:
    model = stripes.backdoored()
    nothing = Trigger(np.zeros((1, stripes.SIDE, stripes.SIDE), np.float32), stripes.trigger().pattern)
    alone, both = (make_context(model, further) for further in ((), (stripes.trigger(),)))

    def measure(context: PruningContext) -> Figures:
        bench = Bench(replace(context, trigger=nothing), copies=0, ridge=0.0)
        return Validation(replace(context, trigger=nothing), bench.after).measure(bench.present(()), None)

    weak, strong = measure(alone), measure(both)
    assert weak.success.value == 0.0
    assert strong.success.value == 1.0
    assert strong.success.trials == weak.success.trials
    assert strong.pooled.value == 0.5


def test_a_trigger_that_is_found_on_the_pruned_network_keeps_the_limits_from_being_met() -> None:
    of_the_class = stripes.samples(per_class=1).images[stripes.TARGET]
    other = Trigger(np.ones((1, stripes.SIDE, stripes.SIDE), np.float32), of_the_class)
    asked = list[int]()

    def invert(model: Model, label: int, number: int) -> tuple[Trigger, ...]:
        assert stripes.success(model) == 0.0
        assert label == stripes.TARGET
        asked.append(number)
        return (other,)

    done = run(stripes.backdoored(), invert=invert)
    assert not done.met
    assert [one.digest for one in done.triggers] == [stripes.trigger().digest, other.digest]
    assert done.ending.endswith("of the strongest of 2 triggers")
    assert asked == [pruning.ON_PRUNED]
    assert run(stripes.backdoored(), invert=lambda *_: ()).met
    assert len(run(stripes.backdoored(), PruningConfig(criterion="success"), invert=invert).triggers) == 1
