"""How pixels become model inputs: the one place where range, mean, channel order and layout are applied."""

from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from onnxaudit.errors import UsageError
from onnxaudit.records import ChannelOrder, ElementType, Floats, Layout, Preprocessing

Pixels = TypeVar("Pixels", bound=Any)

UNIT = Preprocessing("0..1", 0.0, 1.0)
BYTES = Preprocessing("0..255", 0.0, 255.0)
SIGNED = Preprocessing("-1..1", -1.0, 1.0)
IMAGENET = Preprocessing("ImageNet", mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
CAFFE = Preprocessing("Caffe", high=255.0, mean=(103.939, 116.779, 123.68), channel_order=ChannelOrder.BGR)
MNIST = Preprocessing("MNIST", mean=(0.1307,), std=(0.3081,))


def common_preprocessings(channels: int) -> tuple[Preprocessing, ...]:
    """The ways in common use for images of so many channels, the most usual first."""
    return (UNIT, BYTES, SIGNED, *{1: (MNIST,), 3: (IMAGENET, CAFFE)}.get(channels, ()))


def preprocess(pixels: Pixels, preprocessing: Preprocessing, layout: Layout) -> Pixels:
    """Turn pixels into model inputs.

    Args:
        pixels: `(n, c, h, w)` in [0, 1], a numpy array or a torch tensor (gradients flow).
        preprocessing: what is done to them.
        layout: order of the model's axes.

    Returns:
        Axes as in `InputSpec.shape`, of the kind and type of `pixels`.
    """
    if preprocessing.bounds:
        bounded: Pixels = _order_axes(_to_bounds(pixels, preprocessing, layout), layout)
        return bounded
    if preprocessing.channel_order is ChannelOrder.BGR:
        pixels = pixels[:, [2, 1, 0, *range(3, pixels.shape[1])]]
    scale, shift = _affine(preprocessing)
    if scale != (1.0,):
        pixels = pixels * _per_channel(scale, pixels)
    if shift != (0.0,):
        pixels = pixels + _per_channel(shift, pixels)
    ordered: Pixels = _order_axes(pixels, layout)
    return ordered


def observe_bounds(values: Floats, layout: Layout) -> tuple[tuple[float, float], ...]:
    """The range that each feature, or each channel of a series, has in `values` `(n, c, 1, w)`."""
    others = (0, 1, 2) if layout is Layout.NC else (0, 2, 3)
    low, high = values.min(axis=others), values.max(axis=others)
    return tuple(zip(low.tolist(), high.tolist(), strict=True))


def to_unit_space(values: Floats, bounds: tuple[tuple[float, float], ...], layout: Layout) -> Floats:
    """`values` `(n, c, 1, w)` with each range mapped to [0, 1]; 0 where a range has no width."""
    low, high = (_along(np.array(end, np.float64), layout) for end in zip(*bounds, strict=True))
    width = np.where(high > low, high - low, 1.0)
    return np.where(high > low, (values - low) / width, 0.0).astype(np.float32)


def _to_bounds(pixels: Any, preprocessing: Preprocessing, layout: Layout) -> Any:
    low, high = (_along(np.array(end, np.float32), layout) for end in zip(*preprocessing.bounds, strict=True))
    if not isinstance(pixels, np.ndarray):
        low, high = pixels.new_tensor(low), pixels.new_tensor(high)
    return low + pixels * (high - low)


def _along(values: npt.NDArray[Any], layout: Layout) -> npt.NDArray[Any]:
    """One value a feature, or a channel, as what broadcasts with `(n, c, 1, w)`."""
    return values.reshape((1, 1, 1, -1) if layout is Layout.NC else (1, -1, 1, 1))


def _order_axes(pixels: Any, layout: Layout) -> Any:
    """`(n, c, h, w)` in the model's own order of axes."""
    match layout:
        case Layout.NCHW:
            return pixels
        case Layout.NHWC:
            return _move_last(pixels)
        case Layout.NCW:
            return pixels[:, :, 0]
        case Layout.NWC:
            return _move_last(pixels)[:, 0]
        case Layout.NC:
            return pixels[:, 0, 0]


def _move_last(pixels: Any) -> Any:
    return np.moveaxis(pixels, 1, 3) if isinstance(pixels, np.ndarray) else pixels.permute(0, 2, 3, 1)


def round_to_type(inputs: Floats, dtype: ElementType) -> npt.NDArray[Any]:
    """Model inputs in the type that the model takes: whole numbers rounded, and kept within the type's limits."""
    if not dtype.integral:
        return np.ascontiguousarray(inputs, dtype=dtype.value)
    limits = np.iinfo(dtype.value)
    # As float64, which holds all limits but those of int64 exactly.
    whole = np.clip(np.rint(inputs.astype(np.float64)), limits.min, np.nextafter(float(limits.max) + 1, 0.0))
    return np.ascontiguousarray(whole.astype(dtype.value))


def typed_preprocessing(dtype: ElementType) -> Preprocessing | None:
    """What the type of an integer input says of images: 8 and 16 bits are used in full, wider ones hold bytes."""
    match dtype:
        case ElementType.UINT8 | ElementType.INT32 | ElementType.INT64:
            return BYTES
        case ElementType.INT8 | ElementType.INT16 | ElementType.UINT16:
            limits = np.iinfo(dtype.value)
            return Preprocessing(f"{limits.min}..{limits.max}", float(limits.min), float(limits.max))
        case _:
            return None


def given_preprocessing(
    bounds: tuple[float, float] | None,
    mean: tuple[float, ...] | None,
    std: tuple[float, ...] | None,
    channel_order: ChannelOrder | None,
    channels: int,
) -> Preprocessing:
    """The preprocessing that a user describes, for a model of so many channels.

    What is None takes no part: no mean is subtracted, nothing is divided, channels are RGB. Without a range, mean and
    standard deviation speak of 0..1.

    Raises:
        UsageError: the range stays open, or the options contradict each other or the model.
    """
    low, high = _check_bounds(bounds, mean, std)
    for option, values in (("--mean", mean), ("--std", std)):
        if values is not None and (len(values) not in (1, channels) or not np.isfinite(values).all()):
            raise UsageError(f"{option} needs one number, or one for each of the model's {channels} channels")
    if std is not None and min(std) <= 0:
        raise UsageError("--std needs numbers above zero")
    if channel_order is ChannelOrder.BGR and channels < 3:
        raise UsageError(f"--channel-order BGR does not fit a model of {channels} channel")
    order = channel_order or ChannelOrder.RGB
    given = Preprocessing("given", low, high, mean or (0.0,), std or (1.0,), order)
    known = (common for common in common_preprocessings(channels) if replace(common, name="given") == given)
    return next(known, given)


def _check_bounds(
    bounds: tuple[float, float] | None, mean: tuple[float, ...] | None, std: tuple[float, ...] | None
) -> tuple[float, float]:
    if bounds is None:
        if mean is None and std is None:
            raise UsageError("--channel-order alone leaves the range of values open; give --range 0,1 or --range 0,255")
        if any(abs(value) > 1 for value in mean or ()):
            raise UsageError("--mean above 1 does not fit values in 0..1; give --range 0,255 with it")
        return 0.0, 1.0
    low, high = bounds
    if not (np.isfinite(bounds).all() and low < high):
        raise UsageError(f"--range {low:g},{high:g}: the first number has to be smaller than the second")
    return low, high


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
