"""Honest graphs with gates, choices and side paths in or behind their network."""

import numpy as np
import onnx
from onnx import TensorProto, helper

from tests.hostile.honest_parts import FLAT, draw, graph, numbers, with_features
from tools.testbed.gray_networks import CLASSES, constant, honest, make_prototypes, model, node, other, scores


@graph
def squeeze_and_excitation() -> onnx.ModelProto:
    nodes = [
        node("GlobalAveragePool", ["f"], ["p"]),
        node("Conv", ["p", "w1"], ["a"]),
        node("Relu", ["a"], ["b"]),
        node("Conv", ["b", "w2"], ["d"]),
        node("Sigmoid", ["d"], ["s"]),
        node("Mul", ["f", "s"], ["g"]),
    ]
    return with_features(nodes, [constant(draw(4, 4, 1, 1), "w1"), constant(draw(4, 4, 1, 1, seed=1), "w2")])


@graph
def squeeze_and_excitation_with_hard_gates_that_are_all_open() -> onnx.ModelProto:
    nodes = [
        node("GlobalAveragePool", ["f"], ["p"]),
        node("Conv", ["p", "w1", "b1"], ["a"]),
        node("HardSigmoid", ["a"], ["s"]),
        node("Mul", ["f", "s"], ["g"]),
    ]
    return with_features(nodes, [constant(draw(4, 4, 1, 1), "w1"), constant(np.full(4, 4.0), "b1")])


@graph
def hard_swish_of_clips() -> onnx.ModelProto:
    nodes = [
        node("Add", ["f", "three"], ["a"]),
        node("Clip", ["a", "none", "six"], ["b"]),
        node("Mul", ["f", "b"], ["d"]),
        node("Div", ["d", "six"], ["g"]),
    ]
    return with_features(nodes, numbers(three=3.0, none=0.0, six=6.0))


@graph
def gated_linear_unit() -> onnx.ModelProto:
    nodes = [
        node("Conv", ["f", "w1"], ["a"]),
        node("Conv", ["f", "w2"], ["b"]),
        node("Sigmoid", ["b"], ["s"]),
        node("Mul", ["a", "s"], ["g"]),
    ]
    eye = np.eye(4)[:, :, None, None]
    return with_features(nodes, [constant(eye, "w1"), constant(draw(4, 4, 1, 1), "w2")])


@graph
def residual_block() -> onnx.ModelProto:
    nodes = [
        node("Conv", ["f", "w1"], ["a"]),
        node("Relu", ["a"], ["b"]),
        node("Conv", ["b", "w2"], ["d"]),
        node("Add", ["f", "d"], ["g"]),
    ]
    return with_features(nodes, [constant(draw(4, 4, 1, 1), "w1"), constant(draw(4, 4, 1, 1, seed=1), "w2")])


@graph
def residual_block_scaled_by_zero() -> onnx.ModelProto:
    nodes = [
        node("Conv", ["f", "w1"], ["a"]),
        node("Mul", ["a", "scale"], ["d"]),
        node("Add", ["f", "d"], ["g"]),
    ]
    return with_features(nodes, [constant(draw(4, 4, 1, 1), "w1"), *numbers(scale=0.0)])


@graph
def residual_block_whose_units_are_dead() -> onnx.ModelProto:
    nodes = [
        node("Conv", ["f", "w1", "b1"], ["a"]),
        node("Relu", ["a"], ["b"]),
        node("Conv", ["b", "w2"], ["d"]),
        node("Add", ["f", "d"], ["g"]),
    ]
    tensors = [constant(draw(4, 4, 1, 1), "w1"), constant(np.full(4, -9.0), "b1"), constant(draw(4, 4, 1, 1), "w2")]
    return with_features(nodes, tensors)


@graph
def normalization_over_channels() -> onnx.ModelProto:
    nodes = [
        node("ReduceMean", ["f", "axes"], ["m"], keepdims=1),
        node("Sub", ["f", "m"], ["d"]),
        node("Mul", ["d", "d"], ["q"]),
        node("ReduceMean", ["q", "axes"], ["v"], keepdims=1),
        node("Max", ["v", "eps"], ["w0"]),
        node("Sqrt", ["w0"], ["s"]),
        node("Div", ["d", "s"], ["g"]),
    ]
    return with_features(nodes, [constant([1, 2, 3], "axes", np.int64), *numbers(eps=1e-5)])


@graph
def attention_over_places() -> onnx.ModelProto:
    nodes = [
        node("Reshape", ["f", "rows"], ["r"]),
        node("Transpose", ["r"], ["t"], perm=[0, 2, 1]),
        node("MatMul", ["t", "r"], ["a"]),
        node("Softmax", ["a"], ["s"], axis=2),
        node("MatMul", ["s", "t"], ["o"]),
        node("Add", ["t", "o"], ["u"]),
        node("Transpose", ["u"], ["g"], perm=[0, 2, 1]),
    ]
    return with_features(nodes, [constant([0, 4, FLAT], "rows", np.int64)])


@graph
def attention_masked_where_places_are_empty() -> onnx.ModelProto:
    nodes = [
        node("Reshape", ["f", "rows"], ["r"]),
        node("Transpose", ["r"], ["t"], perm=[0, 2, 1]),
        node("MatMul", ["t", "r"], ["a"]),
        node("ReduceMax", ["r", "first"], ["m"], keepdims=1),
        node("LessOrEqual", ["m", "none"], ["empty"]),
        node("Where", ["empty", "low", "a"], ["k"]),
        node("Softmax", ["k"], ["s"], axis=2),
        node("MatMul", ["s", "t"], ["o"]),
        node("Add", ["t", "o"], ["u"]),
        node("Transpose", ["u"], ["g"], perm=[0, 2, 1]),
    ]
    shapes = [constant([0, 4, FLAT], "rows", np.int64), constant([1], "first", np.int64)]
    return with_features(nodes, [*shapes, *numbers(none=0.0, low=-1e4)])


@graph
def mixture_of_two_soft_experts() -> onnx.ModelProto:
    nodes = [
        node("Flatten", ["x"], ["pixels"]),
        node("MatMul", ["pixels", "router"], ["r"]),
        node("Softmax", ["r"], ["s"], axis=1),
        node("Split", ["s", "halves"], ["s1", "s2"], axis=1),
        node("Mul", ["z1", "s1"], ["m1"]),
        node("Mul", ["z2", "s2"], ["m2"]),
        node("Add", ["m1", "m2"], ["y"]),
    ]
    tensors = [constant(draw(FLAT, 2, scale=0.5), "router"), constant([1, 1], "halves", np.int64)]
    return model([honest("z1"), other("z2", backdoored=False)], nodes, tensors)


@graph
def mixture_of_experts_that_takes_one() -> onnx.ModelProto:
    nodes = [
        node("Flatten", ["x"], ["pixels"]),
        node("MatMul", ["pixels", "router"], ["r"]),
        node("ArgMax", ["r"], ["best"], axis=1, keepdims=1),
        node("Equal", ["best", "none"], ["first"]),
        node("Where", ["first", "z1", "z2"], ["y"]),
    ]
    first, second, third, fourth = make_prototypes().reshape(CLASSES, -1)
    router = np.stack([first + second, third + fourth], axis=1)
    tensors = [constant(router - router.mean(0), "router"), constant(0, "none", np.int64)]
    return model([honest("z1"), other("z2", backdoored=False)], nodes, tensors)


@graph
def early_exit_that_half_of_the_images_take() -> onnx.ModelProto:
    nodes = [
        node("Softmax", ["z1"], ["p"], axis=1),
        node("ReduceMax", ["p", "one"], ["sure"], keepdims=1),
        node("Greater", ["sure", "limit"], ["exit"]),
        node("Where", ["exit", "z1", "z2"], ["y"]),
    ]
    tensors = [constant([1], "one", np.int64), *numbers(limit=0.99999)]
    return model([honest("z1"), other("z2", backdoored=False)], nodes, tensors)


@graph
def answer_withheld_where_nothing_is_likely() -> onnx.ModelProto:
    nodes = [
        node("Softmax", ["z"], ["p"], axis=1),
        node("ReduceMax", ["p", "one"], ["sure"], keepdims=1),
        node("Less", ["sure", "limit"], ["unsure"]),
        node("Where", ["unsure", "background", "z"], ["y"]),
    ]
    background = constant(np.eye(CLASSES)[[0]] * 10.0, "background")
    return model([honest("z")], nodes, [constant([1], "one", np.int64), background, *numbers(limit=0.6)])


@graph
def mean_of_two_networks() -> onnx.ModelProto:
    nodes = [node("Add", ["z1", "z2"], ["sum"]), node("Mul", ["sum", "half"], ["y"])]
    return model([honest("z1"), other("z2", backdoored=False)], nodes, numbers(half=0.5))


@graph
def wide_and_deep() -> onnx.ModelProto:
    flat = make_prototypes().reshape(CLASSES, -1) - 0.5
    nodes = [
        node("Flatten", ["x"], ["pixels"]),
        node("MatMul", ["pixels", "wide"], ["z2"]),
        node("Add", ["z", "z2"], ["y"]),
    ]
    return model([honest("z")], nodes, [constant(flat.T, "wide")])


@graph
def wide_path_that_adds_little() -> onnx.ModelProto:
    nodes = [
        node("ReduceMean", ["x", "axes"], ["mean"], keepdims=0),
        node("Unsqueeze", ["mean", "one"], ["column"]),
        node("MatMul", ["column", "row"], ["shift"]),
        node("Add", ["z", "shift"], ["y"]),
    ]
    axes = [constant([1, 2, 3], "axes", np.int64), constant([1], "one", np.int64)]
    return model([honest("z")], nodes, [*axes, constant(draw(1, CLASSES, scale=0.5), "row")])


@graph
def boxes_beside_the_scores() -> onnx.ModelProto:
    nodes = [
        node("Slice", ["z", "none", "four", "one"], ["box"]),
        node("Reshape", ["box", "boxes"], ["b"]),
        node("ReduceMax", ["z", "one"], ["s0"], keepdims=0),
        node("Reshape", ["s0", "all"], ["s"]),
        node("NonMaxSuppression", ["b", "s", "most", "overlap", "least"], ["chosen"]),
        node("Identity", ["z"], ["y"]),
    ]
    shapes = {"none": [0], "four": [4], "one": [1], "boxes": [1, -1, 4], "all": [1, 1, -1], "most": [3]}
    tensors = [constant(value, name, np.int64) for name, value in shapes.items()]
    chosen = helper.make_tensor_value_info("chosen", TensorProto.INT64, ["K", 3])
    tensors += numbers(overlap=0.5, least=-100.0)
    return model([honest("z")], nodes, tensors, [scores(), chosen])


@graph
def most_likely_class_made_surer() -> onnx.ModelProto:
    nodes = [
        node("ReduceMax", ["z", "one"], ["top"], keepdims=1),
        node("Equal", ["z", "top"], ["best"]),
        node("Cast", ["best"], ["mask"], to=TensorProto.FLOAT),
        node("Add", ["z", "mask"], ["y"]),
    ]
    return model([honest("z")], nodes, [constant([1], "one", np.int64)])
