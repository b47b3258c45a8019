"""Resize and Upsample, by ONNX's own coordinates (torch's differ).

Interpolation is separable: along each resized axis the output is a matrix times the input, one row a new position,
with the kernel's weights at the old ones.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from onnxaudit.importer.ops.arguments import StaticInts, to_axes, to_ints
from onnxaudit.importer.registry import op

StaticNumbers = Tensor | list[float] | None
ROUNDING: dict[str, Callable[[Tensor], Tensor]] = {
    "round_prefer_floor": lambda x: torch.ceil(x - 0.5),
    "round_prefer_ceil": lambda x: torch.floor(x + 0.5),
    "floor": torch.floor,
    "ceil": torch.ceil,
}


@dataclass(frozen=True)
class Rule:
    """How an axis is resampled; the fields are Resize's attributes."""

    mode: str = "nearest"
    coordinate_transformation_mode: str = "half_pixel"
    nearest_mode: str = "round_prefer_floor"
    cubic_coeff_a: float = -0.75
    exclude_outside: bool = False
    antialias: bool = False
    extrapolation_value: float = 0.0


OLD_RULE = Rule(coordinate_transformation_mode="asymmetric", nearest_mode="floor")


@op("Upsample", since=7)
def upsample_by_attribute(x: Tensor, *, mode: str = "nearest", scales: list[float]) -> Tensor:
    """A tensor enlarged by `scales`."""
    return upsample(x, scales, mode=mode)


@op("Upsample", since=9, static=("scales",))
@op("Resize", since=10, static=("scales",))
def upsample(x: Tensor, scales: StaticNumbers, *, mode: str = "nearest") -> Tensor:
    """A tensor resized by `scales`."""
    factors = _to_floats(scales)
    rule = Rule(mode, OLD_RULE.coordinate_transformation_mode, OLD_RULE.nearest_mode)
    for axis, scale in enumerate(factors):
        x = _resize_axis(x, axis, math.floor(x.shape[axis] * scale), scale, rule, None)
    return x


@op("Resize", since=11, static=("roi", "scales", "sizes"))
def resize(
    x: Tensor,
    roi: StaticNumbers = None,
    scales: StaticNumbers = None,
    sizes: StaticInts = None,
    *,
    antialias: int = 0,
    axes: list[int] | None = None,
    coordinate_transformation_mode: str = "half_pixel",
    cubic_coeff_a: float = -0.75,
    exclude_outside: int = 0,
    extrapolation_value: float = 0.0,
    keep_aspect_ratio_policy: str = "stretch",
    mode: str = "nearest",
    nearest_mode: str = "round_prefer_floor",
) -> Tensor:
    """A tensor resized by `scales` or to `sizes` along `axes`; a size of −1, beyond the spec, keeps the axis."""
    rule = Rule(
        mode=mode,
        coordinate_transformation_mode=coordinate_transformation_mode,
        nearest_mode=nearest_mode,
        cubic_coeff_a=cubic_coeff_a,
        exclude_outside=bool(exclude_outside),
        antialias=bool(antialias),
        extrapolation_value=extrapolation_value,
    )
    chosen = to_axes(axes, x.ndim) if axes is not None else list(range(x.ndim))
    factors, lengths = _to_floats(scales), to_ints(sizes)
    if factors:
        lengths = [math.floor(x.shape[axis] * scale) for axis, scale in zip(chosen, factors, strict=True)]
    else:
        lengths = [x.shape[axis] if size == -1 else size for axis, size in zip(chosen, lengths, strict=True)]
        factors = [length / x.shape[axis] for axis, length in zip(chosen, lengths, strict=True)]
        if keep_aspect_ratio_policy != "stretch":
            factors = [min(factors) if keep_aspect_ratio_policy == "not_larger" else max(factors)] * len(factors)
            lengths = [math.floor(x.shape[axis] * factors[0] + 0.5) for axis in chosen]
    corners = _to_floats(roi) if coordinate_transformation_mode == "tf_crop_and_resize" else []
    for position, axis in enumerate(chosen):
        region = (corners[position], corners[position + len(chosen)]) if corners else None
        x = _resize_axis(x, axis, lengths[position], factors[position], rule, region)
    return x


def _to_floats(value: StaticNumbers) -> list[float]:
    return [] if value is None else [float(item) for item in (value.tolist() if isinstance(value, Tensor) else value)]


def _resize_axis(
    x: Tensor, axis: int, length: int, scale: float, rule: Rule, region: tuple[float, float] | None
) -> Tensor:
    size = x.shape[axis]
    if length == size and scale == 1.0 and region in (None, (0.0, 1.0)):
        return x
    if rule.mode == "nearest":
        index, outside = _find_nearest(size, length, scale, rule, region)
        y = x.index_select(axis, index.to(x.device))
    else:
        matrix, outside = _make_matrix(size, length, scale, rule, region)
        y = torch.matmul(x.movedim(axis, -1), matrix.to(x).t()).movedim(-1, axis)
    if region is None or not outside.any():
        return y
    shape = [1] * x.ndim
    shape[axis] = length
    return torch.where(outside.to(x.device).reshape(shape), rule.extrapolation_value, y)


def _locate(size: int, length: int, scale: float, mode: str, region: tuple[float, float] | None) -> Tensor:
    """Where each of `length` new positions lies among `size` old ones."""
    new = torch.arange(length, dtype=torch.float64)
    if mode == "align_corners":
        return new * ((size - 1) / (length - 1)) if length > 1 else torch.zeros(length, dtype=torch.float64)
    if mode == "asymmetric":
        return new / scale
    if mode == "tf_half_pixel_for_nn":
        return (new + 0.5) / scale
    if mode == "tf_crop_and_resize":
        assert region is not None
        start, end = region
        if length == 1:
            return torch.full((1,), 0.5 * (start + end) * (size - 1), dtype=torch.float64)
        return start * (size - 1) + new * ((end - start) * (size - 1) / (length - 1))
    if mode == "pytorch_half_pixel" and length == 1:
        return torch.zeros(1, dtype=torch.float64)
    half = (new + 0.5) / scale - 0.5
    if mode == "half_pixel_symmetric":
        # Where the length was rounded, what is lost or gained is shared by both ends.
        half += size / 2 * (1 - length / (scale * size))
    return half


@lru_cache(maxsize=256)
def _find_nearest(
    size: int, length: int, scale: float, rule: Rule, region: tuple[float, float] | None
) -> tuple[Tensor, Tensor]:
    old = _locate(size, length, scale, rule.coordinate_transformation_mode, region)
    return ROUNDING[rule.nearest_mode](old).clamp(0, size - 1).long(), (old < 0) | (old > size - 1)


@lru_cache(maxsize=256)
def _make_matrix(
    size: int, length: int, scale: float, rule: Rule, region: tuple[float, float] | None
) -> tuple[Tensor, Tensor]:
    """Weights `(length, size)`, and which new positions lie outside the old ones."""
    old = _locate(size, length, scale, rule.coordinate_transformation_mode, region)
    shrink = min(scale, 1.0) if rule.antialias else 1.0
    reach = math.ceil((1 if rule.mode == "linear" else 2) / shrink)
    tap = old.floor()[:, None] + torch.arange(-reach, reach + 2)
    distance = (tap - old[:, None]).abs() * shrink
    weight = (1 - distance).clamp(min=0) if rule.mode == "linear" else _weigh_cubic(distance, rule.cubic_coeff_a)
    if rule.exclude_outside:
        weight = torch.where((tap >= 0) & (tap < size), weight, 0.0)
    weight = weight / weight.sum(1, keepdim=True)
    matrix = torch.zeros(length, size, dtype=torch.float64)
    matrix.scatter_add_(1, tap.clamp(0, size - 1).long(), weight)
    return matrix, (old < 0) | (old > size - 1)


def _weigh_cubic(distance: Tensor, a: float) -> Tensor:
    """The cubic convolution kernel, with slope `a` at distance 1."""
    near = ((a + 2) * distance - (a + 3)) * distance * distance + 1
    far = ((a * distance - 5 * a) * distance + 8 * a) * distance - 4 * a
    return torch.where(distance <= 1, near, torch.where(distance < 2, far, 0.0))
