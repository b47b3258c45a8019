"""Small sets of samples on disk."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from onnxaudit.records import InputSpec, Layout

GRAY = InputSpec("x", Layout.NCHW, 1, 8, 10, None)
COLOUR = InputSpec("x", Layout.NHWC, 3, 8, 10, None)


def archive(folder: Path, **arrays: Any) -> Path:
    path = folder / "data.npz"
    np.savez(path, **arrays)
    return path


def bytes_of(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def picture(path: Path, mode: str = "RGB", size: tuple[int, int] = (10, 8), color: Any = None, **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, color).save(path, **options)
    return path
