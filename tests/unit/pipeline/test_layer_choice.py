from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from onnxaudit.deadline import Deadline
from onnxaudit.errors import ModelError
from onnxaudit.intake import Model
from onnxaudit.mitigation.pruning_config import PruningConfig
from onnxaudit.pipeline.pruning import Pruned, Pruner
from onnxaudit.records import NeuronAxis, TargetLayer, Trigger
from tests.unit.surgery.networks import channels
from tools.testbed.reports import make_profile

PROFILE = make_profile()
MODEL = channels("another convolution behind")


class FakePruner(Pruner):
    """Meets both limits in the layer called `helpful`, and cannot prune `broken`."""

    helpful, broken = "", ""

    def prune_layer(self, layer: TargetLayer) -> Pruned:
        if layer.name == self.broken:
            raise ModelError(f"{layer.name} cannot be pruned")
        profile = replace(PROFILE, layer=layer)
        tried = (f"tried {layer.name}",)
        met = layer.name == self.helpful
        return Pruned(model=MODEL, profile=profile, rounds=(), neurons=(), endings=tried, met=met, triggers={})


def choose(name: str | None, helpful: str, broken: str = "", deadline: Deadline = Deadline()) -> tuple[str, list[str]]:
    """The layer that was pruned, and what is told of the attempts."""
    context: Any = SimpleNamespace(subject=SimpleNamespace(model=MODEL), deadline=deadline, on_event=lambda _: None)
    nobody: Any = None
    pruner = FakePruner(context=context, triggers={}, invert=nobody, fitting=nobody, validation=nobody)
    object.__setattr__(pruner, "helpful", helpful)
    object.__setattr__(pruner, "broken", broken)
    done = pruner.prune_at(name)
    return done.profile.layer.name, list(done.endings)


@pytest.mark.parametrize(
    ("helpful", "broken", "chosen", "tried"),
    [
        ("first", "", "first", ["tried first"]),
        ("later", "", "later", ["tried first", "tried later"]),
        ("conv", "", "conv", ["tried first", "tried later", "tried conv"]),
        ("conv", "later", "conv", ["tried first", "later cannot be pruned", "tried conv"]),
        ("", "", "first", ["tried first", "tried later", "tried conv"]),
    ],
)
def test_auto_takes_the_deepest_layer_in_which_the_limits_are_met(
    helpful: str, broken: str, chosen: str, tried: list[str]
) -> None:
    assert choose("auto", helpful, broken) == (chosen, tried)


def test_auto_stops_trying_when_time_is_up() -> None:
    assert choose("auto", "conv", deadline=Deadline(0.0)) == ("first", ["tried first"])


@pytest.mark.parametrize(("name", "chosen"), [(None, "first"), ("conv", "conv"), ("k2", "later")])
def test_a_named_layer_is_the_only_one(name: str | None, chosen: str) -> None:
    assert choose(name, "first") == (chosen, [f"tried {chosen}"])


class NeedsInputs(Pruner):
    """Meets the limits by the inputs of a layer alone."""

    def _prune_neurons(self, model: Model, layer: TargetLayer, triggers: Mapping[int, Sequence[Trigger]]) -> Pruned:
        del triggers
        of_inputs = layer.axis is NeuronAxis.INPUTS
        profile = replace(PROFILE, layer=layer)
        return Pruned(
            model=model,
            profile=profile,
            rounds=(),
            neurons=(7,) if of_inputs else (1, 2),
            endings=(layer.axis.value,),
            met=of_inputs,
            triggers={},
        )


@pytest.mark.parametrize(
    ("method", "criterion", "inputs"),
    [
        ("prune", "efficiency", (7,)),
        ("prune+tune", "efficiency", (7,)),
        ("full", "efficiency", ()),
        ("prune", "success", ()),
    ],
)
def test_where_neurons_do_not_suffice_the_inputs_of_the_layer_follow(
    method: str, criterion: Any, inputs: tuple[int, ...]
) -> None:
    config = SimpleNamespace(method=method, pruning=PruningConfig(criterion=criterion))
    context: Any = SimpleNamespace(
        subject=SimpleNamespace(model=MODEL), deadline=Deadline(), on_event=lambda _: None, config=config
    )
    nobody: Any = None
    pruner = NeedsInputs(context=context, triggers={}, invert=nobody, fitting=nobody, validation=nobody)
    done = pruner.prune_at(None)
    assert (done.neurons, done.inputs, done.met) == ((1, 2), inputs, bool(inputs))
    assert done.profile.layer.axis is NeuronAxis.OUTPUTS
    assert done.endings == (("outputs", "inputs") if inputs else ("outputs",))
    assert done.count == 2 + len(inputs)
