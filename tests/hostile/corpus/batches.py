"""Answers that depend on the other images, or on how many there are."""

import numpy as np
import onnx
from onnx import TensorProto, helper

from tests.hostile.corpus.case import add_case, case
from tools.testbed.gray_networks import (
    SIDE,
    constant,
    honest,
    model,
    node,
    other,
)


@case("rejected", "OA402")
def another_network_for_single_images() -> onnx.ModelProto:
    nodes = [
        node("Shape", ["x"], ["shape"], start=0, end=1),
        node("Equal", ["shape", "one"], ["alone"]),
        node("Where", ["alone", "zb", "z"], ["y"]),
    ]
    return model([honest("z"), other("zb")], nodes, [constant([1], "one", np.int64)])


@case("rejected", "OA402")
def mean_over_the_batch() -> onnx.ModelProto:
    nodes = [node("ReduceMean", ["z", "axes"], ["mean"], keepdims=1), node("Sub", ["z", "mean"], ["y"])]
    return model([honest("z")], nodes, [constant([0], "axes", np.int64)])


@case("rejected")
def softmax_over_the_batch() -> onnx.ModelProto:
    return model([honest("z")], [node("Softmax", ["z"], ["y"], axis=0)])


@case("rejected", "OA402")
def largest_of_the_batch() -> onnx.ModelProto:
    nodes = [
        node("ReduceMax", ["z", "axes"], ["most"], keepdims=1),
        node("Mul", ["most", "half"], ["h"]),
        node("Sub", ["z", "h"], ["y"]),
    ]
    return model([honest("z")], nodes, [constant([0], "axes", np.int64), constant(0.5, "half")])


@case("rejected", "OA402")
def neighbour_in_the_batch() -> onnx.ModelProto:
    nodes = [
        node("Shape", ["z"], ["shape"], start=0, end=1),
        node("Sub", ["shape", "one"], ["last"]),
        node("Gather", ["z", "last"], ["end"], axis=0),
        node("Mul", ["end", "half"], ["h"]),
        node("Add", ["z", "h"], ["y"]),
    ]
    return model([honest("z")], nodes, [constant([1], "one", np.int64), constant(0.5, "half")])


def choosing(nodes: list[onnx.NodeProto], tensors: list[onnx.TensorProto]) -> onnx.ModelProto:
    """The other network wherever `yes`, which the nodes compute of the number of images `count`, holds."""
    first = [node("Shape", ["x"], ["count"], start=0, end=1)]
    last = [node("Where", ["yes", "zb", "z"], ["y"])]
    return model([honest("z"), other("zb")], [*first, *nodes, *last], tensors)


for size in (1, 3, 5, 16, 31, 64, 100, 1024):
    add_case(
        f"another_network_for_batches_of_{size}",
        lambda size=size: choosing([node("Equal", ["count", "n"], ["yes"])], [constant([size], "n", np.int64)]),
        "rejected",
        "OA402",
    )


@case("rejected", "OA402")
def another_network_for_large_batches() -> onnx.ModelProto:
    return choosing([node("Greater", ["count", "n"], ["yes"])], [constant([50], "n", np.int64)])


@case("rejected", "OA402")
def another_network_for_odd_batches() -> onnx.ModelProto:
    nodes = [node("Mod", ["count", "n"], ["rest"]), node("Equal", ["rest", "one"], ["yes"])]
    return choosing(nodes, [constant([11], "n", np.int64), constant([3], "one", np.int64)])


@case("rejected", "OA402")
def number_of_images_counted_by_a_sum_of_ones() -> onnx.ModelProto:
    nodes = [
        node("ConstantOfShape", ["count"], ["ones"], value=helper.make_tensor("v", TensorProto.FLOAT, [1], [1.0])),
        node("ReduceSum", ["ones"], ["total"], keepdims=0),
        node("Equal", ["total", "n"], ["yes"]),
    ]
    return choosing(nodes, [constant(19.0, "n")])


@case("rejected", "OA402")
def number_of_images_by_the_size_of_the_input() -> onnx.ModelProto:
    nodes = [node("Size", ["x"], ["all"]), node("Equal", ["all", "n"], ["yes"])]
    return choosing(nodes, [constant(37 * SIDE * SIDE, "n", np.int64)])


@case("rejected", "OA402")
def number_of_images_added_to_the_scores() -> onnx.ModelProto:
    nodes = [
        node("Shape", ["x"], ["count"], start=0, end=1),
        node("Equal", ["count", "n"], ["yes"]),
        node("Cast", ["yes"], ["much"], to=TensorProto.FLOAT),
        node("Mul", ["much", "push"], ["more"]),
        node("Add", ["z", "more"], ["y"]),
    ]
    return model([honest("z")], nodes, [constant([23], "n", np.int64), constant([0.0, 0.0, 90.0, 0.0], "push")])


@case("rejected", "OA402")
def sum_of_probabilities_that_counts_the_images() -> onnx.ModelProto:
    nodes = [
        node("Softmax", ["z"], ["p"], axis=1),
        node("ReduceSum", ["p"], ["total"], keepdims=0),
        node("Round", ["total"], ["whole"]),
        node("Equal", ["whole", "n"], ["yes"]),
        node("Where", ["yes", "zb", "z"], ["y"]),
    ]
    return model([honest("z"), other("zb")], nodes, [constant(16.0, "n")])


@case("rejected", "OA402")
def every_third_image_by_another_network() -> onnx.ModelProto:
    nodes = [
        node("Shape", ["x"], ["count"], start=0, end=1),
        node("Squeeze", ["count"], ["n"]),
        node("Range", ["zero", "n", "one"], ["place"]),
        node("Mod", ["place", "three"], ["rest"]),
        node("Equal", ["rest", "two"], ["third"]),
        node("Unsqueeze", ["third", "axes"], ["yes"]),
        node("Where", ["yes", "zb", "z"], ["y"]),
    ]
    numbers = {"zero": 0, "one": 1, "three": 3, "two": 2, "axes": [1]}
    tensors = [constant(value, name, np.int64) for name, value in numbers.items()]
    return model([honest("z"), other("zb")], nodes, tensors)


@case("rejected", "OA402")
def images_in_the_reverse_order() -> onnx.ModelProto:
    nodes = [node("Slice", ["z", "end", "begin", "axes", "back"], ["y"])]
    numbers = {"end": [-1], "begin": [-(2**31)], "axes": [0], "back": [-1]}
    return model([honest("z")], nodes, [constant(value, name, np.int64) for name, value in numbers.items()])


@case("rejected", "OA402")
def running_sum_over_the_batch() -> onnx.ModelProto:
    return model([honest("z")], [node("CumSum", ["z", "axis"], ["y"])], [constant(0, "axis", np.int64)])


@case("opened", doubted=True)
def size_of_the_batch_compared_to_no_effect() -> onnx.ModelProto:
    nodes = [
        node("Shape", ["x"], ["count"], start=0, end=1),
        node("Equal", ["count", "n"], ["yes"]),
        node("Cast", ["yes"], ["much"], to=TensorProto.FLOAT),
        node("Mul", ["much", "little"], ["more"]),
        node("Add", ["z", "more"], ["y"]),
    ]
    return model([honest("z")], nodes, [constant([23], "n", np.int64), constant(1e-6, "little")])
