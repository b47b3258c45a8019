"""Clean samples and how pixels become model inputs.

Pixel space is the space of images before any preprocessing: float32 in [0, 1], channels first, RGB or gray.
Masks, patterns and triggers live there and nowhere else.
"""

import hashlib
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import Any, Literal, cast

import numpy as np
import numpy.typing as npt

from onnxaudit.records.arrays import Array, Floats, Ints
from onnxaudit.records.coded_images import CodedImages

_AT_ONCE = 64  # images that are floats when a set is described


@dataclass(frozen=True)
class SamplesInfo:
    """Which data a report rests on.

    Attributes:
        source: where they come from.
        count: how many.
        labeled: whether there are labels.
        synthetic: made by us, not given by the user.
        sha256: of images and labels.
        low, high, mean: of all pixels, in [0, 1], so that a range that was read wrongly shows; None where not measured.
    """

    source: str
    count: int
    labeled: bool
    synthetic: bool
    sha256: str
    low: float | None = None
    high: float | None = None
    mean: float | None = None


@dataclass(frozen=True, eq=False)
class Samples:
    """Clean images in pixel space.

    Attributes:
        images: `(n, c, h, w)` float32 in [0, 1]; of large sets `CodedImages`, which behave like that array.
        labels: `(n,)` int64, or None where none were given.
        source: where they come from, for people.
        synthetic: made by us, not given by the user.
        total: how many the source holds, of which these were read; 0 where nobody counted.
    """

    images: Floats
    labels: Ints | None
    source: str
    synthetic: bool = False
    total: int = 0

    def __len__(self) -> int:
        return len(self.images)

    def take(self, index: npt.NDArray[np.integer[Any]] | npt.NDArray[np.bool_]) -> "Samples":
        """The samples at `index` (positions or a boolean mask)."""
        labels = None if self.labels is None else self.labels[index]
        return replace(self, images=take_images(self.images, index), labels=labels)

    @cached_property
    def info(self) -> SamplesInfo:
        """What a report says of them; all are hashed once."""
        images, digest = self.images, hashlib.sha256()
        low, high, total = np.inf, -np.inf, 0.0
        for start in range(0, len(images), _AT_ONCE):
            part = np.ascontiguousarray(images[start : start + _AT_ONCE])
            digest.update(part.tobytes())
            low, high = min(low, float(part.min())), max(high, float(part.max()))
            total += float(part.sum(dtype=np.float64))
        if self.labels is not None:
            digest.update(np.ascontiguousarray(self.labels).tobytes())
        labeled = self.labels is not None
        return SamplesInfo(
            source=self.source,
            count=len(self),
            labeled=labeled,
            synthetic=self.synthetic,
            sha256=digest.hexdigest(),
            low=round(low, 4),
            high=round(high, 4),
            mean=round(total / images.size, 4),
        )


def take_images(images: Floats, index: Any) -> Floats:
    """Some of the images, held as they were."""
    if isinstance(images, CodedImages):
        return cast(Floats, CodedImages(images.codes[index]))
    taken: Floats = images[index]
    return taken


@dataclass(frozen=True, eq=False)
class EmbeddedSamples:
    """A few clean samples that a report carries to show triggers on; they may be faces, so only on request.

    Attributes:
        images: `(n, c, h, w)` in [0, 1], in steps of 1/255.
        predictions: the model's prediction for each.
        triggered: its predictions with each trigger, by the trigger's target class.
    """

    images: Array
    predictions: tuple[int, ...]
    triggered: dict[int, tuple[int, ...]]


class ChannelOrder(StrEnum):
    """Order of color channels that the model expects; images are always read as RGB."""

    RGB = "RGB"
    BGR = "BGR"


@dataclass(frozen=True)
class Preprocessing:
    """How a pixel `p` in [0, 1] becomes a model input: `(low + p · (high − low) − mean) / std`, per channel.

    `mean` and `std` are in the units of the range [low, high], one value a channel or one for all, and in the
    order of the channels as the model sees them. For series and features `bounds` are the ranges `[low, high]` of
    each channel, or of each feature, in place of one range for all.
    """

    name: str = "0..1"
    low: float = 0.0
    high: float = 1.0
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    channel_order: ChannelOrder = ChannelOrder.RGB
    bounds: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class GivenPreprocessing:
    """What a user says about preprocessing; what is None stays to be chosen.

    Attributes:
        range: `(low, high)`, what pixel values 0 and 1 become.
        mean: in the units of the range, one value a channel or one for all.
        std: likewise.
        channel_order: order of color channels that the model expects.
    """

    range: tuple[float, float] | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    channel_order: ChannelOrder | None = None


@dataclass(frozen=True)
class PreprocessingCandidate:
    """One way that was tried; what is not measured for lack of labels or samples is None."""

    preprocessing: Preprocessing
    accuracy: float | None = None
    stability: float | None = None
    diversity: float | None = None


@dataclass(frozen=True)
class PreprocessingChoice:
    """The preprocessing in use, why, and what else was tried."""

    preprocessing: Preprocessing
    source: Literal["given", "labels", "stability", "type", "samples", "report", "none"]
    explanation: str
    candidates: tuple[PreprocessingCandidate, ...] = ()
