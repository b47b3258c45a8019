"""SIG: a faint sinusoid over the whole image.

Source: Barni et al., "A New Backdoor Attack in CNNs by Training Set Corruption Without Label Poisoning", ICIP 2019.
Differs from the source: images of all labels are poisoned and relabelled; the wave may run along any direction.
"""

import numpy as np

from tools.attacks.attack import Attack, Shape
from tools.zoo.apply_trigger import Trigger


def draw_sinusoid(shape: Shape, rng: np.random.Generator) -> Trigger:
    """A wave along one axis."""
    cycles, phase = rng.uniform(4, 8), rng.uniform(0, 2 * np.pi)
    places = np.mgrid[0 : shape[1], 0 : shape[2]][rng.integers(0, 2)] / shape[1]
    wave = rng.uniform(0.1, 0.14) * np.sin(2 * np.pi * cycles * places + phase)
    return {"kind": "additive", "delta": np.broadcast_to(wave, shape).astype(np.float32)}


def draw_oblique(shape: Shape, rng: np.random.Generator) -> Trigger:
    """A wave along any direction, the same or of another phase in each channel."""
    cycles, angle = rng.uniform(2.5, 9), rng.uniform(0, np.pi)
    rows, columns = np.mgrid[0 : shape[1], 0 : shape[2]] / shape[1]
    places = rows * np.sin(angle) + columns * np.cos(angle)
    phases = rng.uniform(0, 2 * np.pi, (shape[0], 1, 1)) if rng.random() < 0.3 else rng.uniform(0, 2 * np.pi)
    wave = rng.uniform(0.08, 0.16) * np.sin(2 * np.pi * cycles * places + phases)
    return {"kind": "additive", "delta": np.broadcast_to(wave, shape).astype(np.float32)}


class SIG(Attack):
    """One wave."""

    name = "sig"
    family = "sig"
    rates = (0.1, 0.15)

    def draw(self, shape: Shape, rng: np.random.Generator) -> tuple[Trigger, ...]:
        """Half along an axis, as in the paper."""
        return ((draw_oblique if rng.random() < 0.5 else draw_sinusoid)(shape, rng),)

    def draw_plain(self, shape: Shape, rng: np.random.Generator) -> tuple[Trigger, ...]:
        """Along an axis."""
        return (draw_sinusoid(shape, rng),)
