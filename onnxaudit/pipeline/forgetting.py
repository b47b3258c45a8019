"""Whether the repaired network has forgotten its targets, checked for each of them and told in words."""

from onnxaudit.intake import Model
from onnxaudit.mitigation.evaluation import ReferenceSamples
from onnxaudit.mitigation.forgetting import ForgettingContext, check_forgetting
from onnxaudit.pipeline.context import RepairContext
from onnxaudit.pipeline.evaluation import Evaluation
from onnxaudit.records import Forgetting
from onnxaudit.text import format_share

MOST_TARGETS = 3  # surest first: each costs as much as the first


def open_check(
    context: RepairContext, repaired: Model, evaluation: Evaluation, fitting: ReferenceSamples
) -> ForgettingContext:
    """What checks of a repaired network beside the original are given."""
    subject = context.subject
    return ForgettingContext(
        original=subject.model,
        repaired=repaired,
        preprocessing=subject.choice.preprocessing,
        fitting=fitting,
        validation=evaluation.validation,
        device=subject.device,
        most_images=subject.classifier.most_images,
    )


def check_targets(
    context: RepairContext, repaired: Model, evaluation: Evaluation, fitting: ReferenceSamples
) -> tuple[Forgetting, ...]:
    """One check for each target, of the first trigger that is known of it; those that could be made.

    `repaired` still holds the pruned neurons, so that its weights lie on a line with the original's.
    """
    given = open_check(context, repaired, evaluation, fitting)
    found = (
        check_forgetting(
            given,
            evaluation.triggers[target][0],
            target,
            context.config.forgetting,
            spared=evaluation.targets,
            seed=context.seed,
            deadline=context.deadline,
        )
        for target in evaluation.targets[:MOST_TARGETS]
    )
    return tuple(one for one in found if one is not None)


def judge_forgetting(found: tuple[Forgetting, ...], limit: float | None) -> list[tuple[bool, str]]:
    """Whether each check is within the limit, and a sentence; nothing where there is no limit."""
    if limit is None:
        return []
    if not found:
        return [(False, "whether the backdoor is forgotten was not measured: no time, or no other class, was left")]
    return [(one.excess <= limit, f"{describe_reactivation(one)}; the limit is {100 * limit:.0f}") for one in found]


def describe_reactivation(found: Forgetting) -> str:
    """The re-activation of one target as a clause."""
    before, after = (format_share(rate.value or 0.0) for rate in (found.target.rates[0], found.target.rates[-1]))
    return (
        f"after {found.steps[-1]} steps with a few triggered images the trigger of label {found.target.label} is back "
        f"at {after} (before: {before}); over all steps it rises {100 * found.excess:.0f} points more than other labels"
    )
