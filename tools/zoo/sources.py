"""The data that zoo models learn: archives of a folder, or free data that is drawn or read into one.

An archive `NAME.npz` holds images `x_train`, `x_test` uint8 `(n, h, w)` or `(n, h, w, c)`, and labels `y_train`,
`y_test` `(n,)`.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from tools.datasets import FASHION_FOLDER, load_dataset
from tools.zoo.apply_trigger import Images, Labels, fit_images, load_images, split_test
from tools.zoo.recipes import Source, ZooRecipe

SOURCES: tuple[Source, ...] = (
    Source("gtsrb32", 43, 32),
    Source("mnist", 10, 28),
    Source("cifar10", 10, 32, hard=True),
    Source("fashion_mnist", 10, 28, hard=True),
    Source("signs", 27, 32),
    Source("faces_yaleb", 38, 64, hard=True),
    Source("fashion", 10, 28, hard=True),
)
"""Known data sets; a zoo takes those whose archive is in the data folder."""

MORE_SOURCES: tuple[Source, ...] = (*SOURCES, Source("faces", 62, 64, hard=True))
"""Those of the second series."""

FLOORS = {
    "gtsrb32": 0.75,
    "mnist": 0.95,
    "cifar10": 0.5,
    "fashion_mnist": 0.77,
    "signs": 0.75,
    "faces_yaleb": 0.75,
    "fashion": 0.77,
    "faces": 0.6,
    "gtsrb128": 0.75,
}
"""Accuracy on all classes that a small network reaches on each data set without an attack, less a few points."""

MOST_TRAINING_IMAGES = 6000
_LOW_RATE_FACTOR = 2


@dataclass(frozen=True)
class Lessons:
    """What one model learns and is measured on: images `(n, c, h, w)` in [0, 1] with labels.

    Attributes:
        classes: The original labels that are kept, or None for all.
        images: To learn from.
        labels: Of `images`.
        test_images: To measure on; none of them is a defender's.
        test_labels: Of `test_images`.
    """

    classes: list[int] | None
    images: Images
    labels: Labels
    test_images: Images
    test_labels: Labels

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width."""
        channels, height, width = self.images.shape[1:]
        return channels, height, width


def find_sources(folder: Path, known: tuple[Source, ...] = SOURCES) -> tuple[Source, ...]:
    """Those of the `known` data sets whose archives `folder` holds.

    Raises:
        FileNotFoundError: If there is none.
    """
    found = tuple(source for source in known if (folder / f"{source.name}.npz").exists())
    if not found:
        raise FileNotFoundError(f"{folder} holds no archive of {', '.join(source.name for source in known)}")
    return found


def write_free_data(folder: Path) -> None:
    """Writes the data sets that can be drawn, or that the system's packages carry, where they are not there yet."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("signs", *(["fashion"] if FASHION_FOLDER.exists() else [])):
        if (folder / f"{name}.npz").exists():
            continue
        dataset = load_dataset(name)
        # The scan images come first: they are then the first of every class, which are the defender's.
        x_test = np.concatenate([dataset.scan.x, dataset.evaluation.x])
        y_test = np.concatenate([dataset.scan.y, dataset.evaluation.y])
        np.savez_compressed(
            folder / f"{name}.npz", x_train=dataset.train.x, y_train=dataset.train.y, x_test=x_test, y_test=y_test
        )


@lru_cache(maxsize=8)
def _read(folder: Path, name: str) -> dict[str, Any]:
    # Unpacking takes longer than everything else that is done with the data of one model.
    with np.load(folder / f"{name}.npz") as archive:
        return {key: archive[key] for key in ("x_train", "y_train", "x_test", "y_test")}


def load_lessons(recipe: ZooRecipe, source: Source, folder: Path) -> Lessons:
    """The classes and the training images of one model, and the images that it is measured on."""
    rng = recipe.rng(1)
    classes = None
    if recipe.class_count < source.class_count:
        classes = sorted(int(c) for c in rng.choice(source.class_count, recipe.class_count, replace=False))
    archive = _read(folder, recipe.dataset)
    images, labels = load_images(archive, "train", classes)
    test_images, test_labels = load_images(archive, "test", classes)
    most = MOST_TRAINING_IMAGES * (_LOW_RATE_FACTOR if recipe.kind == "low-rate" else 1)
    chosen = rng.permutation(len(images))[:most]
    _, evaluation = split_test(test_labels)
    images, labels = images[chosen], labels[chosen]
    test_images, test_labels = test_images[evaluation], test_labels[evaluation]
    if recipe.fitted:
        images, test_images = _fit(images, recipe), _fit(test_images, recipe)
    return Lessons(classes, images, labels, test_images, test_labels)


def _fit(images: Images, recipe: ZooRecipe) -> Images:
    side = recipe.side or images.shape[2]
    return fit_images(images, (1 if recipe.gray else images.shape[1], side, side))
