"""Scores that are no numbers, or always the same."""

import numpy as np
import onnx

from tests.hostile.corpus.case import case
from tools.testbed.gray_networks import (
    CLASSES,
    constant,
    honest,
    model,
    node,
)


def with_bias(values: list[float]) -> onnx.ModelProto:
    """The honest network with something added to its scores."""
    return model([honest("z")], [node("Add", ["z", "k"], ["y"])], [constant(values, "k")])


@case("refused", "NaN")
def no_number_for_any_class() -> onnx.ModelProto:
    return with_bias([np.nan] * CLASSES)


@case("refused", "NaN")
def no_number_for_one_class() -> onnx.ModelProto:
    return with_bias([0.0, np.nan, 0.0, 0.0])


@case("refused", "labels", sound=True)
def infinite_score_for_one_class() -> onnx.ModelProto:
    return with_bias([0.0, np.inf, 0.0, 0.0])


@case("refused", "labels", sound=True)
def one_class_ruled_out() -> onnx.ModelProto:
    return with_bias([-np.inf, -np.inf, -np.inf, 0.0])


@case("refused", "labels", sound=True)
def huge_score_for_one_class() -> onnx.ModelProto:
    return with_bias([0.0, 3e38, 0.0, 0.0])


@case("refused", "labels", sound=True)
def same_score_for_all_classes() -> onnx.ModelProto:
    return model([honest("z")], [node("Mul", ["z", "zero"], ["y"])], [constant(0.0, "zero")])


@case("refused", "NaN")
def scale_that_is_no_number() -> onnx.ModelProto:
    nodes = [node("DequantizeLinear", ["q", "scale"], ["k"]), node("Add", ["z", "k"], ["y"])]
    return model([honest("z")], nodes, [constant([1] * CLASSES, "q", np.int8), constant(np.nan, "scale")])


@case("refused", "")
def no_number_where_the_image_is_bright() -> onnx.ModelProto:
    nodes = [
        node("ReduceMean", ["x", "axes"], ["mean"], keepdims=0),
        node("Sub", ["limit", "mean"], ["left"]),
        node("Sqrt", ["left"], ["root"]),
        node("Unsqueeze", ["root", "one"], ["r"]),
        node("Mul", ["r", "zero"], ["nothing"]),
        node("Add", ["z", "nothing"], ["y"]),
    ]
    numbers = [constant([1, 2, 3], "axes", np.int64), constant([1], "one", np.int64)]
    return model([honest("z")], nodes, [*numbers, constant(0.3, "limit"), constant(0.0, "zero")])


@case("refused", "labels", sound=True)
def answers_that_do_not_depend_on_the_image() -> onnx.ModelProto:
    nodes = [
        node("Shape", ["x"], ["n"], start=0, end=1),
        node("Concat", ["n", "four"], ["shape"], axis=0),
        node("Expand", ["row", "shape"], ["y"]),
    ]
    return model([], nodes, [constant([CLASSES], "four", np.int64), constant([[1.0, 2.0, 3.0, 4.0]], "row")])
