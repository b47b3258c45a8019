"""The pruning loop over all targets, and over the layers in which a trigger may live."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from onnxaudit.errors import ModelError
from onnxaudit.intake import Model
from onnxaudit.mitigation.context import PruningContext
from onnxaudit.mitigation.evaluation import ReferenceSamples
from onnxaudit.mitigation.profiling import profile as profile_layer
from onnxaudit.mitigation.pruning import Pruning, prune
from onnxaudit.mitigation.tuning_round import Invert
from onnxaudit.pipeline.context import RepairContext
from onnxaudit.records import Event, NeuronAxis, Profile, PruningRound, TargetLayer, Trigger
from onnxaudit.runtime import Runtime
from onnxaudit.surgery import find_inputs, find_target_layer, list_target_layers

AUTO = "auto"  # in place of a layer's name


@dataclass(frozen=True, kw_only=True, eq=False)
class Pruned:
    """The loop's outcome over all targets.

    Attributes:
        model: with the pruned neurons at zero.
        profile: both rankings, for the first target.
        rounds: of all targets.
        neurons: at zero, in the order in which they went.
        inputs: inputs of the layer at zero, likewise.
        endings: why the loop ended, for each target and for each layer that was tried.
        met: whether both limits were met for every target.
        triggers: all that counted in the end, by target.
    """

    model: Model
    profile: Profile
    rounds: tuple[PruningRound, ...]
    neurons: tuple[int, ...]
    inputs: tuple[int, ...] = ()
    endings: tuple[str, ...]
    met: bool
    triggers: Mapping[int, tuple[Trigger, ...]]

    @property
    def count(self) -> int:
        """How many are at zero: neurons of the layer and its inputs, which are neurons before it."""
        return len(self.neurons) + len(self.inputs)


@dataclass(frozen=True, kw_only=True, eq=False)
class Pruner:
    """What the loop is given, whatever the layer.

    Attributes:
        context: the repair.
        triggers: inverted triggers by target; all of them decide.
        invert: finds triggers on the pruned network.
        fitting: clean samples `X` for least squares.
        validation: `D_valid`, which decides.
    """

    context: RepairContext
    triggers: Mapping[int, Sequence[Trigger]]
    invert: Invert
    fitting: ReferenceSamples
    validation: ReferenceSamples

    def prune_at(self, name: str | None) -> Pruned:
        """The outcome in the layer of that name; None is the first fully connected one.

        With "auto" the outcome in the deepest layer in which both limits can be met, the first fully connected one
        and then the convolutions before it; the first where they can be met in none.

        Raises:
            ModelError: there is no such layer, or it cannot be pruned.
        """
        if name != AUTO:
            return self.prune_layer(find_target_layer(self.context.subject.model, name))
        first, *before = list_target_layers(self.context.subject.model)
        outcome = fallback = self.prune_layer(first)
        endings = list(outcome.endings)
        for layer in before:
            if outcome.met or self.context.deadline.passed:
                break
            self.context.on_event(Event("prune", 0, 0, f"trying layer {layer.name}"))
            try:
                outcome = self.prune_layer(layer)
                endings += outcome.endings
            except ModelError as error:
                endings.append(str(error))
        return replace(outcome if outcome.met else fallback, endings=tuple(endings))

    def prune_layer(self, layer: TargetLayer) -> Pruned:
        """The loop over a layer's neurons, and, where they end above a limit, over its inputs.

        Where fine-tuning on triggered images follows, neurons are enough: it does the rest, and with more weights.
        """
        model, config = self.context.subject.model, self.context.config
        done = self._prune_neurons(model, layer, self.triggers)
        inputs = find_inputs(model, layer)
        if done.met or inputs is None or config.method == "full" or config.pruning.criterion == "success":
            return done
        self.context.on_event(Event("prune", 0, 0, f"trying the inputs of layer {layer.name}"))
        try:
            deeper = self._prune_neurons(done.model, inputs, done.triggers)
        except ModelError as error:
            return replace(done, endings=(*done.endings, str(error)))
        return replace(
            deeper,
            profile=done.profile,
            rounds=done.rounds + deeper.rounds,
            neurons=done.neurons,
            inputs=deeper.neurons,
            endings=done.endings + deeper.endings,
        )

    def _prune_neurons(self, model: Model, layer: TargetLayer, triggers: Mapping[int, Sequence[Trigger]]) -> Pruned:
        """The loop for one target after the other."""
        rounds: tuple[PruningRound, ...] = ()
        neurons: tuple[int, ...] = ()
        profiles, endings, met = [], [], True
        faced: dict[int, tuple[Trigger, ...]] = {}
        for target in triggers:
            context = self._open(model, layer, target, triggers[target])
            done = self._prune(context)
            profiles.append(context.profile)
            model, rounds, neurons = done.model, rounds + done.rounds, neurons + done.pruned
            met, faced[target] = met and done.met, done.triggers
            endings.append(f"pruning {_name(layer)} for label {target}: {done.ending}")
        return Pruned(
            model=model,
            profile=profiles[0],
            rounds=rounds,
            neurons=neurons,
            endings=tuple(endings),
            met=met,
            triggers=faced,
        )

    def _open(self, model: Model, layer: TargetLayer, target: int, triggers: Sequence[Trigger]) -> PruningContext:
        """What the loop is given for one target; `model` is what it left for the target before."""
        subject = self.context.subject
        network = Runtime(model, subject.choice.preprocessing, subject.device)
        return PruningContext(
            network=network,
            original=subject.runtime,
            profile=profile_layer(network, model, layer, self.fitting.samples, *triggers),
            trigger=triggers[0],
            target=target,
            further=tuple(triggers[1:]),
            fitting=self.fitting.samples,
            validation=self.validation,
            device=subject.device,
        )

    def _prune(self, context: PruningContext) -> Pruning:
        # Agreement is with the original for every target, or what each one costs would add up unseen.
        given = self.context
        config, invert = given.config.pruning, self.invert
        return prune(context, config, invert=invert, deadline=given.deadline, on_event=given.on_event)


def _name(layer: TargetLayer) -> str:
    return f"layer {layer.name}" if layer.axis is NeuronAxis.OUTPUTS else f"the inputs of layer {layer.name}"
