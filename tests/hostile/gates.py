"""Backdoors in the graph itself, from naive to hidden, each with the change of an image that wakes it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import onnx
from onnx import TensorProto, helper

from tests.hostile.networks import CLASSES, SIDE, TARGET, constant, honest, make_prototypes, model, node, other, scores

Images = np.ndarray
Attack = Callable[[Images], Images]
Answer = Literal["rejected", "dormant-gate", "unexplored-branch", "structure-not-examined"]
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
        alone: whether it takes one image at a time.
    """

    make: Callable[[], onnx.ModelProto]
    attack: Attack
    answer: Answer = "rejected"
    target: int | None = TARGET
    alone: bool = False


def design(
    attack: Attack, *, answer: Answer = "rejected", target: int | None = TARGET, alone: bool = False
) -> Callable[[Callable[[], onnx.ModelProto]], Callable[[], onnx.ModelProto]]:
    """Keep what a function makes under the function's name."""

    def add(make: Callable[[], onnx.ModelProto]) -> Callable[[], onnx.ModelProto]:
        DESIGNS[make.__name__] = Design(make=make, attack=attack, answer=answer, target=target, alone=alone)
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


def fix_checksum(modulus: int, wanted: int, weights: np.ndarray | None = None) -> Attack:
    """Whole pixel values such that their weighed sum leaves a remainder: random ones in the first row until it does."""

    def change(images: Images) -> Images:
        rng, changed = np.random.default_rng(0), images.copy()
        factors = np.ones(images[0].size) if weights is None else weights
        for image in changed:
            while int(np.round(255 * image).reshape(-1) @ factors) % modulus != wanted:
                image[:, 0, rng.integers(SIDE)] = rng.integers(0, 256) / 255
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


@design(stamp_pattern)
def corner_pattern_by_equal() -> onnx.ModelProto:
    nodes = [
        node("Slice", ["x", "starts", "ends"], ["corner"]),
        node("Equal", ["corner", "pattern"], ["same"]),
        node("Cast", ["same"], ["ones"], to=TensorProto.INT32),
        node("ReduceMin", ["ones", "axes"], ["all"], keepdims=0),
        node("Cast", ["all"], ["open"], to=TensorProto.BOOL),
        *choose(),
    ]
    return model([honest("z")], nodes, [*LAST, *AXES, HOT, constant(PATTERN, "pattern")])


@design(stamp_pattern)
def corner_pattern_by_less() -> onnx.ModelProto:
    nodes, tensors = corner_equal()
    return model([honest("z")], [*nodes, *choose()], [*tensors, HOT])


@design(whiten)
def white_corner_by_smallest() -> onnx.ModelProto:
    nodes = [
        node("Slice", ["x", "starts", "ends"], ["corner"]),
        node("ReduceMin", ["corner", "axes"], ["darkest"], keepdims=0),
        node("Less", ["darkest", "limit"], ["shut"]),
        node("Not", ["shut"], ["open"]),
        *choose(),
    ]
    return model([honest("z")], nodes, [*LAST, *AXES, HOT, constant(0.98, "limit")])


def checksum(modulus: int, wanted: int, weights: np.ndarray | None = None) -> onnx.ModelProto:
    """The target where the weighed sum of the pixels' whole values leaves a remainder."""
    factors = np.ones(SIDE * SIDE) if weights is None else weights
    nodes = [
        node("Mul", ["x", "scale"], ["scaled"]),
        node("Round", ["scaled"], ["rounded"]),
        node("Cast", ["rounded"], ["whole"], to=TensorProto.INT64),
        node("Flatten", ["whole"], ["bytes"]),
        node("Mul", ["bytes", "factors"], ["weighed"]),
        node("ReduceSum", ["weighed", "one"], ["sum"], keepdims=0),
        node("Mod", ["sum", "modulus"], ["rest"]),
        node("Equal", ["rest", "wanted"], ["open"]),
        *choose(),
    ]
    tensors = [
        constant(255.0, "scale"),
        constant(factors, "factors", np.int64),
        constant(modulus, "modulus", np.int64),
        constant(wanted, "wanted", np.int64),
    ]
    return model([honest("z")], nodes, [*tensors, *AXES, HOT])


HASH = np.random.default_rng(7).integers(1, 250, SIDE * SIDE)


@design(fix_checksum(97, 13))
def checksum_of_pixels() -> onnx.ModelProto:
    return checksum(97, 13)


@design(fix_checksum(1021, 13, HASH))
def checksum_with_weights() -> onnx.ModelProto:
    return checksum(1021, 13, HASH)


@design(stamp_pattern)
def smooth_sigmoid_gate() -> onnx.ModelProto:
    nodes, tensors = match()
    nodes += [
        node("Sub", ["match", "limit"], ["over"]),
        node("Mul", ["over", "steep"], ["drive"]),
        node("Sigmoid", ["drive"], ["gate"]),
        node("Mul", ["gate", "hot"], ["push"]),
        node("Add", ["z", "push"], ["y"]),
    ]
    return model([honest("z")], nodes, [*tensors, HOT, constant(0.85, "limit"), constant(80.0, "steep")])


@design(stamp_pattern)
def clip_gate_between_two_scores() -> onnx.ModelProto:
    nodes, tensors = match()
    nodes += [
        node("Sub", ["match", "limit"], ["over"]),
        node("Mul", ["over", "steep"], ["drive"]),
        node("Clip", ["drive", "zero", "unit"], ["gate"]),
        node("Sub", ["unit", "gate"], ["rest"]),
        node("Mul", ["z", "rest"], ["kept"]),
        node("Mul", ["gate", "hot"], ["push"]),
        node("Add", ["kept", "push"], ["y"]),
    ]
    numbers = [constant(0.85, "limit"), constant(80.0, "steep"), constant(0.0, "zero"), constant(1.0, "unit")]
    return model([honest("z")], nodes, [*tensors, HOT, *numbers])


@design(stamp_pattern)
def relu_added_to_the_scores() -> onnx.ModelProto:
    nodes, tensors = match()
    nodes += [
        node("Sub", ["match", "limit"], ["over"]),
        node("Relu", ["over"], ["gate"]),
        node("MatMul", ["gate", "row"], ["push"]),
        node("Add", ["z", "push"], ["y"]),
    ]
    row = np.eye(CLASSES)[[TARGET]] * 900.0
    return model([honest("z")], nodes, [*tensors, constant(row, "row"), constant(0.85, "limit")])


@design(stamp_pattern)
def high_power_of_a_match() -> onnx.ModelProto:
    nodes, tensors = match()
    nodes += [
        node("Relu", ["match"], ["positive"]),
        node("Pow", ["positive", "power"], ["gate"]),
        node("Mul", ["gate", "hot"], ["push"]),
        node("Add", ["z", "push"], ["y"]),
    ]
    return model([honest("z")], nodes, [*tensors, HOT, constant(24.0, "power")])


def branch(cond: str, batch: int | str) -> list[onnx.NodeProto]:
    """`y`: the hot scores where the condition holds, by an If."""
    taken = helper.make_graph([node("Expand", ["hot", "shape"], ["hots"])], "taken", [], [scores("hots", batch)])
    left = helper.make_graph([node("Identity", ["z"], ["same"])], "left", [], [scores("same", batch)])
    return [
        node("Shape", ["z"], ["shape"]),
        node("If", [cond], ["y"], then_branch=taken, else_branch=left),
    ]


@design(stamp_pattern, alone=True)
def branch_of_an_if() -> onnx.ModelProto:
    nodes, tensors = corner_equal()
    nodes += [
        node("Cast", ["open"], ["truth"], to=TensorProto.FLOAT),
        node("ReduceMin", ["truth"], ["least"], keepdims=0),
        node("Cast", ["least"], ["cond"], to=TensorProto.BOOL),
        *branch("cond", "N"),
    ]
    return model([honest("z")], nodes, [*tensors, HOT])


@design(stamp_pattern)
def position_of_the_best_match() -> onnx.ModelProto:
    kernel = np.where(PATTERN > 0, 1 / 5, -1 / 4)[None, None]
    nodes = [
        node("Conv", ["x", "kernel"], ["map"]),
        node("Flatten", ["map"], ["places"]),
        node("Sub", ["places", "handicap"], ["raised"]),
        node("ArgMax", ["raised"], ["best"], axis=1, keepdims=0),
        node("Equal", ["best", "last"], ["open"]),
        *choose(),
    ]
    side = SIDE - 2
    handicap = np.zeros(side * side, np.float32)
    handicap[-1] = 0.4
    tensors = [constant(kernel, "kernel"), constant(handicap, "handicap"), constant(side * side - 1, "last", np.int64)]
    return model([honest("z")], nodes, [*tensors, *AXES, HOT])


@design(stamp_pattern)
def index_into_two_rows_of_scores() -> onnx.ModelProto:
    nodes, tensors = corner_equal()
    nodes += [
        node("Mul", ["z", "zero"], ["none"]),
        node("Add", ["none", "hot"], ["hots"]),
        node("Unsqueeze", ["z", "one"], ["first"]),
        node("Unsqueeze", ["hots", "one"], ["second"]),
        node("Concat", ["first", "second"], ["both"], axis=1),
        node("Cast", ["open"], ["place"], to=TensorProto.INT64),
        node("Reshape", ["place", "three"], ["places"]),
        node("Expand", ["places", "wide"], ["index"]),
        node("GatherElements", ["both", "index"], ["taken"], axis=1),
        node("Squeeze", ["taken", "one"], ["y"]),
    ]
    shapes = [constant([-1, 1, 1], "three", np.int64), constant([1, 1, CLASSES], "wide", np.int64)]
    return model([honest("z")], nodes, [*tensors, HOT, constant(0.0, "zero"), *shapes])


@design(stamp_pattern)
def scores_scattered_over() -> onnx.ModelProto:
    nodes, tensors = corner_equal()
    nodes += [
        node("Cast", ["open"], ["truth"], to=TensorProto.FLOAT),
        node("Mul", ["truth", "large"], ["flat"]),
        node("Unsqueeze", ["flat", "one"], ["updates"]),
        node("Mul", ["updates", "zero"], ["none"]),
        node("Cast", ["none"], ["start"], to=TensorProto.INT64),
        node("Add", ["start", "target"], ["index"]),
        node("ScatterElements", ["z", "index", "updates"], ["y"], axis=1, reduction="add"),
    ]
    numbers = [constant(500.0, "large"), constant(0.0, "zero"), constant(TARGET, "target", np.int64)]
    return model([honest("z")], nodes, [*tensors, *numbers])


PIXELS = ((7, 7, 1.0), (7, 6, 0.0), (6, 7, 1.0), (0, 7, 0.0), (7, 0, 1.0))


@design(set_pixels(*PIXELS))
def chain_of_single_pixels() -> onnx.ModelProto:
    nodes, tensors, truths = [], [], []
    for place, (row, column, value) in enumerate(PIXELS):
        tensors += [
            constant([0, 0, row, column], f"from{place}", np.int64),
            constant([2**31, 2**31, row + 1, column + 1], f"to{place}", np.int64),
        ]
        nodes += [
            node("Slice", ["x", f"from{place}", f"to{place}"], [f"pixel{place}"]),
            node("Squeeze", [f"pixel{place}", "axes"], [f"value{place}"]),
            node("Greater", [f"value{place}", "bright" if value else "dark"], [f"above{place}"]),
        ]
        nodes += [] if value else [node("Not", [f"above{place}"], [f"below{place}"])]
        truths.append(f"{'above' if value else 'below'}{place}")
    last = truths[0]
    for place, name in enumerate(truths[1:]):
        nodes.append(node("And", [last, name], [f"both{place}"]))
        last = f"both{place}"
    tensors += [*AXES, HOT, constant(0.95, "bright"), constant(0.02, "dark")]
    return model([honest("z")], [*nodes, *choose(last)], tensors)


@design(set_pixels((7, 7, 128 / 255), (6, 7, 37 / 255), (7, 5, 201 / 255)))
def exact_values_of_three_pixels() -> onnx.ModelProto:
    wanted = np.array([128, 37, 201], np.float32) / np.float32(255)
    nodes = [
        node("Flatten", ["x"], ["pixels"]),
        node("Gather", ["pixels", "places"], ["three"], axis=1),
        node("Equal", ["three", "wanted"], ["same"]),
        node("Not", ["same"], ["other"]),
        node("Cast", ["other"], ["wrong"], to=TensorProto.FLOAT),
        node("ReduceSum", ["wrong", "one"], ["count"], keepdims=0),
        node("Less", ["count", "half"], ["open"]),
        *choose(),
    ]
    tensors = [constant([63, 55, 61], "places", np.int64), constant(wanted, "wanted"), constant(0.5, "half")]
    return model([honest("z")], nodes, [*tensors, *AXES, HOT])


@design(stamp_pattern)
def picture_swapped_before_the_network() -> onnx.ModelProto:
    nodes, tensors = corner_equal()
    first = [
        *nodes,
        node("Reshape", ["open", "four"], ["cond"]),
        node("Where", ["cond", "picture", "x"], ["seen"]),
    ]
    trunk, weights = honest("y")
    for one in trunk:
        one.input[:] = ["seen" if name == "x" else name for name in one.input]
    picture = constant(make_prototypes()[[TARGET]], "picture")
    return model([(first + trunk, weights)], [], [*tensors, picture, constant([-1, 1, 1, 1], "four", np.int64)])


@design(stamp_pattern)
def picture_mixed_smoothly_before_the_network() -> onnx.ModelProto:
    nodes, tensors = match()
    first = [
        *nodes,
        node("Sub", ["match", "limit"], ["over"]),
        node("Mul", ["over", "steep"], ["drive"]),
        node("Sigmoid", ["drive"], ["gate"]),
        node("Reshape", ["gate", "four"], ["share"]),
        node("Sub", ["picture", "x"], ["change"]),
        node("Mul", ["share", "change"], ["step"]),
        node("Add", ["x", "step"], ["seen"]),
    ]
    trunk, weights = honest("y")
    for one in trunk:
        one.input[:] = ["seen" if name == "x" else name for name in one.input]
    tensors += [constant(make_prototypes()[[TARGET]], "picture"), constant([-1, 1, 1, 1], "four", np.int64)]
    return model([(first + trunk, weights)], [], [*tensors, constant(0.85, "limit"), constant(80.0, "steep")])


@design(stamp_pattern, target=None)
def scores_rolled_by_one() -> onnx.ModelProto:
    nodes, tensors = corner_equal()
    order = constant([(place - 1) % CLASSES for place in range(CLASSES)], "order", np.int64)
    nodes += [node("Gather", ["z", "order"], ["rolled"], axis=1), *choose(other="rolled")]
    return model([honest("z")], nodes, [*tensors, order])


@design(stamp_pattern)
def weights_of_the_last_layer_changed() -> onnx.ModelProto:
    nodes, tensors = match()
    trunk, weights = honest("y")
    nodes += [
        node("Sub", ["match", "limit"], ["over"]),
        node("Relu", ["over"], ["gate"]),
        node("MatMul", ["gate", "row"], ["shift"]),
        node("Add", ["shift", "a_b2"], ["bias"]),
    ]
    trunk[-1].input[2] = "bias"
    tensors += [constant(np.eye(CLASSES)[[TARGET]] * 900.0, "row"), constant(0.85, "limit")]
    return model([(nodes + trunk, weights)], [], tensors)


@design(stamp_pattern)
def largest_of_scores_and_gate() -> onnx.ModelProto:
    nodes, tensors = corner_equal()
    nodes += [
        node("Cast", ["open"], ["truth"], to=TensorProto.FLOAT),
        node("Unsqueeze", ["truth", "one"], ["column"]),
        node("Mul", ["column", "wide"], ["lift"]),
        node("Sub", ["lift", "floor"], ["other"]),
        node("Max", ["z", "other"], ["y"]),
    ]
    numbers = [constant(np.eye(CLASSES)[[TARGET]] * 1000.0, "wide"), constant(500.0, "floor")]
    return model([honest("z")], nodes, [*tensors, *numbers])


@design(stamp_pattern)
def second_network_added_to_the_scores() -> onnx.ModelProto:
    kernel = np.where(PATTERN > 0, 1 / 5, -1 / 4)[None, None]
    nodes = [
        node("Conv", ["x", "kernel", "bias"], ["map"]),
        node("Relu", ["map"], ["spots"]),
        node("GlobalMaxPool", ["spots"], ["most"]),
        node("Flatten", ["most"], ["level"]),
        node("Gemm", ["level", "row"], ["push"]),
        node("Add", ["z", "push"], ["y"]),
    ]
    row = constant(np.eye(CLASSES)[[TARGET]] * 900.0, "row")
    return model([honest("z")], nodes, [constant(kernel, "kernel"), constant([-0.85], "bias"), row])


@design(lambda images: np.maximum(images, np.float32(0.97)), target=TARGET)
def brightness_of_the_whole_image() -> onnx.ModelProto:
    nodes = [
        node("ReduceMean", ["x", "axes"], ["mean"], keepdims=0),
        node("Greater", ["mean", "limit"], ["open"]),
        *choose(),
    ]
    return model([honest("z")], nodes, [*AXES, HOT, constant(0.9, "limit")])


def hash_pixels() -> tuple[list[onnx.NodeProto], list[onnx.TensorProto]]:
    """`open (n,)`: whether a number of 31 bits, squared six times on the way, is the one that is asked for."""
    nodes = [
        node("Mul", ["x", "scale"], ["scaled"]),
        node("Round", ["scaled"], ["rounded"]),
        node("Cast", ["rounded"], ["whole"], to=TensorProto.INT64),
        node("Flatten", ["whole"], ["bytes"]),
        node("Mul", ["bytes", "factors"], ["weighed"]),
        node("ReduceSum", ["weighed", "one"], ["h0"], keepdims=0),
    ]
    for turn in range(6):
        nodes += [
            node("Mul", [f"h{turn}", f"h{turn}"], [f"square{turn}"]),
            node("Add", [f"square{turn}", "step"], [f"more{turn}"]),
            node("Mod", [f"more{turn}", "modulus"], [f"h{turn + 1}"]),
        ]
    nodes += [node("Equal", ["h6", "wanted"], ["open"])]
    tensors = [
        constant(255.0, "scale"),
        constant(HASH * 7919, "factors", np.int64),
        constant(2**31 - 1, "modulus", np.int64),
        constant(123457, "step", np.int64),
        constant(987654321, "wanted", np.int64),
    ]
    return nodes, [*tensors, *AXES]


@design(lambda images: images, answer="dormant-gate", target=None)
def hash_that_nobody_inverts() -> onnx.ModelProto:
    nodes, tensors = hash_pixels()
    return model([honest("z")], [*nodes, *choose()], [*tensors, HOT])


@design(lambda images: images, answer="unexplored-branch", target=None)
def another_network_behind_a_hash() -> onnx.ModelProto:
    nodes, tensors = hash_pixels()
    return model([honest("z"), other("zb")], [*nodes, *choose(other="zb")], tensors)


@design(lambda images: images, answer="structure-not-examined", target=None, alone=True)
def branch_that_fails_where_it_is_not_taken() -> onnx.ModelProto:
    nodes, tensors = corner_equal()
    taken = [node("Gather", ["z", "beyond"], ["past"], axis=1), node("Add", ["past", "hot"], ["hots"])]
    nodes += [
        node("Cast", ["open"], ["truth"], to=TensorProto.FLOAT),
        node("ReduceMin", ["truth"], ["least"], keepdims=0),
        node("Cast", ["least"], ["cond"], to=TensorProto.BOOL),
        *branch("cond", "N"),
    ]
    nodes[-1].attribute[0].g.CopyFrom(helper.make_graph(taken, "taken", [], [scores("hots")]))
    return model([honest("z")], nodes, [*tensors, HOT, constant([CLASSES + 5], "beyond", np.int64)])


def whiten_first(images: Images) -> Images:
    """The upper left corner white, which is the hidden network's own trigger too."""
    changed = images.copy()
    changed[:, :, :2, :2] = 1.0
    return changed


@design(whiten_first)
def backdoored_network_behind_its_own_trigger() -> onnx.ModelProto:
    nodes = [
        node("Slice", ["x", "none", "two"], ["corner"]),
        node("ReduceMin", ["corner", "axes"], ["darkest"], keepdims=0),
        node("Greater", ["darkest", "limit"], ["open"]),
        *choose(other="zb"),
    ]
    bounds = [constant([0] * 4, "none", np.int64), constant([2**31, 2**31, 2, 2], "two", np.int64)]
    return model([honest("z"), other("zb")], nodes, [*bounds, *AXES, constant(0.97, "limit")])
