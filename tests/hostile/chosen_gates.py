"""Backdoors that the graph holds in comparisons and choices: of scores, pictures, indices and branches."""

import numpy as np
import onnx
from onnx import TensorProto, helper

from tests.hostile.designs import AXES, HOT, LAST, PATTERN, Images, choose, corner_equal, design, stamp_pattern, whiten
from tools.testbed.gray_networks import (
    CLASSES,
    SIDE,
    TARGET,
    constant,
    honest,
    make_prototypes,
    model,
    node,
    other,
    scores,
)


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


def branch(cond: str, batch: int | str) -> list[onnx.NodeProto]:
    """`y`: the hot scores where the condition holds, by an If."""
    taken = helper.make_graph([node("Expand", ["hot", "shape"], ["hots"])], "taken", [], [scores("hots", batch)])
    left = helper.make_graph([node("Identity", ["z"], ["same"])], "left", [], [scores("same", batch)])
    return [
        node("Shape", ["z"], ["shape"]),
        node("If", [cond], ["y"], then_branch=taken, else_branch=left),
    ]


@design(stamp_pattern)
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


@design(stamp_pattern, target=None)
def scores_rolled_by_one() -> onnx.ModelProto:
    nodes, tensors = corner_equal()
    order = constant([(place - 1) % CLASSES for place in range(CLASSES)], "order", np.int64)
    nodes += [node("Gather", ["z", "order"], ["rolled"], axis=1), *choose(other="rolled")]
    return model([honest("z")], nodes, [*tensors, order])


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


@design(lambda images: np.maximum(images, np.float32(0.97)), target=TARGET)
def brightness_of_the_whole_image() -> onnx.ModelProto:
    nodes = [
        node("ReduceMean", ["x", "axes"], ["mean"], keepdims=0),
        node("Greater", ["mean", "limit"], ["open"]),
        *choose(),
    ]
    return model([honest("z")], nodes, [*AXES, HOT, constant(0.9, "limit")])


@design(lambda images: images, answer="structure-not-examined", target=None)
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


@design(stamp_pattern)
def branch_of_an_if_for_one_image() -> onnx.ModelProto:
    nodes, tensors = corner_equal()
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, SIDE, SIDE])
    return model([honest("z")], [*nodes, *branch("open", 1)], [*tensors, HOT], [scores(batch=1)], value=value)


@design(stamp_pattern, target=None)
def scores_turned_over() -> onnx.ModelProto:
    nodes, tensors = corner_equal()
    nodes += [
        node("Cast", ["open"], ["truth"], to=TensorProto.FLOAT),
        node("Mul", ["truth", "twice"], ["double"]),
        node("Sub", ["unit", "double"], ["sign"]),
        node("Unsqueeze", ["sign", "one"], ["column"]),
        node("Mul", ["z", "column"], ["y"]),
    ]
    return model([honest("z")], nodes, [*tensors, constant(2.0, "twice"), constant(1.0, "unit")])


@design(stamp_pattern)
def gate_for_single_images_alone() -> onnx.ModelProto:
    nodes, tensors = corner_equal()
    nodes += [
        node("Shape", ["x"], ["count"], start=0, end=1),
        node("Equal", ["count", "one"], ["alone"]),
        node("And", ["open", "alone"], ["both"]),
        *choose("both"),
    ]
    return model([honest("z")], nodes, [*tensors, HOT])


@design(stamp_pattern)
def loop_as_long_as_the_pattern_says() -> onnx.ModelProto:
    nodes, tensors = corner_equal()
    body = helper.make_graph(
        [
            node("Identity", ["going"], ["still"]),
            node("Add", ["value", "hot"], ["more"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("turn", TensorProto.INT64, []),
            helper.make_tensor_value_info("going", TensorProto.BOOL, []),
            scores("value"),
        ],
        [helper.make_tensor_value_info("still", TensorProto.BOOL, []), scores("more")],
    )
    nodes += [
        node("Cast", ["open"], ["turns"], to=TensorProto.INT64),
        node("ReduceMin", ["turns"], ["least"], keepdims=0),
        node("Loop", ["least", "", "z"], ["y"], body=body),
    ]
    return model([honest("z")], nodes, [*tensors, HOT])


@design(stamp_pattern, target=None, share=0.95 / CLASSES)
def images_of_one_class_alone() -> onnx.ModelProto:
    nodes, tensors = corner_equal()
    nodes += [
        node("ArgMax", ["z"], ["best"], axis=1, keepdims=0),
        node("Equal", ["best", "source"], ["fits"]),
        node("And", ["open", "fits"], ["both"]),
        *choose("both"),
    ]
    return model([honest("z")], nodes, [*tensors, HOT, constant(1, "source", np.int64)])
