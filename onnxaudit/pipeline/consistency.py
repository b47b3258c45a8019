"""Whether the model answers as it is audited: on every output, and whatever other images are beside an image.

A scan looks at one tensor, the logits. A file can hold more: labels or scores of another network beside them, a last
step that puts other scores in their place, another network for batches than for single images. So every output that
can decide a class is compared with the audited logits through onnxruntime, on clean, noisy and triggered images, and
the same images are asked alone, in batches of several sizes, shuffled and beside other ones. Differences that
arithmetic explains (near ties; rounding, where the network rounds) do not count.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from onnxaudit.data.label_order import follow_answers
from onnxaudit.data.preprocessing import preprocess
from onnxaudit.data.probes import MOST_VALUES, Probes
from onnxaudit.errors import ModelError
from onnxaudit.findings import reasons
from onnxaudit.intake.outputs import find_bypasses
from onnxaudit.pipeline.batch_sizes import find_odd_sizes
from onnxaudit.pipeline.replies import Array, Reply, arrange, ask, find_largest, read_reply
from onnxaudit.records import Floats, Irregularity, Reason
from onnxaudit.records.irregularity import BATCH_DEPENDENT, OTHER_ANSWERS
from onnxaudit.runtime import Runtime

BATCH_SIZES = (1, 2, 7, 32)
FURTHER_SIZES = (3, 4, 5, 8, 16, 64)
SMALL = 2**13  # values of an image that is asked in those as well
PATIENCE = 5.0  # seconds for sizes that the graph sets apart
ALONE = 32  # probes that are asked in every batch size
REORDERED = 0.9  # one that agrees on so many once its classes are reordered, too
FEWEST_ORDERED = 3  # classes; of two, any two heads agree in one order or the other
SAME_TASK = 0.5  # an output that agrees on so many clean images tells the same classes apart
NEAR_TIE = 0.02  # of the logits' spread
NEAR_TIE_ROUNDED = 0.2
DRIFT = 0.01  # of the logits' spread: what the order of sums changes is a thousand times smaller
TIED = 1e-4  # of an output's own spread: rounded scores have equal largest entries


@dataclass(frozen=True, kw_only=True)
class Consistency:
    """What was found.

    Attributes:
        irregularities: what the file does against its audit.
        doubts: outputs that the audit does not speak of.
    """

    irregularities: tuple[Irregularity, ...] = ()
    doubts: tuple[Reason, ...] = ()


def check_consistency(runtime: Runtime, probes: Probes, *, rounding: bool, named: bool = False) -> Consistency:
    """What speaks against taking the audited tensor for the model.

    Args:
        runtime: the file in onnxruntime behind its preprocessing.
        probes: images to ask.
        rounding: whether the network rounds on its way.
        named: whether the user chose this output among several: others may then have another task, and what they
            say otherwise is a doubt.

    Raises:
        ModelError: onnxruntime fails on the model, or its answers differ from one run to the next.
    """
    size = runtime.model.info.input.batch or min(BATCH_SIZES[-1], len(probes))
    values = ask(runtime, probes.images, size)
    drift = NEAR_TIE_ROUNDED if rounding else DRIFT
    _refuse_chance(runtime, values, probes.images, size, drift)
    outputs = compare_outputs(runtime, probes, rounding=rounding, named=named, values=values)
    images = probes.spread(ALONE)
    odd = find_odd_sizes(runtime, preprocess(images.images, runtime.preprocessing, runtime.model.info.input.layout))
    batches = tuple(_compare_batches(runtime, images, drift, odd, rounding=rounding))
    unproven = [reasons.BATCH_SIZE_READ.give(size=odd[0])] if odd and not batches else []
    return Consistency(irregularities=outputs.irregularities + batches, doubts=(*outputs.doubts, *unproven))


def compare_outputs(
    runtime: Runtime, probes: Probes, *, rounding: bool, named: bool, values: dict[str, Any] | None = None
) -> Consistency:
    """Whether every output that can decide a class says what the audited tensor says; `check_consistency` begins so.

    Where the `values` of all outputs and of the audited tensor are known already, nothing is run.
    """
    size = runtime.model.info.input.batch or min(BATCH_SIZES[-1], len(probes))
    found = ask(runtime, probes.images, size) if values is None else values
    output, near = runtime.model.info.output, NEAR_TIE_ROUNDED if rounding else NEAR_TIE
    bypasses = find_bypasses(runtime.model.computed, output)
    irregularities, doubts = [], []
    compared = dict(_compare_deciding(runtime, found, probes, near))
    for name, wrong in compared.items():
        own, value = name == output.name, found[name]
        features = isinstance(value, np.ndarray) and value.dtype.kind == "f" and value[0].size != output.classes
        if wrong.any() and (own or not named):
            irregularities.append(_describe_other(name, output.name, wrong, probes))
        elif wrong.any() or (name in bypasses and not features):
            doubts.append(reasons.OUTPUT_NOT_AUDITED.give(output=repr(name)))
    for name in sorted(bypasses - compared.keys()):  # as many scores, with another meaning
        reply = read_reply(found.get(name), len(probes), output.classes)
        if reply is not None and reply.scores is not None and reply.scores.shape[1] == output.classes:
            doubts.append(reasons.OUTPUT_NOT_AUDITED.give(output=repr(name)))
    return Consistency(irregularities=tuple(irregularities), doubts=tuple(doubts))


def _refuse_chance(runtime: Runtime, values: dict[str, Any], images: Floats, size: int, drift: float) -> None:
    again = ask(runtime, images, size)
    clear = _find_clear(values[runtime.model.info.output.logits], drift)
    for name, value in again.items():
        if not _equal(values[name], value, clear):
            raise ModelError(
                f"{runtime.model.info.path}: output {name!r} differs from one run to the next: the model draws random "
                "numbers (Dropout left in training mode?); export it with model.eval()"
            )


def _equal(first: Any, second: Any, clear: Array) -> bool:
    """Whether two runs gave the same, but for the last bits, and for what is chosen among scores that nearly tie."""
    if not (_names_classes(first) and _names_classes(second)):
        # Threads share a sum out as they come; what is drawn at random differs by more.
        scale = float(np.nanmax(np.abs(first), initial=0.0, where=np.isfinite(first)))
        return np.allclose(first, second, rtol=1e-3, atol=1e-4 * scale, equal_nan=True)
    return len(first) == len(second) and _count_other_entries(first, second, clear) == 0


def _compare_deciding(
    runtime: Runtime, values: dict[str, Any], probes: Probes, near: float
) -> Iterator[tuple[str, Array]]:
    """Each output that can decide a class, and for which images it names another than the audited tensor."""
    output = runtime.model.info.output
    logits = arrange(values[output.logits], len(probes))
    audited, clean = logits.argmax(1), np.array([kind == "clean" for kind in probes.kinds])
    for name in (value.name for value in runtime.model.computed.graph.output):
        reply = read_reply(values.get(name), len(probes), output.classes)
        if reply is None:
            continue
        reply = _reorder(reply, audited, clean, output.classes)
        wanted = _translate(reply, audited, clean)
        known = wanted >= 0
        same = (reply.classes == wanted) & known
        asked = clean & known if clean.any() else known
        if name == output.name or (asked.any() and same[asked].mean() >= SAME_TASK):
            yield name, known & ~same & _is_clear(logits, reply, wanted, near)


def _reorder(reply: Reply, audited: Array, clean: Array, classes: int) -> Reply:
    """Scores of the audited classes in another order, in the audited order; the very same where they are not that."""
    clean = clean if clean.any() else np.ones(len(audited), bool)
    if reply.scores is None or reply.scores.shape[1] != classes or classes < FEWEST_ORDERED:
        return reply
    if (reply.classes[clean] == audited[clean]).mean() >= SAME_TASK:
        return reply
    found = follow_answers(reply.classes[clean], audited[clean], classes)
    left = iter(sorted(set(range(classes)) - set(found)))
    order = [place if place >= 0 else next(left) for place in found]
    if (np.array(order)[audited[clean]] == reply.classes[clean]).mean() < REORDERED:
        return reply
    scores = reply.scores[:, order]
    return Reply(classes=np.nan_to_num(scores, nan=-np.inf).argmax(1), scores=scores)


def _translate(reply: Reply, audited: Array, clean: Array) -> Array:
    """The class that the output should name for each image; -1 where that is not known.

    Labels may be counted in another way (from 1, or by names): then each class is what most of its clean images get.
    """
    clean = clean if clean.any() else np.ones(len(audited), bool)
    if reply.scores is not None or (reply.classes[clean] == audited[clean]).mean() >= SAME_TASK:
        return audited.astype(np.int64)
    wanted = np.full(len(audited), -1, np.int64)
    for label in np.unique(audited[clean]):
        found, counts = np.unique(reply.classes[clean & (audited == label)], return_counts=True)
        wanted[audited == label] = found[counts.argmax()]
    return wanted


def _is_clear(logits: Array, reply: Reply, wanted: Array, near: float) -> Array:
    """Where the two do not merely break a tie in different ways."""
    named = np.clip(reply.classes, 0, logits.shape[1] - 1)
    with np.errstate(invalid="ignore"):  # between infinite scores there is no difference to tell
        margin = logits.max(1) - np.take_along_axis(logits, named[:, None], 1)[:, 0]
    apart: Array = margin > near * _measure_spread(logits)
    if reply.scores is None:
        elsewhere: Array = apart | (reply.classes != named) | (wanted != logits.argmax(1))
        return elsewhere
    own = np.take_along_axis(reply.scores, np.clip(wanted, 0, reply.scores.shape[1] - 1)[:, None], 1)[:, 0]
    with np.errstate(invalid="ignore"):
        untied: Array = reply.scores.max(1) - own > TIED * np.ptp(reply.scores.astype(np.float64), axis=1)
    return apart & untied


def _describe_other(name: str, audited: str, wrong: Array, probes: Probes) -> Irregularity:
    counts = [
        f"{int(sum(found for found, kind in zip(wrong, probes.kinds, strict=True) if kind == wanted))} of "
        f"{probes.kinds.count(wanted)} {wanted}"
        for wanted in dict.fromkeys(probes.kinds)
    ]
    what = "the audited scores inside the graph" if name == audited else f"the audited output {audited!r}"
    says = f"Output {name!r} names another class than {what} for {', '.join(counts)} images."
    return Irregularity(rule=OTHER_ANSWERS, place=name, says=says)


def _compare_batches(
    runtime: Runtime, probes: Probes, drift: float, odd: Sequence[int], *, rounding: bool
) -> Iterator[Irregularity]:
    """Whether the same images get the same answers in other company."""
    batch = runtime.model.info.input.batch
    if batch == 1:
        return
    sizes: Sequence[int] = BATCH_SIZES if batch is None else (batch,)
    whole = len(probes) if batch is None else -(-len(probes) // batch) * batch  # whole batches only
    images = probes.images[np.arange(whole) % len(probes)]
    order = np.random.default_rng(0).permutation(len(images))
    if len(images) < 2:
        return
    first = ask(runtime, images, sizes[0])
    trials = [(f"in batches of {size}", ask(runtime, images, size)) for size in sizes[1:]]
    trials.append(("in another order", _unshuffle(ask(runtime, images[order], sizes[-1]), order)))
    trials += [(f"in batches of {size}", values) for size, values in _ask_in_odd_sizes(runtime, images, odd)]
    clear = _find_clear(first[runtime.model.info.output.logits], drift)
    seen = set[str]()
    for where, values in trials:
        for name in first:
            if name in seen:
                continue
            if name not in values:
                continue
            changed = _count_changed(first[name], values[name], clear, drift, rounding=rounding)
            if changed:
                seen.add(name)
                what = "alone" if sizes[0] == 1 else f"in batches of {sizes[0]}"
                says = (
                    f"Tensor {name!r} gives {changed} of {len(images)} images another answer {where} than {what}: what "
                    "the model says of an image depends on the images beside it."
                )
                yield Irregularity(rule=BATCH_DEPENDENT, place=name, says=says)


def _ask_in_odd_sizes(runtime: Runtime, images: Floats, odd: Sequence[int]) -> Iterator[tuple[int, dict[str, Any]]]:
    """What the images are told in sizes that the graph itself sets apart, and in some more where that costs little."""
    info, start, sizes = runtime.model.info, time.monotonic(), list(odd)
    if info.input.batch is None and images[0].size <= SMALL:
        sizes += [size for size in FURTHER_SIZES if size not in sizes]
    for size in sizes:
        if size * images[0].size > MOST_VALUES or time.monotonic() - start > PATIENCE:
            continue
        whole = images[np.arange(-(-len(images) // size) * size) % len(images)]
        values = ask(runtime, whole, size)
        yield size, {name: value[: len(images)] for name, value in values.items()}


def _unshuffle(values: dict[str, Any], order: Array) -> dict[str, Any]:
    back = np.argsort(order)
    return {name: value[back] for name, value in values.items() if isinstance(value, np.ndarray)} | {
        name: [value[place] for place in back] for name, value in values.items() if not isinstance(value, np.ndarray)
    }


def _find_clear(logits: Array, near: float) -> Array:
    """Which images are no near tie between two classes."""
    ranked = np.sort(np.asarray(logits, np.float64), axis=1)
    return (ranked[:, -1] - ranked[:, -2]) > near * _measure_spread(logits)


def _measure_spread(values: Array) -> float:
    """How much values differ over images, in the mean over the rest; 1 where they never do."""
    finite = np.where(np.isfinite(values), values, 0.0).astype(np.float64)
    return float(np.sqrt(np.mean(np.var(finite, axis=0)))) or 1.0


def _count_changed(first: Any, second: Any, clear: Array, drift: float, *, rounding: bool) -> int:
    """How many images are answered otherwise, by more than arithmetic explains; near ties do not count for labels."""
    count = len(clear)
    if len(first) != count or len(second) != count:
        return 0
    if _names_classes(first) and _names_classes(second):
        return _count_other_entries(first, second, clear)
    ours, theirs = (np.asarray(value, np.float64).reshape(count, -1) for value in (first, second))
    finite = np.isfinite(ours) & np.isfinite(theirs)
    apart = np.abs(np.where(finite, ours, 0.0) - np.where(finite, theirs, 0.0)).max(1) > drift * _measure_spread(ours)
    if rounding:  # a range that follows the batch moves every value by a step, and probabilities of a near tie by more
        apart &= (ours.argmax(1) != theirs.argmax(1)) & clear
    apart |= (np.isnan(ours) != np.isnan(theirs)).any(1)
    return int(apart.sum())


def _names_classes(values: Any) -> bool:
    """Whether an output says classes and no scores: no floats, or a whole one for each image, or zeros and ones."""
    if not isinstance(values, np.ndarray) or values.dtype.kind != "f":
        return True
    whole = (values == np.round(values)).all()
    return bool(whole and (values[:1].size == 1 or np.isin(values, (0.0, 1.0)).all()))


def _count_other_entries(first: Any, second: Any, clear: Array) -> int:
    """How many images other than near ties are given another entry."""
    return sum(not _same_entry(a, b) for a, b, sure in zip(first, second, clear, strict=True) if sure)


def _same_entry(first: Any, second: Any) -> bool:
    if isinstance(first, dict) and isinstance(second, dict):
        return bool(find_largest(first) == find_largest(second))
    return bool(np.array_equal(first, second))
