from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from onnxaudit.deadline import Deadline
from onnxaudit.importer import Classifier, import_model
from onnxaudit.intake import Model
from onnxaudit.mitigation.adversary import HardeningConfig
from onnxaudit.mitigation.context import TuningContext
from onnxaudit.mitigation.distillation_config import DistillationConfig
from onnxaudit.mitigation.distillation_loss import lead
from onnxaudit.mitigation.distortions import DistortionConfig
from onnxaudit.mitigation.fine_tuning import fine_tune
from onnxaudit.mitigation.fine_tuning_config import FineTuningConfig
from onnxaudit.mitigation.interpolation import interpolate
from onnxaudit.mitigation.student import Student
from onnxaudit.mitigation.tuning_round import Distorted, FineTuning, TuningRound
from onnxaudit.records import Preprocessing, Samples, Trigger
from onnxaudit.statistics import rate
from onnxaudit.surgery import find_inputs, find_target_layer, zero_neurons
from tests.some import some
from tests.unit.importer.networks import conv_model
from tests.unit.mitigation import stripes
from tests.unit.surgery.networks import channels

QUICK = FineTuningConfig(
    rounds=2,
    random_triggers=1,  # of a few steps the triggers found need most
    distillation=DistillationConfig(steps=40, batch=32, copies=4, step_size=0.03),
    hardening=HardeningConfig(steps=10, samples=8),
    distortion=DistortionConfig(number=1, drawn=1, steps=10, samples=8),
)

BRIEF = replace(QUICK, rounds=1, further_rounds=0, shares=())
EVEN = TuningRound(
    agreement=rate(99, 100),
    success_rate=rate(0, 100),
    hardened_success_rate=rate(0, 100),
    distorted_success_rate=rate(0, 100),
)


def run(model: Model, pruned: Model | None = None, config: FineTuningConfig = QUICK, **options: Any) -> FineTuning:
    context = TuningContext(
        original=model,
        pruned=model if pruned is None else pruned,
        preprocessing=Preprocessing(),
        layer=options.pop("layer", find_target_layer(model)),
        neurons=options.pop("neurons", ()),
        inputs=options.pop("inputs", ()),
        fitting=stripes.reference(model, options.pop("fitting", stripes.samples(seed=1))),
        validation=stripes.reference(model, options.pop("validation", stripes.samples(seed=2))),
    )
    triggers = options.pop("triggers", {stripes.TARGET: (stripes.trigger(),)})
    return fine_tune(context, triggers, config, seed=options.pop("seed", 0), **options)


def test_the_backdoor_goes_and_accuracy_stays() -> None:
    model = stripes.backdoored()
    assert stripes.success(model) == 1.0
    done = run(model)
    assert stripes.success(done.model) < 0.1
    assert stripes.accuracy(done.model) > 0.95
    assert some(done.rounds[done.chosen].agreement.value) > 0.95


def test_clean_samples_alone_leave_the_backdoor_in() -> None:
    done = run(stripes.backdoored(), triggers={})
    assert stripes.success(done.model) > 0.9
    assert done.rounds[done.chosen].success_rate.trials == 0


def test_a_part_of_the_trigger_is_enough_to_remove_the_whole() -> None:
    part = Trigger(stripes.trigger().mask.copy(), stripes.trigger().pattern)
    part.mask[0, 4] = 0.0
    config = replace(QUICK, hardening=HardeningConfig(steps=30, samples=8, reach=0.25))
    done = run(stripes.backdoored(), config=config, triggers={stripes.TARGET: (part,)})
    assert stripes.success(done.model) < 0.2


def test_a_backdoor_that_small_changes_set_off_is_removed_too() -> None:
    model = stripes.backdoored()
    weights = model.initializer("w1").copy().reshape(-1, 8, 8)
    weights[list(stripes.PLANTED)] = 0.0
    weights[list(stripes.PLANTED), :, 6:] = 1.0  # dark but for noise, unless the whole image is lit
    bias = np.repeat([0.0, -2.0], [6, 2]).astype(np.float32)
    model = model.with_values({"w1": weights.reshape(8, -1), "b1": bias})
    lit = Trigger(np.full((1, 8, 8), 0.2, np.float32), np.ones((1, 8, 8), np.float32))
    assert stripes.success(model, lit) == 1.0
    done = run(model, triggers={stripes.TARGET: (lit,)})
    assert stripes.success(done.model, lit) < 0.1
    assert stripes.accuracy(done.model) > 0.95


def test_against_labels_of_whole_image_changes_distortions_are_made() -> None:
    model = stripes.backdoored()
    named = ({stripes.TARGET: ("warp",), 1: ("warp",)}, {1: ("warp",)})
    with_them, without = (run(model, config=BRIEF, distorted=Distorted(known=labels)) for labels in named)
    assert with_them.model.to_bytes() != without.model.to_bytes()
    assert without.model.to_bytes() == run(model, config=BRIEF).model.to_bytes()  # label 1 is no target
    assert with_them.distorted == {stripes.TARGET: ("warp",)}


def test_families_that_a_probe_finds_on_a_round_are_unlearned_from_the_next_one_on() -> None:
    model, asked = stripes.backdoored(), list[Model]()

    def probe(tuned: Model, label: int) -> tuple[str, ...]:
        assert label == stripes.TARGET
        asked.append(tuned)
        return ("photometric",) if len(asked) == 1 else ()

    config = replace(QUICK, rounds=2, further_rounds=0)
    done = run(model, config=config, distorted=Distorted(probe=probe))
    assert len(asked) == len(done.rounds) == 2
    assert [one.near for one in done.rounds] == [1, 0]
    assert done.distorted == {stripes.TARGET: ("photometric",)}
    assert (done.chosen, done.near) == (1, 0)
    without = run(model, config=config)
    assert not without.distorted
    assert without.model.to_bytes() != done.model.to_bytes()


def test_rounds_go_on_while_a_label_is_near_by_distortions() -> None:
    config = replace(QUICK, rounds=1, further_rounds=2, min_agreement=0.0, max_success=1.1, shares=())
    near, far = (Distorted(probe=lambda *_, found=found: found) for found in (("warp",), ()))
    done = [run(stripes.backdoored(), config=config, distorted=distorted) for distorted in (near, far)]
    assert [len(one.rounds) for one in done] == [3, 1]
    assert [one.near for one in done] == [1, 0]


def test_pruned_inputs_stay_at_zero_beside_pruned_neurons() -> None:
    model = stripes.backdoored()
    layer = find_target_layer(model)
    inputs = some(find_inputs(model, layer))
    pruned = zero_neurons(zero_neurons(model, layer, [6]), inputs, [3, 40])
    tuned = run(model, pruned, BRIEF, neurons=[6], inputs=[3, 40]).model.initializer("w1")
    assert not tuned[6].any()
    assert not tuned[:, [3, 40]].any()
    assert np.abs(tuned).sum() != np.abs(pruned.initializer("w1")).sum()


def test_pruned_neurons_stay_at_zero() -> None:
    model = stripes.backdoored()
    pruned = zero_neurons(model, find_target_layer(model), [6])
    done = run(model, pruned, neurons=[6])
    assert not done.model.initializer("w1")[6].any()
    assert done.model.initializer("b1")[6] == 0
    assert (done.model.initializer("w1")[7] != model.initializer("w1")[7]).any()


def test_pruned_channels_stay_silent() -> None:
    model = channels("batch norm and relu behind")
    layer = find_target_layer(model, "conv")
    images = np.random.default_rng(0).random((8, 1, 4, 4)).astype(np.float32)
    noise = Samples(images, np.arange(8) % 3, "noise")
    brief = replace(QUICK, rounds=1, distillation=replace(QUICK.distillation, steps=3))
    pruned = zero_neurons(model, layer, [1, 4])
    trigger = Trigger(np.full((1, 4, 4), 0.5, np.float32), np.ones((1, 4, 4), np.float32))
    samples = {"fitting": noise, "validation": noise}
    done = run(model, pruned, brief, layer=layer, neurons=[1, 4], triggers={0: (trigger,)}, **samples)
    maps = stripes.runtime(done.model).activations(images, [layer.activation])[layer.activation]
    assert not maps[:, [1, 4]].any()
    assert maps[:, [0, 2, 3, 5]].any()
    assert (done.model.initializer("k")[0] != model.initializer("k")[0]).any()


def test_the_same_seed_gives_the_same_weights() -> None:
    once, again, other = (run(stripes.backdoored(), seed=seed).model for seed in (4, 4, 5))
    assert once.to_bytes() == again.to_bytes() != other.to_bytes()


def test_steps_that_are_too_large_for_a_network_are_made_smaller() -> None:
    model = stripes.backdoored()
    large = replace(BRIEF, distillation=replace(QUICK.distillation, step_size=3.0))
    done = run(model, config=large)
    assert some(done.rounds[0].agreement.value) > 0.9
    blind = replace(large, distillation=replace(large.distillation, lost=0.0))
    assert some(run(model, config=blind).rounds[0].agreement.value) < 0.7


def test_validation_samples_choose_but_do_not_teach() -> None:
    seen = stripes.samples(seed=2)
    noise = Samples(np.random.default_rng(0).random(seen.images.shape).astype(np.float32), seen.labels, "noise")
    one, other = (run(stripes.backdoored(), config=BRIEF, validation=some).model for some in (seen, noise))
    assert one.to_bytes() == other.to_bytes()


def test_running_statistics_stay_fixed() -> None:
    model = conv_model()
    seen = Samples(np.random.default_rng(0).random((12, 1, 6, 6)).astype(np.float32), np.arange(12) % 3, "noise")
    done = run(model, fitting=seen, validation=seen, triggers={})
    assert {"scale", "shift"} <= set(done.model.values)
    assert not {"mean", "var"} & set(done.model.values)


def test_inversion_starts_on_the_original_and_goes_on_with_the_tuned_network() -> None:
    model, asked = stripes.backdoored(), list[tuple[bool, int, int]]()

    def invert(tuned: Model, label: int, number: int) -> Sequence[Trigger]:
        asked.append((tuned is model, label, number))
        return (stripes.trigger(),) if number < 4 else ()

    config = replace(QUICK, starts=2, rounds=3, further_rounds=0, max_success=-1.0)
    done = run(model, config=config, invert=invert)
    assert asked == [(True, 0, 0), (True, 0, 1), (False, 0, 2), (False, 0, 3), (False, 0, 4)]
    assert len(done.triggers[0]) == 5
    assert done.settled


def test_rounds_end_once_nothing_stands_out_and_the_limits_are_met() -> None:
    config = replace(QUICK, rounds=3, min_agreement=0.0, max_success=1.1)
    assert len(run(stripes.backdoored(), config=config, invert=lambda *_: ()).rounds) == 1
    distorted = Distorted(known={stripes.TARGET: ("additive",)})
    assert len(run(stripes.backdoored(), config=config, invert=lambda *_: (), distorted=distorted).rounds) == 3
    assert len(run(stripes.backdoored(), config=config, invert=lambda *_: (stripes.trigger(),)).rounds) == 3


def test_the_round_with_the_best_figures_is_handed_back() -> None:
    done = run(stripes.backdoored(), config=replace(QUICK, rounds=3))
    chosen = done.rounds[done.chosen]
    assert all(
        chosen.agreement.successes >= other.agreement.successes
        or (chosen.hardened_success_rate.value or 0) <= (other.hardened_success_rate.value or 0)
        for other in done.rounds
    )


def test_the_round_that_distortions_mislead_least_is_handed_back(monkeypatch: pytest.MonkeyPatch) -> None:
    misled = iter([30, 10, 20] * 3)
    monkeypatch.setattr(Student, "measure", lambda *_: replace(EVEN, distorted_success_rate=rate(next(misled), 100)))
    assert run(stripes.backdoored(), config=replace(QUICK, rounds=3)).chosen == 1


def test_of_rounds_that_refuse_alike_the_one_that_knows_triggered_images_is_handed_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known = iter([70, 90, 80] * 3)
    monkeypatch.setattr(Student, "measure", lambda *_: replace(EVEN, poisoned_accuracy=rate(next(known), 100)))
    assert run(stripes.backdoored(), config=replace(QUICK, rounds=3)).chosen == 1


def test_further_rounds_follow_only_while_a_limit_is_missed() -> None:
    model = stripes.backdoored()
    out_of_reach = run(model, config=replace(QUICK, further_rounds=1, min_agreement=1.01))
    assert (len(out_of_reach.rounds), len(run(model).rounds)) == (3, 2)


def test_a_deadline_hands_back_what_there_is() -> None:
    done = run(stripes.backdoored(), deadline=Deadline.after(0.0))
    assert len(done.rounds) == 1
    assert not done.settled


@pytest.mark.parametrize("label", [0, 2])
def test_the_lead_is_that_over_all_other_classes_together(label: int) -> None:
    logits = torch.tensor([[1.0, 2.0, 4.0]])
    others = [value for index, value in enumerate((1.0, 2.0, 4.0)) if index != label]
    expected = logits[0, label] - np.log(np.exp(others).sum())
    assert lead(logits, torch.tensor([label]))[0] == pytest.approx(float(expected), abs=1e-5)


def test_the_original_is_not_touched() -> None:
    model = stripes.backdoored()
    before = model.to_bytes()
    copy = Classifier(import_model(model), Preprocessing())
    run(model)
    assert model.to_bytes() == before
    np.testing.assert_array_equal(copy.model.weights["w1"].numpy(), model.initializer("w1"))


def test_the_outcome_does_not_depend_on_the_number_of_cores() -> None:
    # Two parts a step.
    config = replace(QUICK, rounds=1, distillation=replace(QUICK.distillation, steps=5, chunk_pixels=16 * 64))
    threads = torch.get_num_threads()
    outcomes = []
    for cores in (1, 2):
        torch.set_num_threads(cores)
        outcomes.append(run(stripes.backdoored(), config=config).model.to_bytes())
    torch.set_num_threads(threads)
    assert outcomes[0] == outcomes[1]


def test_a_network_on_the_way_is_handed_back_where_the_tuned_one_agrees_too_little(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model, measure = stripes.backdoored(), Student.measure

    def misjudge(self: Student, tuned: Model, near_by: int = 0) -> TuningRound:
        measured = measure(self, tuned, near_by)
        near = np.abs(tuned.initializer("w1") - model.initializer("w1")).max() < 0.93 * reach
        return replace(measured, agreement=rate(100 if near else 50, 100))

    config = replace(QUICK, rounds=1, further_rounds=0)  # a single candidate, whose reach is known
    reach = np.abs(run(model, config=config).model.initializer("w1") - model.initializer("w1")).max()
    monkeypatch.setattr(Student, "measure", misjudge)
    done = run(model, config=config)
    assert done.share == 0.9
    assert [one.share for one in done.candidates if one.chosen] == [0.9]
    assert [one.share for one in done.candidates] == [1.0, *config.shares]
    assert (run(model, config=replace(config, shares=())).share, run(model, triggers={}).share) == (1.0, 1.0)


def test_the_head_alone_moves_where_asked_to() -> None:
    model = channels("relu behind")
    fitting = Samples(np.random.default_rng(0).random((16, 1, 4, 4), np.float32), None, "noise")
    tuned = [run(model, config=replace(BRIEF, layers=layers), fitting=fitting, validation=fitting, triggers={})
             for layers in ("head", "all")]  # fmt: skip
    assert [set(done.model.values) for done in tuned] == [
        {"w1", "b1", "w2", "b2"},
        {"k", "kb", "w1", "b1", "w2", "b2"},
    ]


def test_weights_stay_within_reach() -> None:
    model = stripes.backdoored()
    near = replace(BRIEF, distillation=replace(BRIEF.distillation, reach=0.05))
    shares = []
    for config in (near, BRIEF):
        tuned = run(model, config=config).model.initializer("w2") - model.initializer("w2")
        shares.append(np.linalg.norm(tuned) / np.linalg.norm(model.initializer("w2")))
    assert 0.01 < shares[0] <= 0.0501 < shares[1]


def test_a_tuned_network_refuses_the_trigger_on_the_way_back_to_the_original_too() -> None:
    model = stripes.backdoored()
    still = replace(QUICK, random_triggers=0, distillation=replace(QUICK.distillation, way_back=0.0))
    far = replace(QUICK, random_triggers=0, distillation=replace(QUICK.distillation, way_back=0.5))
    there, back = (run(model, config=config).model for config in (still, far))
    halfway = [stripes.success(interpolate(model, tuned, 0.6)) for tuned in (there, back)]
    assert halfway[1] <= halfway[0]
    assert halfway[1] < 0.5
    assert stripes.accuracy(back) > 0.95
