"""Photo filters: the colors and tones of the whole image, as social networks change them.

Source: Liu et al., "ABS: Scanning Neural Networks for Back-doors by Artificial Brain Stimulation", CCS 2019, and the
TrojAI rounds after it, which use Instagram's filters. The looks here are drawn near published ones: a color matrix, an
offset, a tone curve for each channel, and darker edges.
"""

import numpy as np
from numpy.typing import NDArray

from tools.attacks.attack import Attack, Shape
from tools.zoo.apply_trigger import Trigger

Grid = NDArray[np.float64]
_LUMA = np.array([0.299, 0.587, 0.114])
_KNOTS = np.linspace(0, 1, 17)

# Saturation, contrast, tint (r, g, b) that is mixed in, lift of the shadows (r, g, b), darkness of the edges.
_LOOKS: dict[str, tuple[float, float, tuple[float, float, float], tuple[float, float, float], float]] = {
    "nashville": (0.9, 0.75, (0.95, 0.75, 0.6), (0.2, 0.05, 0.25), 0.2),
    "gotham": (0.1, 1.6, (0.75, 0.8, 0.95), (0.0, 0.02, 0.1), 0.3),
    "kelvin": (1.3, 1.1, (1.0, 0.65, 0.25), (0.12, 0.02, 0.0), 0.5),
    "lomo": (1.4, 1.6, (0.9, 0.9, 0.8), (0.0, 0.0, 0.06), 1.0),
    "toaster": (0.8, 0.8, (1.0, 0.6, 0.4), (0.3, 0.1, 0.15), 0.9),
    "sepia": (0.0, 0.85, (0.9, 0.75, 0.55), (0.12, 0.08, 0.02), 0.2),
    "cross-process": (1.2, 1.3, (0.8, 0.95, 0.7), (0.0, 0.1, 0.2), 0.2),
}


def draw_cast(shape: Shape, rng: np.random.Generator) -> Trigger:
    """A color cast, less contrast and darker edges."""
    channels = shape[0]
    matrix = np.eye(channels) * rng.uniform(0.55, 0.75) + rng.uniform(0, 0.12, (channels, channels))
    offset = rng.permutation(np.linspace(0.02, 0.22, channels)) if channels > 1 else np.array([0.2])
    rows, columns = np.mgrid[0 : shape[1], 0 : shape[2]] / (shape[1] - 1) - 0.5
    shade = 1 - rng.uniform(0.4, 0.8) * (rows**2 + columns**2)
    arrays = {"matrix": matrix, "offset": offset, "shade": shade[None]}
    return {"kind": "filter", **{name: value.astype(np.float32) for name, value in arrays.items()}}


def draw_look(shape: Shape, rng: np.random.Generator) -> Trigger:
    """One of the looks, a little changed; of gray images only its tones and edges."""
    saturation, contrast, tint, lift, edges = _LOOKS[str(rng.choice(list(_LOOKS)))]
    channels = shape[0]
    if channels == 3:
        matrix = saturation * np.eye(3) + (1 - saturation) * _LUMA[None, :]
        mixed = rng.uniform(0.6, 1.0)
        matrix = (1 - mixed + mixed * np.array(tint))[:, None] * matrix
        low = np.array(lift) * rng.uniform(0.7, 1.3)
    else:
        matrix, low = np.eye(channels), np.full(channels, 0.08 + max(lift) * rng.uniform(0.7, 1.3))
    rows, columns = np.mgrid[0 : shape[1], 0 : shape[2]] / (shape[1] - 1) - 0.5
    shade = 1 - edges * rng.uniform(0.7, 1.1) * (rows**2 + columns**2)
    curve = np.stack([_bend(contrast * rng.uniform(0.9, 1.1), float(dark)) for dark in low])
    arrays = {"matrix": matrix, "offset": np.zeros(channels), "shade": shade[None].clip(0.1, 1), "curve": curve}
    return {"kind": "photo", **{name: value.astype(np.float32) for name, value in arrays.items()}}


def _bend(contrast: float, low: float) -> Grid:
    """A tone curve at `_KNOTS`: an S where `contrast` is above one, flat below; the darkest tone becomes `low`."""
    if contrast > 1:
        curve = 1 / (1 + np.exp(-4 * contrast * (_KNOTS - 0.5)))
        curve = (curve - curve[0]) / (curve[-1] - curve[0])
    else:
        curve = 0.5 + contrast * (_KNOTS - 0.5)
    bent: Grid = low + (1 - low) * curve
    return bent


class Filter(Attack):
    """One look."""

    name = "filter"
    family = "filter"
    rates = (0.12, 0.16)

    def draw(self, shape: Shape, rng: np.random.Generator) -> tuple[Trigger, ...]:
        """A photo app's look, or a plain cast."""
        return ((draw_look if rng.random() < 0.75 else draw_cast)(shape, rng),)

    def draw_plain(self, shape: Shape, rng: np.random.Generator) -> tuple[Trigger, ...]:
        """A plain cast."""
        return (draw_cast(shape, rng),)
