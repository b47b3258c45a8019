"""Halves of the clean samples: `X` to optimize on, `D_valid` to decide by."""

import numpy as np
import numpy.typing as npt

from onnxaudit.records import Ints, Samples

LEAST = 3  # of so many samples at least one decides, however few a class has


def split(samples: Samples, predicted: Ints | None = None, *, seed: int) -> tuple[Samples, Samples]:
    """Stratified halves `(X, D_valid)`, each in the order of `samples`; arguments are those of `draw_validation`."""
    validation = draw_validation(samples, predicted, seed=seed)
    return samples.take(~validation), samples.take(validation)


def draw_validation(samples: Samples, predicted: Ints | None = None, *, seed: int) -> npt.NDArray[np.bool_]:
    """Which samples `(n,)` are those of `D_valid`.

    Of an odd number of samples of a class the odd one goes to `X`: a class with a single sample has none in `D_valid`.
    Where that would leave less than a third in `D_valid` (one image a class), odd ones drawn at random go there.

    Args:
        samples: what to divide; their labels are the strata.
        predicted: classes `(n,)` that stand in where there are no labels; without either, all are one stratum.
        seed: of the choice.
    """
    strata = samples.labels if samples.labels is not None else predicted
    if strata is None:
        strata = np.zeros(len(samples), dtype=np.int64)
    assert len(strata) == len(samples), (len(strata), len(samples))
    generator = np.random.default_rng(seed)
    validation = np.zeros(len(samples), dtype=bool)
    for stratum in np.unique(strata):
        members = generator.permutation(np.flatnonzero(strata == stratum))
        validation[members[: len(members) // 2]] = True
    missing = len(samples) // LEAST - np.count_nonzero(validation)
    if missing > 0:
        validation[generator.permutation(np.flatnonzero(~validation))[:missing]] = True
    return validation
