"""The pruning loop over all targets, and over the layers in which a trigger may live."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from onnxaudit.deadline import Deadline
from onnxaudit.errors import ModelError
from onnxaudit.intake import Model
from onnxaudit.mitigation.profiling import profile as profile_layer
from onnxaudit.mitigation.pruning import PruningConfig, prune
from onnxaudit.pipeline.measuring import classify
from onnxaudit.pipeline.subject import Subject
from onnxaudit.records import Event, OnEvent, Profile, PruningRound, Samples, TargetLayer, Trigger
from onnxaudit.runtime import Runtime
from onnxaudit.surgery import find_target_layer, list_target_layers

AUTO = "auto"  # in place of a layer's name


@dataclass(frozen=True, eq=False)
class Pruned:
    """The loop's outcome over all targets.

    Attributes:
        model: with the pruned neurons at zero.
        profile: both rankings, for the first target.
        rounds: of all targets.
        neurons: at zero, in the order in which they went.
        endings: why the loop ended, for each target and for each layer that was tried.
        met: whether both limits were met for every target.
    """

    model: Model
    profile: Profile
    rounds: tuple[PruningRound, ...]
    neurons: tuple[int, ...]
    endings: tuple[str, ...]
    met: bool


@dataclass(frozen=True, eq=False)
class Pruner:
    """What the loop is given, whatever the layer."""

    subject: Subject
    triggers: Mapping[int, Trigger]
    fitting: Samples
    validation: Samples
    config: PruningConfig
    deadline: Deadline
    on_event: OnEvent

    def prune_at(self, name: str | None) -> Pruned:
        """The outcome in the layer of that name; None is the first fully connected one.

        With "auto" the outcome in the deepest layer in which both limits can be met, the first fully connected one
        and then the convolutions before it; the first where they can be met in none.

        Raises:
            ModelError: there is no such layer, or it cannot be pruned.
        """
        if name != AUTO:
            return self.prune_layer(find_target_layer(self.subject.model, name))
        first, *before = list_target_layers(self.subject.model)
        outcome = fallback = self.prune_layer(first)
        endings = list(outcome.endings)
        for layer in before:
            if outcome.met or self.deadline.passed:
                break
            self.on_event(Event("prune", 0, 0, f"trying layer {layer.name}"))
            try:
                outcome = self.prune_layer(layer)
                endings += outcome.endings
            except ModelError as error:
                endings.append(str(error))
        return replace(outcome if outcome.met else fallback, endings=tuple(endings))

    def prune_layer(self, layer: TargetLayer) -> Pruned:
        """The loop for one target after the other."""
        model, profiles = self.subject.model, []
        rounds: tuple[PruningRound, ...] = ()
        neurons: tuple[int, ...] = ()
        endings, met = [], True
        # Agreement is with the original for every target, or what each one costs would add up unseen.
        answers = classify(self.subject.runtime, self.validation)
        for target, trigger in self.triggers.items():
            runtime = Runtime(model, self.subject.choice.preprocessing, self.subject.device)
            profiles.append(profile_layer(runtime, model, layer, self.fitting, trigger))
            done = prune(
                model,
                runtime,
                profiles[-1],
                trigger,
                target,
                self.fitting,
                self.validation,
                self.config,
                answers=answers,
                device=self.subject.device,
                deadline=self.deadline,
                on_event=self.on_event,
            )
            model, rounds, neurons = done.model, rounds + done.rounds, neurons + done.pruned
            met = met and done.met
            endings.append(f"pruning layer {layer.name} for label {target}: {done.ending}")
        return Pruned(model, profiles[0], rounds, neurons, tuple(endings), met)
