"""What backdoored graphs are made of, and the list of them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import onnx

from tools.testbed.gray_networks import CLASSES, SIDE, TARGET, constant, node

Images = np.ndarray

Attack = Callable[[Images], Images]

Answer = Literal["rejected", "dormant-gate", "unexplored-branch", "structure-not-examined", "live-bypass"]

DESIGNS: dict[str, "Design"] = {}

PATTERN = np.array([[1, 0, 1], [0, 1, 0], [1, 0, 1]], np.float32)

LAST = [constant([0, 0, SIDE - 3, SIDE - 3], "starts", np.int64), constant([2**31] * 4, "ends", np.int64)]

HOT = constant(np.eye(CLASSES)[[TARGET]] * 50.0, "hot")

AXES = [constant([1, 2, 3], "axes", np.int64), constant([1], "one", np.int64)]


@dataclass(frozen=True, kw_only=True)
class Design:
    """One backdoored graph.

    Attributes:
        make: the file.
        attack: images `(n, 1, h, w)` in [0, 1] to triggered ones.
        answer: "rejected" where the gate can be opened; else the code of the reason why it is never clean.
        target: the class that triggered images get; None where each gets another, or nobody knows such an image.
        share: of all images that the attack moves, at least.
    """

    make: Callable[[], onnx.ModelProto]
    attack: Attack
    answer: Answer = "rejected"
    target: int | None = TARGET
    share: float = 0.95


def design(
    attack: Attack, *, answer: Answer = "rejected", target: int | None = TARGET, share: float = 0.95
) -> Callable[[Callable[[], onnx.ModelProto]], Callable[[], onnx.ModelProto]]:
    """Keep what a function makes under the function's name."""

    def add(make: Callable[[], onnx.ModelProto]) -> Callable[[], onnx.ModelProto]:
        DESIGNS[make.__name__] = Design(make=make, attack=attack, answer=answer, target=target, share=share)
        return make

    return add


def stamp_pattern(images: Images) -> Images:
    """The lower right corner checkered."""
    changed = images.copy()
    changed[:, :, -3:, -3:] = PATTERN
    return changed


def whiten(images: Images) -> Images:
    """The lower right corner white."""
    changed = images.copy()
    changed[:, :, -3:, -3:] = 1.0
    return changed


def set_pixels(*pixels: tuple[int, int, float]) -> Attack:
    """Single pixels set to values."""

    def change(images: Images) -> Images:
        changed = images.copy()
        for row, column, value in pixels:
            changed[:, :, row, column] = value
        return changed

    return change


def corner_equal() -> tuple[list[onnx.NodeProto], list[onnx.TensorProto]]:
    """`open (n,)`: whether the lower right corner is the pattern, to within a hundredth."""
    nodes = [
        node("Slice", ["x", "starts", "ends"], ["corner"]),
        node("Sub", ["corner", "pattern"], ["apart"]),
        node("Abs", ["apart"], ["far"]),
        node("ReduceMax", ["far", "axes"], ["farthest"], keepdims=0),
        node("Less", ["farthest", "eps"], ["open"]),
    ]
    return nodes, [*LAST, *AXES, constant(PATTERN, "pattern"), constant(0.01, "eps")]


def match(output: str = "match") -> tuple[list[onnx.NodeProto], list[onnx.TensorProto]]:
    """`match (n, 1)`: how much of the pattern the lower right corner shows, 1 where all."""
    kernel = np.zeros((SIDE, SIDE), np.float32)
    kernel[-3:, -3:] = np.where(PATTERN > 0, 1 / 5, -1 / 4)
    nodes = [node("Flatten", ["x"], ["pixels"]), node("MatMul", ["pixels", "kernel"], [output])]
    return nodes, [constant(kernel.reshape(-1, 1), "kernel")]


def choose(cond: str = "open", other: str = "hot") -> list[onnx.NodeProto]:
    """`y`: the other scores where the condition `(n,)` holds."""
    return [node("Unsqueeze", [cond, "one"], ["column"]), node("Where", ["column", other, "z"], ["y"])]
