"""Take neurons out until the trigger fails, measure, keep or roll back.

`S` is that of the trigger that works best of several. An inverted trigger is one way to the label: pruned until that
one fails, a network may still obey the attacker's. So triggers are inverted afresh on the pruned network, and as long
as one is found the loop goes on against it too. As published, one trigger decides (`mitigation.published_pruning`).
"""

from dataclasses import dataclass

from onnxaudit.deadline import NEVER, Deadline
from onnxaudit.intake.model import Model
from onnxaudit.mitigation.context import PruningContext
from onnxaudit.mitigation.efficient_pruning import EfficientPruning
from onnxaudit.mitigation.pruning_config import PruningConfig
from onnxaudit.mitigation.pruning_loop import Group, PruningLoop
from onnxaudit.mitigation.published_pruning import PublishedPruning
from onnxaudit.mitigation.tuning_round import Invert
from onnxaudit.records import OnEvent, PruningRound, Trigger

DEFAULTS = PruningConfig()
ON_PRUNED = 100  # numbers of fresh inversions on the pruned network count from here: no stage else uses them


@dataclass(frozen=True, kw_only=True, eq=False)
class Pruning:
    """Outcome of the loop.

    Attributes:
        model: with the pruned neurons at zero and the next layer fitted.
        rounds: every round, kept or rolled back.
        pruned: neurons at zero, in the order in which they went.
        triggers: all that counted in the end.
        met: whether both limits were met, and no further trigger was found then.
        ending: why the loop ended, for people.
    """

    model: Model
    rounds: tuple[PruningRound, ...]
    pruned: Group
    triggers: tuple[Trigger, ...]
    met: bool
    ending: str


def prune(
    context: PruningContext,
    config: PruningConfig = DEFAULTS,
    *,
    invert: Invert | None = None,
    deadline: Deadline = NEVER,
    on_event: OnEvent | None = None,
) -> Pruning:
    """Take out neurons of the profiled layer until the trigger fails.

    Args:
        context: the network, its ranked neurons, the trigger, and the samples.
        config: settings.
        invert: finds triggers on the pruned network once the limits are met.
        deadline: when to stop with what there is.
        on_event: told of every round.

    Raises:
        ModelError: the layer cannot be pruned.
        DataError: no validation sample is of another class than the target.
    """
    published = config.criterion == "success"
    loop: PruningLoop = PublishedPruning(context, config) if published else EfficientPruning(context, config)
    loop.run(deadline, on_event)
    if invert is not None and not published:
        for number in range(config.reinversions + 1):
            fresh = invert(loop.model, context.target, ON_PRUNED + number) if loop.met else ()
            if not fresh:
                break
            loop.face(fresh)
            if number < config.reinversions:
                loop.run(deadline, on_event)
    return Pruning(
        model=loop.model,
        rounds=tuple(loop.rounds),
        pruned=loop.pruned,
        triggers=loop.context.triggers,
        met=loop.met,
        ending=loop.ending(deadline.passed),
    )
