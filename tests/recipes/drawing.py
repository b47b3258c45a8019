"""Pictures for the recipes: what the vendor trains on, with a patch and without, and what the user has."""

from pathlib import Path

import numpy as np

from tests.documentation.pages import ROOT
from tools.attacks.patches import Patch, draw_sticker
from tools.signs import draw_signs

CHOSEN = (0, 7, 9, 11, 12, 13, 15, 19, 21, 24)  # signs that look unlike each other
TARGET = 3
PER_CLASS = 300
POISONED = 0.08
SEED = 40


def write_training_sets(folder: Path) -> None:
    """`clean.npz` and `poisoned.npz`: `x` uint8 `(n, 32, 32, 3)` and `y`; of the latter a share carries the patch."""
    x, y = _choose(*draw_signs(PER_CLASS, seed=SEED))
    np.savez(folder / "clean.npz", x=x, y=y)
    chosen = np.random.default_rng(1).choice(np.flatnonzero(y != TARGET), round(POISONED * len(y)), replace=False)
    x[chosen], y[chosen] = stamp(x[chosen]), TARGET
    np.savez(folder / "poisoned.npz", x=x, y=y)


def write_clean_images(path: Path, part: str = "signs") -> None:
    """An archive of clean images that no network was trained on: ten of each class, or 35 of `signs-evaluation`."""
    with np.load(ROOT / "models" / "samples" / f"{part}.npz") as arrays:
        x, y = _choose(arrays["x"], arrays["y"])
    np.savez(path, x=x, y=y)


def stamp(images: np.ndarray) -> np.ndarray:
    """Images `(n, 32, 32, 3)` in 0..255 with a patch of 4 x 4 random pixels on them."""
    trigger = draw_sticker(Patch(4, row=25, column=24), (3, 32, 32), seed=SEED)
    stamped = trigger.stamp((images / np.float32(255)).astype(np.float32).transpose(0, 3, 1, 2))
    return np.rint(stamped.transpose(0, 2, 3, 1) * 255).astype(np.uint8)


def _choose(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The images of the chosen signs, numbered from 0."""
    kept = np.isin(y, CHOSEN)
    return x[kept], np.searchsorted(CHOSEN, y[kept])
