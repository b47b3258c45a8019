"""Which samples of a large set are read: as many as memory allows, evenly over the classes.

They are chosen by their number and their labels alone, before any image is decoded.
"""

import numpy as np

from onnxaudit.records import Ints, Samples

MOST_SAMPLES = 10_000  # more change no choice and no verdict, and every detector is slower by them
MOST_VALUES = 2**28  # float32 values of all images together: 1 GiB
FEWEST = 64  # samples, however large


def choose_samples(count: int, values: int, labels: Ints | None, held: int = MOST_SAMPLES) -> Ints:
    """Positions of the samples to read, in their order; all of them where they are few enough.

    Args:
        count: how many there are.
        values: numbers that one of them holds once it is read.
        labels: their classes `(n,)`, whatever these are called; None where they have none.
        held: so many may be held, for want of memory.
    """
    return choose_evenly(count, labels, max(FEWEST, min(held, MOST_SAMPLES, MOST_VALUES // max(values, 1))))


def thin(samples: Samples, most: int) -> Samples:
    """At most so many of samples that were read, evenly over the classes; the very same where they are few enough."""
    return samples if len(samples) <= most else samples.take(choose_evenly(len(samples), samples.labels, most))


def choose_evenly(count: int, labels: Ints | None, most: int) -> Ints:
    """Positions of at most so many of `count` samples, in their order, evenly over the classes `(n,)` where known."""
    if count <= most:
        return np.arange(count)
    if labels is None:
        return _spread(np.arange(count), most)
    groups = sorted((np.flatnonzero(labels == name) for name in np.unique(labels)), key=len)
    picks, left = [], most
    for place, group in enumerate(groups):  # what small classes leave goes to larger ones
        picks.append(_spread(group, left // (len(groups) - place)))
        left -= len(picks[-1])
    return np.sort(np.concatenate(picks))


def _spread(positions: Ints, most: int) -> Ints:
    """Up to `most` of some positions, evenly over all of them."""
    if len(positions) <= most:
        return positions
    return positions[np.linspace(0, len(positions) - 1, most).round().astype(np.int64)]
