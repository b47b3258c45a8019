"""Which preprocessing a model wants, told without labels.

Confidence says nothing: inputs that are too large make every model surer of itself. What tells is how much a prediction
knows of the image. Each image is looked at in several versions (shifted by a pixel or so, darker, brighter, with
less contrast), and a candidate's worth is the mutual information between image and predicted class `y`,

    I = H(mean over images of p(y | image)) − mean over images of H(p(y | image)),

where `p(y | image)` are the shares of the versions: high for predictions that are diverse over images and stable
over versions of one. Two things are added.

- A model that wants 0..255 and is fed 0..1 sees darkness and answers one class for all; one that wants 0..1 often
  bears 0..255 well. So a candidate of small gain that comes near the best rules out those of large gain.
- Candidates that resampling of the images cannot tell apart are taken for one if they predict the same, and the most
  usual of them is taken; if they differ, the choice stays open.
"""

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from onnxaudit.errors import ModelError, NanError, UndecidedRangeError
from onnxaudit.records import Floats, Ints, Preprocessing, PreprocessingCandidate, PreprocessingChoice
from onnxaudit.text import format_share

LARGE_GAIN = 32.0  # input units a pixel; the usual preprocessings have 1 to 5, or 255
NEAR = 0.7  # on real images a fitting candidate of small gain came no lower, one that does not fit no higher
SAME = 0.9  # share of equal predictions at which two candidates are taken for one
LEAST_CLASSES = 1.2  # effective number of classes told apart; below, nothing is known
RESAMPLINGS = 200
NOISE = 0.05  # share of resamplings in which a rival must reach the best to count as level with it

UNTOLD = "how pixels become inputs cannot be told from these samples"
ADVICE = "say it with --range (0,1 or 0,255 are usual), or give labeled samples"

Predict = Callable[[Floats, Preprocessing], Floats]
Shares = npt.NDArray[np.float64]


def choose_by_stability(
    predict: Predict, images: Floats, candidates: tuple[Preprocessing, ...], *, seed: int, near: float = NEAR
) -> PreprocessingChoice:
    """The candidate under which predictions know most of the image.

    Args:
        predict: class scores `(n, classes)` for images `(n, c, h, w)` under a preprocessing.
        images: in pixel space.
        candidates: the most usual first.
        seed: of the resampling.
        near: share of the best candidate's information at which one of small gain rules out those of large gain.

    Raises:
        UndecidedRangeError: no candidate tells classes apart, or several do that contradict each other.
        ModelError: the model gives NaN under each of them.
    """
    classes = {candidate: _classes(predict, images, candidate) for candidate in candidates}
    votes = {candidate: _votes(*found) for candidate, found in classes.items() if found is not None}
    if not votes:
        raise ModelError("the model gives NaN on clean samples under every usual preprocessing; name it with --range")
    predicted = {candidate: found[0][:, 0] for candidate, found in classes.items() if found is not None}
    chosen = _decide(votes, predicted, seed, near)
    evidence = tuple(_evidence(candidate, classes[candidate]) for candidate in candidates)
    return PreprocessingChoice(chosen, "stability", _explain(chosen, evidence), evidence)


def _decide(
    votes: dict[Preprocessing, Shares], predicted: dict[Preprocessing, Ints], seed: int, near: float
) -> Preprocessing:
    count = len(next(iter(votes.values())))
    everyone = np.full((1, count), 1.0 / count)
    information = {candidate: float(_information(shares, everyone)[0]) for candidate, shares in votes.items()}
    field = _strip_large_gains(information, near)
    best = max(field, key=lambda candidate: information[candidate])
    if information[best] < np.log(LEAST_CLASSES):
        raise UndecidedRangeError(f"{UNTOLD}: the model gives nearly one answer for all of them; {ADVICE}")
    level = _level_with(best, {candidate: votes[candidate] for candidate in field}, seed)
    apart = [candidate for candidate in level if (predicted[candidate] == predicted[best]).mean() < SAME]
    if apart:
        rivals = f"{best.name} and {apart[0].name}"
        raise UndecidedRangeError(f"{UNTOLD}: {rivals} do equally well and differ; {ADVICE}")
    return level[0]


def _level_with(best: Preprocessing, votes: dict[Preprocessing, Shares], seed: int) -> list[Preprocessing]:
    """`best` and those that reach it in more than a few resamplings of the images."""
    count = len(votes[best])
    weights = np.random.default_rng(seed).multinomial(count, np.full(count, 1.0 / count), size=RESAMPLINGS) / count
    drawn = {candidate: _information(shares, weights) for candidate, shares in votes.items()}
    return [candidate for candidate in votes if (drawn[candidate] >= drawn[best]).mean() > NOISE]


def _strip_large_gains(information: dict[Preprocessing, float], near: float) -> list[Preprocessing]:
    small = [candidate for candidate in information if _gain(candidate) < LARGE_GAIN]
    large = [candidate for candidate in information if candidate not in small]
    best = max(information.values())
    return small if any(information[candidate] >= near * best for candidate in small) else large


def _gain(candidate: Preprocessing) -> float:
    return (candidate.high - candidate.low) / float(np.mean(candidate.std))


def _classes(predict: Predict, images: Floats, candidate: Preprocessing) -> tuple[Ints, int] | None:
    """Predicted classes `(n, versions)`, the image itself first, and the number of classes; None with NaN."""
    try:
        scores = [predict(version, candidate) for version in _versions(images)]
    except NanError:
        return None
    return np.stack([found.argmax(axis=1) for found in scores], axis=1), scores[0].shape[1]


def _versions(images: Floats) -> Iterator[Floats]:
    yield images
    step = max(1, round(min(images.shape[2:]) / 32))  # pixels
    for down, right in ((step, 0), (-step, 0), (0, step), (0, -step)):
        yield _shift(images, down, right)
    for gain, offset in ((0.8, 0.0), (1.2, 0.0), (1.0, -0.05), (1.0, 0.05), (0.7, 0.15)):
        yield np.clip(gain * images + np.float32(offset), 0.0, 1.0).astype(np.float32)


def _shift(images: Floats, down: int, right: int) -> Floats:
    """Moved by so many pixels; the edge is repeated."""
    rows = np.clip(np.arange(images.shape[2]) - down, 0, images.shape[2] - 1)
    columns = np.clip(np.arange(images.shape[3]) - right, 0, images.shape[3] - 1)
    return images[:, :, rows][:, :, :, columns]


def _votes(classes: Ints, count: int) -> Shares:
    """`p(y | image)`, `(n, classes)`."""
    return np.stack([(classes == index).mean(axis=1) for index in range(count)], axis=1)


def _information(votes: Shares, weights: Shares) -> Shares:
    """Mutual information in nats for each row of `weights` `(r, n)` over the images."""
    return _entropy(weights @ votes) - weights @ _entropy(votes)


def _entropy(shares: Shares) -> Shares:
    """In nats, over the last axis."""
    safe = np.where(shares > 0, shares, 1.0)
    entropy: Shares = -(shares * np.log(safe)).sum(axis=-1)
    return entropy


def _evidence(candidate: Preprocessing, found: tuple[Ints, int] | None) -> PreprocessingCandidate:
    if found is None:
        return PreprocessingCandidate(candidate)
    classes, count = found
    # Stability: share of changed versions that keep their image's class. Diversity: exp(H(y)) / classes.
    shares = np.bincount(classes[:, 0], minlength=count) / len(classes)
    stability = float((classes[:, 1:] == classes[:, :1]).mean())
    return PreprocessingCandidate(candidate, stability=stability, diversity=float(np.exp(_entropy(shares))) / count)


def _explain(chosen: Preprocessing, evidence: tuple[PreprocessingCandidate, ...]) -> str:
    own = next(candidate for candidate in evidence if candidate.preprocessing == chosen)
    assert own.stability is not None  # only what was measured is chosen
    assert own.diversity is not None
    return (
        f"{chosen.name}: without labels, the usual preprocessing under which predictions are stable "
        f"({format_share(own.stability)} unchanged by small shifts and brightness changes) and diverse "
        f"(spread over effectively {format_share(own.diversity)} of the classes)"
    )
