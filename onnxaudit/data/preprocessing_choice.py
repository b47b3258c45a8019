"""Which of the usual preprocessings a model wants.

With labels the best accuracy wins, and within noise of it the most usual. Without labels see `stability`. Synthetic
images tell values around 1 from values around 255 and nothing finer, so that only 0..1 and 0..255 are tried on them.
"""

import contextlib
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from onnxaudit.data.label_order import find_floor, find_order
from onnxaudit.data.preprocessing import BYTES, UNIT, common_preprocessings
from onnxaudit.data.stability import choose_by_stability
from onnxaudit.errors import ModelError, NanError, UndecidedRangeError
from onnxaudit.records import (
    Floats,
    InputSpec,
    Ints,
    Preprocessing,
    PreprocessingCandidate,
    PreprocessingChoice,
    Samples,
)
from onnxaudit.records.samples import take_images
from onnxaudit.statistics import rate, rate_of
from onnxaudit.text import format_share

MOST_LABELED = 1000  # samples; more change no choice
MOST_UNLABELED = 240  # samples; each is looked at in ten versions
LARGE_IMAGE = 2**15  # values; beyond, a run takes so long that a part of the samples is asked first
FIRST_UNLABELED = 48  # samples of that part
FIRST_LABELED = 200  # likewise
NARROWED_BY = 48  # of these; who is clearly worse on them than another is not asked on the rest
NEAR_SYNTHETIC = 0.45  # measured on 40 models: below 0.42 for all that want 0..255, above 0.48 for 39 that want 0..1

Predict = Callable[[Floats, Preprocessing], Floats]
Hits = npt.NDArray[np.bool_]


def choose_preprocessing(predict: Predict, samples: Samples, spec: InputSpec, *, seed: int = 0) -> PreprocessingChoice:
    """Try the preprocessings in common use.

    Args:
        predict: class scores `(n, classes)` for images `(n, c, h, w)` under a preprocessing.
        samples: clean samples in pixel space.
        spec: what the model takes.
        seed: of the resampling that tells noise from difference where there are no labels.

    Raises:
        UndecidedRangeError: it cannot be told from these samples.
        ModelError: the model gives NaN under each of them.
    """
    candidates = common_preprocessings(spec.channels)
    if samples.labels is None:
        images = samples.images[_spread(len(samples), MOST_UNLABELED)]  # floats: versions are computed from them
        if samples.synthetic:
            return _assume(choose_by_stability(predict, images, (UNIT, BYTES), seed=seed, near=NEAR_SYNTHETIC))
        if images[0].size > LARGE_IMAGE:
            with contextlib.suppress(UndecidedRangeError):  # resampling knows whether so few tell enough
                few = images[_spread(len(images), FIRST_UNLABELED)]
                return choose_by_stability(predict, few, candidates, seed=seed)
        return choose_by_stability(predict, images, candidates, seed=seed)
    if samples.images[0].size > LARGE_IMAGE:
        with contextlib.suppress(UndecidedRangeError):  # intervals know whether so few tell enough
            return _choose_by_some(predict, samples, FIRST_LABELED, candidates)
    return _choose_by_some(predict, samples, MOST_LABELED, candidates)


def _choose_by_some(
    predict: Predict, samples: Samples, most: int, candidates: tuple[Preprocessing, ...]
) -> PreprocessingChoice:
    chosen = samples.take(_spread(len(samples), most))
    assert chosen.labels is not None
    return _choose_by_labels(predict, chosen.images, chosen.labels, candidates)


def _assume(choice: PreprocessingChoice) -> PreprocessingChoice:
    name = choice.preprocessing.name
    explanation = f"{name}: assumed, because synthetic images tell no more than 0..1 from 0..255; give clean samples"
    return replace(choice, explanation=explanation)


def _spread(count: int, most: int) -> Ints:
    """Up to `most` positions, evenly over `count`: samples often come sorted by class."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(np.int64))


def _choose_by_labels(
    predict: Predict, images: Floats, labels: Ints, candidates: tuple[Preprocessing, ...]
) -> PreprocessingChoice:
    scores, beaten = _ask_all(predict, images, labels, candidates)
    hits = {candidate: None if found is None else found.argmax(1) == labels for candidate, found in scores.items()}
    measured = {candidate: found for candidate, found in hits.items() if found is not None}
    if not measured:
        raise ModelError("the model gives NaN on clean samples under every usual preprocessing; name it with --range")
    best = max(measured, key=lambda candidate: int(measured[candidate].sum()))
    chance = float(np.bincount(labels).max() / len(labels))
    if rate_of(measured[best]).low <= chance or rate_of(measured[best]).high < find_floor(chance):
        raise UndecidedRangeError(
            f"labels and the model's answers disagree under every usual preprocessing (at best "
            f"{_share(measured[best])} right, with {best.name}{_name_order(scores, labels)}): check the order "
            "of labels, or give --range"
        )
    chosen = next(candidate for candidate in measured if not _clearly_better(measured[best], measured[candidate]))
    known = {**measured, **beaten}
    evidence = tuple(
        PreprocessingCandidate(one, accuracy=float(known[one].mean()) if one in known else None) for one in candidates
    )
    return PreprocessingChoice(chosen, "labels", _explain(chosen, best, known), evidence)


def _ask_all(
    predict: Predict, images: Floats, labels: Ints, candidates: tuple[Preprocessing, ...]
) -> tuple[dict[Preprocessing, Floats | None], dict[Preprocessing, Hits]]:
    """Scores of each sample by candidate, None with NaN; and what the first few hit of those that these rule out."""
    few = _spread(len(images), NARROWED_BY if images[0].size > LARGE_IMAGE else len(images))
    rest = np.setdiff1d(np.arange(len(images)), few)
    scores = {candidate: _ask(predict, take_images(images, few), candidate) for candidate in candidates}
    hits = {one: found.argmax(1) == labels[few] for one, found in scores.items() if found is not None}
    best = max(hits.values(), key=lambda one: int(one.sum()), default=None)
    beaten = {one: own for one, own in hits.items() if len(rest) and best is not None and _clearly_better(best, own)}
    whole = dict[Preprocessing, Floats | None]()
    for one, first in scores.items():
        if one not in beaten:
            others = _ask(predict, take_images(images, rest), one) if len(rest) and first is not None else first
            whole[one] = None if first is None or others is None else _interleave(first, few, others, rest)
    return whole, beaten


def _interleave(first: Floats, few: Ints, others: Floats, rest: Ints) -> Floats:
    """Rows of two parts at their positions."""
    joined = np.empty((len(few) + len(rest), first.shape[1]), first.dtype)
    joined[few] = first
    joined[rest] = others[: len(rest)]
    return joined


def _ask(predict: Predict, images: Floats, candidate: Preprocessing) -> Floats | None:
    """The scores of each sample; None where the model gives NaN."""
    try:
        return predict(images, candidate)
    except NanError:
        return None


def _name_order(scores: dict[Preprocessing, Floats | None], labels: Ints) -> str:
    """The order of classes in which most labels would fit, under whichever preprocessing; "" where there is none."""
    given = [one for one in scores.values() if one is not None]
    found = [find_order(one.argmax(1), labels, one.shape[1]) for one in given]
    share, words = max((one for one in found if one), key=lambda order: order[0], default=(0.0, ""))
    if not words:
        return ""
    return f"; {format_share(share)} would be if {words}"


def _clearly_better(better: Hits, worse: Hits) -> bool:
    """Whether among the samples that only one of them gets right, `better` has clearly more than half."""
    gained, lost = int((better & ~worse).sum()), int((worse & ~better).sum())
    return rate(gained, gained + lost).low > 0.5


def _explain(chosen: Preprocessing, best: Preprocessing, measured: dict[Preprocessing, Hits]) -> str:
    others = [candidate for candidate in measured if candidate != chosen]
    if chosen != best:
        why = f"within noise of {_share(measured[best])} with {best.name}, and the more usual"
    elif others:
        second = max(others, key=lambda candidate: float(measured[candidate].mean()))
        level = measured[second].mean() == measured[chosen].mean()
        rival = f"{second.name} with {_share(measured[second])}"
        why = f"as many as {second.name}, and the more usual" if level else f"the most; next {rival}"
    else:
        why = "the only one that could be measured"
    return f"{chosen.name}: {_share(measured[chosen])} labeled samples classified correctly ({why})"


def _share(hits: Hits) -> str:
    return f"{int(hits.sum())} of {len(hits)}"
