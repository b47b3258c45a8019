"""Images on which a model is asked whether it answers as it is audited: clean, noisy, and with made-up triggers."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from onnxaudit.records import Floats, Samples, Trigger

CLEAN, NOISY = 40, 12  # images of each kind; half as many stamped as clean and noisy ones together is enough
MOST_VALUES = 2**24  # of all probes together: of images of millions of pixels there are fewer
FEWEST = 4
STAMP_SHARES = (0.1, 0.15, 0.25)  # side of a stamp as a share of the image's


@dataclass(frozen=True, kw_only=True, eq=False)
class Probes:
    """Images in pixel space `(n, c, h, w)`, and for each where it comes from: "clean", "noisy" or "triggered"."""

    images: Floats
    kinds: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.images)

    def spread(self, count: int) -> "Probes":
        """Up to `count` of them, evenly over all kinds."""
        index = np.unique(np.linspace(0, len(self) - 1, min(count, len(self))).round().astype(int))
        return Probes(images=self.images[index], kinds=tuple(self.kinds[place] for place in index))


def draw_probes(samples: Samples, *, seed: int) -> Probes:
    """Clean samples, images of noise, and clean samples with patches and faint patterns laid over them."""
    rng = np.random.default_rng(seed)
    most = max(FEWEST, MOST_VALUES // (3 * samples.images[0].size))
    index = np.unique(np.linspace(0, len(samples) - 1, min(CLEAN, most, len(samples))).round().astype(int))
    clean = samples.images[index]
    noisy = _draw_noise(clean.shape[1:], min(NOISY, most), rng)
    triggered = np.stack([_stamp(image, place, rng) for place, image in enumerate(clean)])
    kinds = ("clean",) * len(clean) + ("noisy",) * len(noisy) + ("triggered",) * len(triggered)
    return Probes(images=np.concatenate([clean, noisy, triggered]), kinds=kinds)


def stamp_probes(samples: Samples, triggers: Sequence[Trigger]) -> Probes:
    """Clean samples under each of some triggers that were found."""
    most = max(FEWEST, MOST_VALUES // (len(triggers) * samples.images[0].size))
    clean = samples.images[: min(CLEAN, most)]
    images = [(1.0 - found.mask) * clean + found.mask * found.pattern for found in triggers]
    return Probes(images=np.concatenate(images).astype(np.float32), kinds=("triggered",) * (len(images) * len(clean)))


def _draw_noise(shape: tuple[int, ...], count: int, rng: np.random.Generator) -> Floats:
    noise = rng.random((count, *shape), dtype=np.float32)
    noise[1::4] = noise[1::4].round()
    noise[2::4] = noise[2::4].mean(axis=(2, 3), keepdims=True)
    for place, gray in zip(range(3, count, 4), (0.0, 1.0, 0.5), strict=False):
        noise[place] = gray
    return noise


def _stamp(image: Floats, place: int, rng: np.random.Generator) -> Floats:
    """The image with one change: a patch in a corner or anywhere, a faint pattern over all of it, or other colors."""
    changed, (channels, height, width) = image.copy(), image.shape
    if place % 4 == 3:
        pattern = rng.random(image.shape, dtype=np.float32)
        return np.clip(0.8 * image + 0.2 * pattern if place % 8 == 3 else image**1.8, 0.0, 1.0).astype(np.float32)
    share = STAMP_SHARES[place % len(STAMP_SHARES)]
    high, wide = max(1, round(share * height)), max(1, round(share * width))
    top, left = rng.integers(0, height - high + 1), rng.integers(0, width - wide + 1)
    if place % 4 == 0:  # most published triggers sit in a corner
        top, left = (height - high) * (place // 4 % 2), (width - wide) * (place // 8 % 2)
    value = rng.random((channels, high, wide), dtype=np.float32).round() if place % 2 else np.float32(1.0)
    changed[:, top : top + high, left : left + wide] = value
    return changed
