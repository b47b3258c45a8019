"""Whether labels and answers speak of the same classes, and if not, in which order they would.

A model counts its classes in the order in which somebody listed them: folders sorted as text (0, 1, 10, 11, ..., 2), or
counted from 1. Samples counted otherwise make almost every answer look wrong, and every statistic by class with it.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from onnxaudit.records import Ints
from onnxaudit.statistics import rate_of
from onnxaudit.text import format_share

FLOOR = 0.25  # of the way from chance to always right; any model in use is above
LIKELY = 0.6  # right so often in another order, that order is named
NAMED = 4  # classes of an order that nobody has a name for
LEAST = 8  # samples, below which a share says nothing


def fits(predicted: Ints, labels: Ints) -> bool:
    """Whether the answers are right well above chance, as far as so many samples tell."""
    chance = float(np.bincount(labels).max() / len(labels))
    return len(labels) < LEAST or rate_of(predicted == labels).high >= find_floor(chance)


def find_floor(chance: float) -> float:
    """The share of right answers below which labels and answers do not speak of the same."""
    return chance + FLOOR * (1.0 - chance)


def find_order(predicted: Ints, labels: Ints, classes: int) -> tuple[float, str] | None:
    """The share of labels that fit in the likeliest other order, and words for it; None where none is likely."""
    best = max(_list_orders(predicted, labels, classes), key=lambda one: one[0])
    return best if best[0] >= LIKELY else None


def describe_misfit(predicted: Ints, labels: Ints, classes: int) -> str:
    """How many labels fit, and the order of classes in which most would, where there is one."""
    right, count = int((predicted == labels).sum()), len(labels)
    told = f"{right} of {count} labels ({format_share(right / count)}) fit the model's answers"
    found = find_order(predicted, labels, classes)
    return told if found is None else f"{told}, and {format_share(found[0])} would if {found[1]}"


def _list_orders(predicted: Ints, labels: Ints, classes: int) -> Iterator[tuple[float, str]]:
    """Shares of labels that fit under other orders, with the words for each; the simplest first."""
    text = np.array(sorted(range(classes), key=str))
    rank = np.argsort(text)
    shown = ", ".join(map(str, text[:4])) + ", …"
    yield _share(predicted, rank[labels]), f"the model's classes stood in the order of text: {shown}"
    yield _share(predicted, text[labels]), f"the labels stood in the order of text: {shown}"
    yield _share(predicted, labels - 1), "the labels were counted from 1"
    yield _share(predicted, labels + 1), "the model's classes were counted from 1"
    yield _share(predicted, classes - 1 - labels), "the classes stood in the reverse order"
    order = follow_answers(predicted, labels, classes)
    moved = [f"{label} → {answer}" for label, answer in enumerate(order) if answer not in (label, -1)]
    more = ", …" if len(moved) > NAMED else ""
    known = np.array(order)[labels]
    yield _share(predicted, known), f"labels were renamed as the model answers them: {', '.join(moved[:NAMED])}{more}"


def follow_answers(predicted: Ints, labels: Ints, classes: int) -> Sequence[int]:
    """The class that most samples of each label get, each class given once; -1 where a label has none."""
    counts = np.zeros((classes, classes), np.int64)
    np.add.at(counts, (labels, predicted), 1)
    order = [-1] * classes
    for place in np.argsort(-counts, axis=None, kind="stable"):
        label, answer = divmod(int(place), classes)
        if not counts[label, answer]:
            break
        if order[label] < 0 and answer not in order:
            order[label] = answer
    return order


def _share(predicted: Ints, expected: Ints) -> float:
    return float((predicted == expected).mean())
