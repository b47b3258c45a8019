from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from onnxaudit.deadline import Deadline
from onnxaudit.errors import ModelError
from onnxaudit.pipeline.pruning import Pruned, Pruner
from onnxaudit.records import TargetLayer
from tests.reports import make_profile
from tests.unit.surgery.networks import channels

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
