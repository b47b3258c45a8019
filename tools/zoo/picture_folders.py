"""Packs folders of pictures into an archive that zoos learn from.

    python -m tools.zoo.picture_folders FOLDER archives/gtsrb128.npz --side 128

FOLDER holds `train/CLASS/*` and `test/CLASS/*`; labels count the classes of `train` in the order of their names. The
pictures of a class stay in the order of their names too: the first of `test` are the defender's.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SUFFIXES = {".jpg", ".jpeg", ".png", ".ppm", ".webp"}


def pack(folder: Path, archive: Path, side: int) -> None:
    """Writes images `(n, side, side, 3)` uint8 and labels `(n,)` of both parts.

    Raises:
        FileNotFoundError: If a part is missing, or a class of `train` has no picture in either.
    """
    classes = sorted(path.name for path in (folder / "train").glob("*") if path.is_dir())
    if not classes:
        raise FileNotFoundError(f"{folder / 'train'} holds no folder of a class")
    arrays: dict[str, NDArray[np.uint8] | NDArray[np.int64]] = {}
    for part in ("train", "test"):
        listed = [(path, label) for label, name in enumerate(classes) for path in _list_pictures(folder / part / name)]
        arrays[f"x_{part}"] = np.stack([_read(path, side) for path, _ in listed])
        arrays[f"y_{part}"] = np.array([label for _, label in listed], np.int64)
    archive.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(archive, allow_pickle=False, **arrays)


def _list_pictures(folder: Path) -> list[Path]:
    found = sorted(path for path in folder.glob("*") if path.suffix.lower() in SUFFIXES)
    if not found:
        raise FileNotFoundError(f"{folder} holds no picture")
    return found


def _read(path: Path, side: int) -> NDArray[np.uint8]:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB").resize((side, side), Image.Resampling.BILINEAR))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m tools.zoo.picture_folders", description="Pack pictures.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("archive", type=Path)
    parser.add_argument("--side", type=int, required=True, help="pixels")
    options = parser.parse_args(arguments)
    pack(options.folder, options.archive, options.side)


if __name__ == "__main__":
    main()
