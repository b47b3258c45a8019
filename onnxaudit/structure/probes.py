"""Images on which a part of the graph must have something to do, or it is dormant."""

from dataclasses import dataclass

import numpy as np

from onnxaudit.records import Floats, Ints, Samples

SHIFT = 0.1  # of a side, at most
NOISE = 0.03
BLANK = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True, kw_only=True, eq=False)
class Probes:
    """Images in pixel space `(n, c, h, w)`.

    Attributes:
        index: of the clean ones among the samples.
        clean: as they were given.
        changed: the clean ones with noise, moved, brighter, darker, with more and with less contrast.
        empty: single colors and noise, which show nothing that could be classified.
    """

    index: Ints
    clean: Floats
    changed: Floats
    empty: Floats


def draw_probes(samples: Samples, count: int, *, seed: int) -> Probes:
    """Up to `count` clean images, spread over all, and what is made of them."""
    rng = np.random.default_rng(seed)
    index = np.unique(np.linspace(0, len(samples) - 1, min(count, len(samples))).round().astype(int))
    clean = samples.images[index]
    changed = np.stack([_change(image, place, rng) for place, image in enumerate(clean)])
    gray = [np.full((1, *clean.shape[1:]), level, np.float32) for level in BLANK]
    noise = rng.random((len(BLANK), *clean.shape[1:]), dtype=np.float32)
    return Probes(index=index, clean=clean, changed=changed, empty=np.concatenate([*gray, noise]))


def _change(image: Floats, place: int, rng: np.random.Generator) -> Floats:
    match place % 4:
        case 0:
            changed = image + NOISE * rng.standard_normal(image.shape, dtype=np.float32)
        case 1:
            limits = [max(1, round(SHIFT * size)) if size > 1 else 0 for size in image.shape[1:]]
            steps = [int(rng.integers(-limit, limit + 1)) for limit in limits]
            changed = np.roll(image, steps, (1, 2))
        case 2:
            changed = image * rng.uniform(0.6, 1.0)
        case _:
            center = image.mean()
            changed = center + (image - center) * rng.uniform(0.6, 1.4)
    return np.clip(changed, 0.0, 1.0).astype(np.float32)
