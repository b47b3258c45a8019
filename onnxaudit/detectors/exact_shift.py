"""The least change of the last layer's input that leads to each label, solved exactly: no image pass, milliseconds.

For each label `t`, with `z = W·h + b` the logits of features `h`, over samples `i` that are classified otherwise

    min over v  ½ |v|²     so that  (w_t − w_j) · v  ≥  g_j  for every j ≠ t,      g_j = quantile over i of z_j − z_t

a convex quadratic program. Its dual, `max over l ≥ 0 of g·l − ½ l·K·l` with `K = A·Aᵀ` and rows `A_j = w_t − w_j`, is
solved for all labels at once by accelerated projected gradient ascent (Y. Nesterov, 1983; A. Beck and M. Teboulle,
SIAM J. Imaging Sciences 2009); `|v|² = l·K·l`. A backdoor has taught the last layer a short way to its target, whatever
its trigger looks like.

Source of the program: the exact reverse engineering of a latent trigger in arXiv 2511.08944. Differs from the source:
one shift for a share of all samples instead of each; the lengths of a model's labels are compared with each other.

`W` and `b` are read off by running the rest of the network on unit vectors, so that it does not matter by which
operators a file writes its last layer; where the rest is not affine nothing is measured.
"""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from onnxaudit.data.selection import choose_evenly, thin
from onnxaudit.deadline import NEVER, Deadline
from onnxaudit.detectors.base import Context, Detector, Words
from onnxaudit.detectors.registry import detector
from onnxaudit.importer import Classifier
from onnxaudit.inversion.forwards import device_of, to_floats, to_tensor
from onnxaudit.records import Evidence
from onnxaudit.records.arrays import Doubles
from onnxaudit.workers import count_rows, on_one_thread

_POWER_STEPS = 30
_SAFETY = 1.05  # the power method comes from below
ROUNDED = 0.1  # of the logits' spread: a scale that is too small for what it holds does more than round
SORTED = 100  # classes; of more, quantiles are found by partition
_CHUNK = 256  # unit vectors that go through the last layer at once


@dataclass(frozen=True, kw_only=True)
class ExactShiftConfig:
    """Settings of `ExactShift`.

    Attributes:
        share: of the samples that the shift has to send to the label.
        iterations: of gradient ascent.
        most_features: wider inputs of the last layer are left alone: their matrix is read off by as many passes.
        tolerance: how far logits may be from affine, as a share of their spread.
        chunk_pixels: at most so many pixels go through the network at once, on one core.
        most_exact: with more classes, whose time rises with the cube of their number, `samples_of_many` samples and
            `iterations_of_many` iterations do.
        samples_of_many: half of them known ones. With 300 of 1,000 photos the target of a model of 1,000 classes came
            first, with all of them third.
        iterations_of_many: lengths of 1,000 classes differ by up to 3 % from those after 400.
    """

    share: float = 0.9
    iterations: int = 400
    most_exact: int = 100
    samples_of_many: int = 300
    iterations_of_many: int = 150
    most_features: int = 2**14
    tolerance: float = 1e-3
    chunk_pixels: int = 2**16


@detector
@dataclass(frozen=True)
class ExactShift(Detector):
    """How little the last layer's input has to change to become each label."""

    id = "exact-shift"
    title = "Exact shift"
    explanation = "The least change of the last layer's input that leads to the class"
    stage = "survey"
    words: ClassVar = Words(
        subject="the least change of the last layer's input that leads there is",
        closer="shorter",
        farther="longer",
        progress="solving for the least change of the last layer's input",
    )
    needs: ClassVar = "head"
    rule = "OA104"

    config: ExactShiftConfig = ExactShiftConfig()

    def measure(self, context: Context, labels: Sequence[int]) -> Evidence:
        """Lengths for all labels; nothing where the network does not end in an affine layer."""
        if context.head is None:
            return Evidence(detector=self.id)
        assert isinstance(context.classifier, Classifier)
        many = context.classes > self.config.most_exact
        with torch.no_grad(), contextlib.nullcontext() if many else on_one_thread():
            features = _read_features(context, context.head, self.config, many=many)
            if features is None:
                return Evidence(detector=self.id, complete=False)
            layer = _read_narrow_layer(context, features, self.config)
            if layer is None:
                return Evidence(detector=self.id)
            weights, logits = layer
            iterations = self.config.iterations_of_many if many else self.config.iterations
            lengths = solve(
                weights, logits, share=self.config.share, iterations=iterations, deadline=context.deadline
            ).tolist()
        found = {label: lengths[label] for label in labels if 0 < lengths[label] < float("inf")}
        return Evidence(detector=self.id, distances=found, unit="lengths in the last layer's input")


def measure_pairs(context: Context, config: ExactShiftConfig = ExactShiftConfig()) -> Doubles | None:
    """Lengths of the least shifts from each class (row) to each other one (column); NaN where there is none.

    Args:
        context: the model, its samples and its last layer.
        config: as for `ExactShift`; of `iterations` half are made, for a few samples each.

    Returns:
        None where the network does not end in an affine layer, or there is no time.
    """
    if context.head is None:
        return None
    with torch.no_grad(), on_one_thread():
        features = _read_features(context, context.head, config, many=False)
        layer = None if features is None else _read_narrow_layer(context, features, config)
        if layer is None:
            return None
        weights, logits = layer
        answers, lengths = logits.argmax(dim=1), torch.full((len(weights), len(weights)), torch.nan).double()
        for source in set(answers.tolist()):
            own = logits[answers == source]
            lengths[source] = solve(weights, own, share=config.share, iterations=config.iterations // 2).cpu()
    return np.where(np.isfinite(lengths.numpy()) & (lengths.numpy() > 0), lengths.numpy(), np.nan)


def _read_narrow_layer(context: Context, features: Tensor, config: ExactShiftConfig) -> tuple[Tensor, Tensor] | None:
    """`read_layer`, but for layers so wide that it would take longer than what it serves."""
    assert isinstance(context.classifier, Classifier)
    assert context.head is not None
    if features[0].numel() > config.most_features:
        return None
    return read_layer(context.classifier, context.head, features, config.tolerance)


def _read_features(context: Context, head: str, config: ExactShiftConfig, *, many: bool) -> Tensor | None:
    """The last layer's inputs `(n, ...)` on all clean samples; None where the deadline passed before.

    Nothing is fitted that unseen ones had to check.
    """
    assert isinstance(context.classifier, Classifier)
    device, parts = device_of(context.classifier), []
    for samples, read in ((context.known, context.of_known), (context.unseen, context.of_unseen)):
        most = config.samples_of_many // 2 if many else len(samples)
        if read is not None and head in read.inner:
            parts.append(read.take(choose_evenly(len(samples), samples.labels, most)).inner[head])
            continue
        images = to_tensor(thin(samples, most).images)
        each = count_rows(config.chunk_pixels, images.shape[2] * images.shape[3], device)
        for part in torch.split(images, each):
            if context.deadline.passed:
                return None
            parts.append(context.classifier.values(to_floats(part.to(device)), [head])[head])
    return torch.cat(parts)


def read_layer(classifier: Classifier, head: str, features: Tensor, tolerance: float) -> tuple[Tensor, Tensor] | None:
    """The matrix `(classes, d)` from tensor `head` to the logits, and the logits `(n, classes)`, in double precision.

    Logits as they are without rounding, where a quantized file rounds them, or the product before its bias.

    Args:
        classifier: the network.
        head: name of the tensor.
        features: its values `(n, ...)`.
        tolerance: how far logits may be from affine, as a share of their spread.

    Returns:
        None where the rest of the network is not affine, or where rounding does more than round.
    """
    shape, width = features.shape[1:], features[0].numel()
    smooth = classifier.model.without_rounding()
    origin = smooth.tail({head: torch.zeros(1, *shape).to(features)})
    rows = []
    for start in range(0, width, _CHUNK):
        unit = torch.zeros(min(_CHUNK, width - start), width).to(features)
        unit[torch.arange(len(unit)), torch.arange(start, start + len(unit))] = 1
        rows.append(smooth.tail({head: unit.view(-1, *shape)}) - origin)
    weights = torch.cat(rows).double().T
    logits = smooth.tail({head: features}).double()
    affine = features.flatten(1).double() @ weights.T + origin.double()
    error, spread = (affine - logits).abs().max(), logits.std()
    rounding = (classifier.tail({head: features}).double() - logits).square().mean().sqrt()
    # Written so that a NaN on either side is a refusal.
    return (weights, logits) if bool(error <= tolerance * spread) and bool(rounding <= ROUNDED * spread) else None


def solve(weights: Tensor, logits: Tensor, *, share: float, iterations: int, deadline: Deadline = NEVER) -> Tensor:
    """Lengths `(classes,)` of the least shifts; infinite for a label that all samples have already.

    Args:
        weights: `(classes, d)`.
        logits: of the samples `(n, classes)`.
        share: of the samples that have to reach the label, in (0, 1].
        iterations: of gradient ascent.
        deadline: when to give up; with a thousand classes this takes minutes.

    Raises:
        OutOfTimeError: the deadline has passed.
    """
    classes = len(weights)
    gaps = torch.stack([_measure_gaps(logits, label, share, deadline) for label in range(classes)])
    gram = weights @ weights.T
    own = torch.eye(classes, dtype=torch.bool, device=weights.device)

    def multiply(dual: Tensor) -> Tensor:
        """`K_t · l_t` in row `t`, without forming any `K`: its entries are sums of four of the Gram matrix."""
        total = dual.sum(dim=1, keepdim=True)
        crossed = (dual * gram).sum(dim=1, keepdim=True)
        return (total * (gram.diagonal()[:, None] - gram) - crossed + dual @ gram).masked_fill(own, 0.0)

    steps = 1 / _bound(multiply, own)
    dual = ahead = torch.zeros_like(gaps)
    pace = 1.0
    for _ in range(iterations):
        deadline.check()
        moved = (ahead + steps * (gaps - multiply(ahead))).clamp_min(0).masked_fill(own, 0.0)
        faster = (1 + (1 + 4 * pace * pace) ** 0.5) / 2
        ahead, dual, pace = moved + (pace - 1) / faster * (moved - dual), moved, faster
    lengths = (dual * multiply(dual)).sum(dim=1).clamp_min(0).sqrt()
    return torch.where(gaps.isfinite().all(dim=1), lengths, torch.inf)


def _measure_gaps(logits: Tensor, label: int, share: float, deadline: Deadline) -> Tensor:
    """How far each class is ahead of `label` on all but the hardest samples of others, `(classes,)`."""
    deadline.check()
    others = logits[logits.argmax(dim=1) != label]
    if not len(others):
        return torch.full_like(logits[0], torch.inf)
    gaps = others - others[:, label : label + 1]
    if gaps.shape[1] > SORTED:  # a sort of each column is most of the time then
        return torch.from_numpy(np.quantile(gaps.numpy(force=True), share, axis=0)).to(gaps)
    return gaps.quantile(share, dim=0)


def _bound(multiply: Callable[[Tensor], Tensor], own: Tensor) -> Tensor:
    """An upper bound of the largest eigenvalue of each `K`, `(classes, 1)`, by the power method."""
    vector = (~own).double()
    for _ in range(_POWER_STEPS):
        image = multiply(vector)
        norms = image.norm(dim=1, keepdim=True).clamp_min(1e-12)
        vector = image / norms
    bound: Tensor = _SAFETY * norms
    return bound
