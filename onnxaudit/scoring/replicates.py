"""Several measurements of one model as one: what speaks for a label is the mean of what each says."""

from collections.abc import Sequence
from statistics import fmean, geometric_mean

from onnxaudit.scoring.label_evidence import LabelEvidence, count_convincing, sort
from onnxaudit.statistics import rate


def average(measurements: Sequence[Sequence[LabelEvidence]]) -> tuple[LabelEvidence, ...]:
    """Evidence for every label of the first measurement, the strongest first.

    Log-odds are arithmetic means, not what means of ratios would come to: a label's distance from others that are
    averaged themselves is not what the constants were fitted on. Whether they convince is asked of the mean: of a badly
    trained model one lucky measurement is not enough. Of a label for which one of them found no trigger the
    others tell alone: nothing found says nothing for a clean model.

    Args:
        measurements: each from `weigh`, by the same detectors; a single one stays what it is.
    """
    if len(measurements) == 1:
        return tuple(measurements[0])
    by_label = [{one.label: one for one in mine} for mine in measurements]
    joined = (_join([mine[one.label] for mine in by_label if one.label in mine]) for one in measurements[0])
    return sort(joined)


def _join(found: Sequence[LabelEvidence]) -> LabelEvidence:
    first, found = found[0], [one for one in found if one.size is not None] or found
    names = dict.fromkeys(name for one in found for name in one.ratios)
    successes, trials = sum(one.success.successes for one in found), sum(one.success.trials for one in found)
    odds = fmean(one.log_odds + one.withheld for one in found)
    counted = count_convincing(odds, first.convincing)
    return LabelEvidence(
        first.label,
        {name: geometric_mean(one.ratios[name] for one in found if name in one.ratios) for name in names},
        counted,
        first.size,
        rate(successes, trials),
        held_down=any(one.held_down for one in found),
        shown=any(one.shown for one in found),
        added=fmean(one.added for one in found),
        convincing=first.convincing,
        withheld=odds - counted,
        compact=fmean(one.compact for one in found),
    )
