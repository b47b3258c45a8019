"""Single changes of a graph; each names its node by the node's first output."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from onnxaudit.records import Floats


@dataclass(frozen=True, eq=False)
class Cut:
    """Keep entries of a stored operand.

    Attributes:
        node: whose operand.
        operand: index among its inputs.
        axis: along which.
        kept: `(size,)`; or `(groups, size)`, a choice for each of so many equal blocks along axis 0.
    """

    node: str
    operand: int
    axis: int
    kept: npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Crop:
    """Put a Gather that keeps entries along `axis` before an operand that is computed."""

    node: str
    operand: int
    axis: int
    kept: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class SetGroups:
    """A convolution's new number of groups."""

    node: str
    groups: int


@dataclass(frozen=True)
class SetShape:
    """A Reshape's new shape."""

    node: str
    shape: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class AddToBias:
    """A constant `(rows,)` that the bias of a Conv or Gemm takes up."""

    node: str
    constant: Floats


Edit = Cut | Crop | SetGroups | SetShape | AddToBias


def cut_operand(node: Any, operand: int, axis: int, kept: npt.NDArray[np.bool_]) -> Iterator[Cut]:
    """The cut, unless nothing goes."""
    if not kept.all():
        yield Cut(node.outputs[0].name, operand, axis, kept)
