"""How pixels become model inputs: the one place where range, mean, channel order and layout are applied."""

from typing import Any, TypeVar

import numpy as np

from onnxaudit.records import ChannelOrder, Layout, Preprocessing

Pixels = TypeVar("Pixels", bound=Any)


def preprocess(pixels: Pixels, preprocessing: Preprocessing, layout: Layout) -> Pixels:
    """Turn pixels into model inputs.

    Args:
        pixels: `(n, c, h, w)` in [0, 1], a numpy array or a torch tensor (gradients flow).
        preprocessing: what is done to them.
        layout: order of the model's axes.

    Returns:
        `(n, c, h, w)` or `(n, h, w, c)`, of the kind and type of `pixels`.
    """
    if preprocessing.channel_order is ChannelOrder.BGR:
        pixels = pixels[:, [2, 1, 0, *range(3, pixels.shape[1])]]
    scale, shift = _affine(preprocessing)
    if scale != (1.0,):
        pixels = pixels * _per_channel(scale, pixels)
    if shift != (0.0,):
        pixels = pixels + _per_channel(shift, pixels)
    if layout is Layout.NHWC:
        pixels = np.moveaxis(pixels, 1, 3) if isinstance(pixels, np.ndarray) else pixels.permute(0, 2, 3, 1)
    return pixels


def _affine(preprocessing: Preprocessing) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """`p · scale + shift` is the preprocessing; one value each, or one a channel."""
    low, high = preprocessing.low, preprocessing.high
    mean, std = np.broadcast_arrays(preprocessing.mean, preprocessing.std)
    scale = tuple(float((high - low) / s) for s in std)
    shift = tuple(float((low - m) / s) for m, s in zip(mean, std, strict=True))
    return _shortest(scale), _shortest(shift)


def _shortest(values: tuple[float, ...]) -> tuple[float, ...]:
    return values[:1] if len(set(values)) == 1 else values


def _per_channel(values: tuple[float, ...], like: Any) -> Any:
    """`values` as something that broadcasts with `like` `(n, c, h, w)` and shares its kind, type and device."""
    if len(values) == 1:
        return values[0]
    if isinstance(like, np.ndarray):
        return np.array(values, dtype=like.dtype).reshape(1, -1, 1, 1)
    return like.new_tensor(values).reshape(1, -1, 1, 1)
