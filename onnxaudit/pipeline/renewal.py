"""Whether triggers of the targets can be made to work again on a network that was not tuned on them."""

from onnxaudit.intake import Model
from onnxaudit.mitigation.evaluation import ReferenceSamples
from onnxaudit.mitigation.renewal import Renewal, renew
from onnxaudit.pipeline.context import RepairContext
from onnxaudit.pipeline.evaluation import Evaluation
from onnxaudit.pipeline.forgetting import open_check
from onnxaudit.text import format_share

MOST_TRIGGERS = 3  # the scan's first, then those of fresh inversions


def renew_targets(
    context: RepairContext, repaired: Model, evaluation: Evaluation, fitting: ReferenceSamples
) -> tuple[Renewal, ...]:
    """One search for each target; none where fine-tuning on triggered images made such triggers itself."""
    if context.config.method == "full":
        return ()
    given = open_check(context, repaired, evaluation, fitting)
    found = (
        renew(
            given,
            triggers[:MOST_TRIGGERS],
            target,
            context.config.fine_tuning.hardening,
            spared=evaluation.targets,
            seed=context.seed,
        )
        for target, triggers in evaluation.triggers.items()
        if not context.deadline.passed
    )
    return tuple(one for one in found if one is not None)


def judge_renewal(found: Renewal, limit: float) -> tuple[bool, str]:
    """Whether triggers that were made to work again succeed no further for their target, and a sentence."""
    others = max((rate.value or 0.0 for rate in found.controls), default=0.0)
    success, most = format_share(found.target.value or 0.0), format_share(others)
    sentence = (
        f"triggers that were made to work again at their place succeed on {success} of the images for label "
        f"{found.label}, and on {most} at most for {len(found.controls)} other labels; the limit is "
        f"{100 * limit:.0f} points more"
    )
    return found.excess < limit, sentence
