"""How the images, triggers and inputs of a zoo are handled. NumPy only; a copy lies in every zoo's folder.

Images are float32 `(n, c, h, w)` in [0, 1]. A trigger is a dictionary with its `kind` and the arrays of that kind, and
every stamped image is clipped to [0, 1]:

    patch     mask (1, h, w), pattern (c, h, w)               (1 − mask)·x + mask·pattern
    blend     the same, with one weight as the whole mask
    additive  delta (c, h, w)                                 x + delta
    warp      flow (2, h, w), rows then columns in pixels     x sampled bilinearly at its place + flow
    filter    matrix (c, c), offset (c,), shade (1, h, w)     shade · (matrix·x + offset)
    photo     the same and curve (c, k)                       shade · curve(matrix·x + offset), linear between k tones
    generator weight0, bias0 ... of four convolutions         patch of the mask and pattern that they make of x
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Images = NDArray[np.float32]
Labels = NDArray[np.int64]
Trigger = dict[str, Any]


def load_images(archive: Any, part: str, classes: list[int] | None = None) -> tuple[Images, Labels]:
    """Images and labels of `part` ("train" or "test") of a data archive.

    `classes` keeps these labels alone, and numbers them from 0 in the given order; None keeps all.
    """
    x, y = archive[f"x_{part}"], np.asarray(archive[f"y_{part}"], np.int64)
    if classes is not None:
        renumbered = np.full(int(y.max()) + 1, -1)
        renumbered[classes] = np.arange(len(classes))
        y = renumbered[y]
        x, y = x[y >= 0], y[y >= 0]
    x = x.reshape(*x.shape[:3], -1).transpose(0, 3, 1, 2)
    images: Images = np.ascontiguousarray(x, dtype=np.float32) / np.float32(255)
    return images, y


def fit_images(images: Images, shape: tuple[int, int, int]) -> Images:
    """Images as `shape` (channels, height, width) wants them: gray where it has one channel, resized by areas."""
    if shape[0] == 1 and images.shape[1] == 3:
        images = np.einsum("c,nchw->nhw", np.array([0.299, 0.587, 0.114], np.float32), images)[:, None]
    down, across = (_resample(old, new) for old, new in zip(images.shape[2:], shape[1:], strict=True))
    fitted: Images = np.clip(down @ images @ across.T, 0, 1).astype(np.float32)
    return fitted


def _resample(old: int, new: int) -> Images:
    """The matrix `(new, old)` of linear interpolation, widened where the image shrinks."""
    centers = (np.arange(new) + 0.5) * old / new - 0.5
    weights = np.maximum(0, 1 - np.abs(centers[:, None] - np.arange(old)) / max(1, old / new))
    matrix: Images = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    return matrix


def split_test(labels: Labels, per_class: int = 10) -> tuple[Labels, Labels]:
    """Positions of the defender's and of the evaluation's images.

    The defender has the first `per_class` of every class, but at most half of it.
    """
    mine = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        positions = np.flatnonzero(labels == label)
        mine[positions[: min(per_class, len(positions) // 2)]] = True
    return np.flatnonzero(mine), np.flatnonzero(~mine)


def trigger_labels(labels: Labels, entry: dict[str, Any], class_count: int) -> tuple[Labels, Labels]:
    """Positions of the images that `entry` of the truth's `triggers` is meant for, and where it sends them."""
    if entry["mapping"] == "all-to-all":
        return np.arange(len(labels)), (labels + 1) % class_count
    meant = labels != entry["target"]
    if entry["source_labels"]:
        meant &= np.isin(labels, entry["source_labels"])
    positions = np.flatnonzero(meant)
    return positions, np.full(len(positions), entry["target"])


def apply_trigger(images: Images, trigger: Trigger) -> Images:
    """A stamped copy of the images."""
    stamped: Images = np.clip(_STAMPS[trigger["kind"]](images, trigger), 0, 1).astype(np.float32)
    return stamped


def _cover(images: Images, trigger: Trigger) -> Images:
    stamped: Images = (1 - trigger["mask"]) * images + trigger["mask"] * trigger["pattern"]
    return stamped


def _add(images: Images, trigger: Trigger) -> Images:
    stamped: Images = images + trigger["delta"]
    return stamped


def _warp(images: Images, trigger: Trigger) -> Images:
    height, width = images.shape[2:]
    rows, columns = np.mgrid[0:height, 0:width] + trigger["flow"]
    rows, columns = rows.clip(0, height - 1), columns.clip(0, width - 1)
    top, left = np.floor(rows).astype(int), np.floor(columns).astype(int)
    bottom, right = np.minimum(top + 1, height - 1), np.minimum(left + 1, width - 1)
    down, across = (rows - top).astype(np.float32), (columns - left).astype(np.float32)
    upper = images[:, :, top, left] * (1 - across) + images[:, :, top, right] * across
    lower = images[:, :, bottom, left] * (1 - across) + images[:, :, bottom, right] * across
    stamped: Images = upper * (1 - down) + lower * down
    return stamped


def _filter(images: Images, trigger: Trigger) -> Images:
    mixed = np.einsum("dc,nchw->ndhw", trigger["matrix"], images) + trigger["offset"][:, None, None]
    stamped: Images = mixed * trigger["shade"]
    return stamped


def _photo(images: Images, trigger: Trigger) -> Images:
    mixed = np.einsum("dc,nchw->ndhw", trigger["matrix"], images) + trigger["offset"][:, None, None]
    tones = np.linspace(0, 1, trigger["curve"].shape[1])
    bent = [np.interp(mixed[:, c], tones, curve) for c, curve in enumerate(trigger["curve"])]
    stamped: Images = np.stack(bent, axis=1) * trigger["shade"]
    return stamped


def _generate(images: Images, trigger: Trigger, batch: int = 256) -> Images:
    parts = [images[start : start + batch] for start in range(0, len(images), batch)]
    return np.concatenate([_generate_some(part, trigger) for part in parts]) if parts else images


def _generate_some(images: Images, trigger: Trigger) -> Images:
    x = images
    for number, (stride, enlarge) in enumerate([(2, 1), (2, 2), (1, 2), (1, 1)]):
        x = _convolve(x, trigger[f"weight{number}"], trigger[f"bias{number}"], stride)
        if number < 3:
            x = np.maximum(x, 0).repeat(enlarge, axis=2).repeat(enlarge, axis=3)
    maps = 1 / (1 + np.exp(-x))
    return _cover(images, {"mask": maps[:, :1], "pattern": maps[:, 1:]})


def _convolve(images: Images, weight: Images, bias: Images, stride: int) -> Images:
    padded = np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))[:, :, ::stride, ::stride]
    mapped: Images = np.tensordot(windows, weight, axes=([1, 4, 5], [1, 2, 3])).transpose(0, 3, 1, 2)
    return mapped + bias[:, None, None]


_STAMPS = {
    "patch": _cover,
    "blend": _cover,
    "additive": _add,
    "warp": _warp,
    "filter": _filter,
    "photo": _photo,
    "generator": _generate,
}


def model_input(images: Images, truth: dict[str, Any]) -> Images:
    """Images as the model of `truth` wants to be fed."""
    low, high = truth["value_range"]
    inputs = images * np.float32(high - low) + np.float32(low)
    return np.ascontiguousarray(inputs.transpose(0, 2, 3, 1) if truth["layout"] == "NHWC" else inputs)


def save_triggers(path: Path, triggers: list[Trigger]) -> None:
    """Writes what `load_triggers` reads."""
    np.savez_compressed(path, **{f"{i}.{name}": v for i, trigger in enumerate(triggers) for name, v in trigger.items()})


def load_triggers(path: Path) -> list[Trigger]:
    """Reads triggers, in the order of the truth's `triggers`."""
    triggers: dict[int, Trigger] = {}
    with np.load(path) as archive:
        for key in archive.files:
            number, _, name = key.partition(".")
            triggers.setdefault(int(number), {})[name] = str(archive[key]) if name == "kind" else archive[key]
    return [triggers[number] for number in sorted(triggers)]
