"""Input sizes that a file leaves free: what settles them, and the working copy in which they are fixed."""

from collections.abc import Callable

import onnx

from onnxaudit.errors import ModelError, UsageError
from onnxaudit.intake.declarations import Shape, describe
from onnxaudit.records import Layout

Size = tuple[int, int]  # height and width; series and features have height 1
FindSize = Callable[[Layout], Size]  # asked only where the file leaves a size free


def settle_size(
    value: onnx.ValueInfoProto, layout: Layout, declared: Shape, wanted: Size | None, find: FindSize | None
) -> Size:
    """Height and width of an input: what the file fixes, else what is wanted, else what is found.

    Args:
        value: the input.
        layout: order of its axes.
        declared: height and width, each free where it is no number.
        wanted: what the caller says.
        find: tells the size where the caller says nothing.

    Raises:
        ModelError: a size is free and nobody tells it.
        UsageError: the file fixes another size than is wanted.
    """
    height, width = declared
    if isinstance(height, int) and isinstance(width, int):
        found: Size = height, width
    elif wanted is not None:
        found = wanted
    elif find is not None:
        found = find(layout)
    else:
        free = _name_sizes(layout, (not isinstance(height, int), not isinstance(width, int)))
        raise ModelError(f"input {describe(value)}: the file leaves {free} free; name {_option(layout, height, width)}")
    size = _take_fixed(height, found[0]), _take_fixed(width, found[1])
    if wanted not in (None, size):
        fixed = _name_sizes(layout, (isinstance(height, int), isinstance(width, int)))
        raise UsageError(
            f"input {describe(value)}: the file fixes {fixed}; leave out {_option(layout)}, or name {size[0]}x{size[1]}"
        )
    return size


def _take_fixed(axis: int | str, found: int) -> int:
    return axis if isinstance(axis, int) else found


def _name_sizes(layout: Layout, which: tuple[bool, bool]) -> str:
    """What the sizes of an input are called; of an image height, width, or both."""
    if not layout.is_image:
        return f"the number of {layout.unit}"
    return {(True, False): "the height", (False, True): "the width"}.get(which, "height and width")


def _option(layout: Layout, height: int | str = "H", width: int | str = "W") -> str:
    """The option that names a size, with what the file fixes."""
    sides = (side if isinstance(side, int) else letter for side, letter in ((height, "H"), (width, "W")))
    return f"--input-size {'x'.join(map(str, sides)) if layout.is_image else 'N'}"


def fix_input(proto: onnx.ModelProto, name: str, shape: tuple[int, ...]) -> onnx.ModelProto:
    """The model with the sizes behind the batch of input `name` fixed; the very same where the file fixes them."""
    if all(axis.dim_value > 0 for axis in _find_axes(proto, name)[1:]):
        return proto
    fixed = onnx.ModelProto()
    fixed.CopyFrom(proto)
    for axis, size in list(zip(_find_axes(fixed, name), shape, strict=True))[1:]:
        axis.dim_value = size
    return fixed


def _find_axes(proto: onnx.ModelProto, name: str) -> list[onnx.TensorShapeProto.Dimension]:
    value = next(value for value in proto.graph.input if value.name == name)
    return list(value.type.tensor_type.shape.dim)
