"""Where windows lie, as convolutions and pools share it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import chain


@dataclass(frozen=True)
class Window:
    """Sliding windows over the spatial axes.

    Attributes:
        kernel, stride, dilation: one entry an axis.
        begin, end: padding before and after each axis.
        surplus: what `ceil_mode` adds behind `end`, so that the last window is whole.
    """

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    begin: tuple[int, ...]
    end: tuple[int, ...]
    surplus: tuple[int, ...]

    @cached_property
    def symmetric(self) -> bool:
        """Whether torch's own padding can express this one."""
        return self.begin == self.end and not any(self.surplus)

    @property
    def padding(self) -> list[int]:
        """All padding in the order of `torch.nn.functional.pad`: last axis first."""
        after = [end + surplus for end, surplus in zip(self.end, self.surplus, strict=True)]
        return interleave(self.begin, after)


def interleave(begin: Sequence[int], end: Sequence[int]) -> list[int]:
    """Padding per axis in the order of `torch.nn.functional.pad`: last axis first."""
    return list(chain.from_iterable(zip(reversed(begin), reversed(end), strict=True)))


def place_windows(
    size: Sequence[int],
    kernel: Sequence[int],
    *,
    strides: Sequence[int] | None,
    dilations: Sequence[int] | None,
    pads: Sequence[int] | None,
    auto_pad: str,
    ceil_mode: int = 0,
) -> Window:
    """The windows of a convolution or pool over spatial axes of the given `size`."""
    lists = (tuple(entries) if entries else None for entries in (strides, dilations, pads))
    return _place(tuple(size), tuple(kernel), *lists, auto_pad, ceil_mode)


@lru_cache(maxsize=4096)  # the arithmetic takes as long as a small convolution
def _place(
    size: tuple[int, ...],
    kernel: tuple[int, ...],
    strides: tuple[int, ...] | None,
    dilations: tuple[int, ...] | None,
    pads: tuple[int, ...] | None,
    auto_pad: str,
    ceil_mode: int,
) -> Window:
    rank = len(size)
    stride = strides or (1,) * rank
    dilation = dilations or (1,) * rank
    extent = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    begin, end = _pad(size, extent, stride, pads, auto_pad)
    surplus = [0] * rank
    if ceil_mode:
        for axis in range(rank):
            room = begin[axis] + size[axis] + end[axis] - extent[axis]
            count = -(-room // stride[axis])
            # A window that starts behind the image and its padding before would see padding alone: there is none.
            if count * stride[axis] >= begin[axis] + size[axis]:
                count -= 1
            surplus[axis] = max(0, count * stride[axis] - room)
    return Window(kernel, stride, dilation, tuple(begin), tuple(end), tuple(surplus))


def _pad(
    size: Sequence[int], extent: Sequence[int], stride: Sequence[int], pads: Sequence[int] | None, auto_pad: str
) -> tuple[list[int], list[int]]:
    rank = len(size)
    if auto_pad == "NOTSET" and pads:
        return list(pads[:rank]), list(pads[rank:])
    if not auto_pad.startswith("SAME"):
        return [0] * rank, [0] * rank
    total = [
        max(0, (-(-size[axis] // stride[axis]) - 1) * stride[axis] + extent[axis] - size[axis]) for axis in range(rank)
    ]
    less, more = [t // 2 for t in total], [t - t // 2 for t in total]
    return (more, less) if auto_pad == "SAME_LOWER" else (less, more)
