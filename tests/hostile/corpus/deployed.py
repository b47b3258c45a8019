"""What is deployed is not what is audited: outputs and last steps that say something else than the scores."""

import numpy as np
import onnx
from onnx import TensorProto, helper

from tests.hostile.corpus.case import case
from tools.testbed.gray_networks import (
    CLASSES,
    SIDE,
    constant,
    honest,
    labels,
    model,
    node,
    other,
    scores,
)


@case("rejected", "OA401")
def label_of_another_network() -> onnx.ModelProto:
    nodes = [node("Softmax", ["z"], ["y"], axis=1), node("ArgMax", ["zb"], ["label"], axis=1, keepdims=0)]
    return model([honest("z"), other("zb")], nodes, outputs=[labels(), scores()])


@case("rejected", "OA401")
def label_counted_from_one_of_another_network() -> onnx.ModelProto:
    nodes = [
        node("Softmax", ["z"], ["y"], axis=1),
        node("ArgMax", ["zb"], ["l0"], axis=1, keepdims=0),
        node("Add", ["l0", "one"], ["label"]),
    ]
    return model([honest("z"), other("zb")], nodes, [constant(1, "one", np.int64)], [labels(), scores()])


@case("rejected", "OA401")
def logits_beside_probabilities_of_another_network() -> onnx.ModelProto:
    nodes = [
        node("Mul", ["logits", "zero"], ["n0"]),
        node("Add", ["z", "n0"], ["z2"]),
        node("Softmax", ["z2"], ["y"], axis=1),
    ]
    return model([honest("z"), other("logits")], nodes, [constant(0.0, "zero")], [scores("logits"), scores()])


@case("rejected", "OA401")
def zero_point_that_carries_a_network() -> onnx.ModelProto:
    nodes = [
        node("Softmax", ["z"], ["p"], axis=1),
        node("QuantizeLinear", ["p", "big", "zp0"], ["q"], axis=1),
        node("Neg", ["zb"], ["nz"]),
        node("Clip", ["nz", "lo", "hi"], ["cl"]),
        node("Cast", ["cl"], ["zi"], to=TensorProto.INT8),
        node("Reshape", ["zi", "four"], ["zp1"]),
        node("DequantizeLinear", ["q", "ones", "zp1"], ["y"], axis=1),
    ]
    tensors = [
        constant([1e9] * CLASSES, "big"),
        constant([0] * CLASSES, "zp0", np.int8),
        constant(-127.0, "lo"),
        constant(127.0, "hi"),
        constant([CLASSES], "four", np.int64),
        constant([1.0] * CLASSES, "ones"),
    ]
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, SIDE, SIDE])
    return model([honest("z"), other("zb")], nodes, tensors, [scores(batch=1)], value=value)


@case("rejected", "OA401")
def scale_that_carries_a_network() -> onnx.ModelProto:
    nodes = [
        node("QuantizeLinear", ["z", "step", "zp"], ["q"]),
        node("Exp", ["zb"], ["eb"]),
        node("Reshape", ["eb", "four"], ["scale"]),
        node("DequantizeLinear", ["q", "scale", "zps"], ["y"], axis=1),
    ]
    tensors = [
        constant(0.5, "step"),
        constant(0, "zp", np.int8),
        constant([0] * CLASSES, "zps", np.int8),
        constant([CLASSES], "four", np.int64),
    ]
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, SIDE, SIDE])
    return model([honest("z"), other("zb")], nodes, tensors, [scores(batch=1)], value=value)


@case("rejected", "OA401")
def best_first_of_another_network() -> onnx.ModelProto:
    nodes = [
        node("Softmax", ["z"], ["y"], axis=1),
        node("TopK", ["zb", "two"], ["values", "indexes"], axis=1),
    ]
    top = helper.make_tensor_value_info("indexes", TensorProto.INT64, ["N", 2])
    return model([honest("z"), other("zb")], nodes, [constant([2], "two", np.int64)], [scores(), top])


@case("opened", doubted=True)
def label_of_the_same_network_computed_twice() -> onnx.ModelProto:
    nodes = [node("Softmax", ["z"], ["y"], axis=1), node("ArgMax", ["z2"], ["label"], axis=1, keepdims=0)]
    twice = [node("Gemm", ["a_h", "a_w2", "a_b2"], ["z2"])]
    return model([honest("z")], [*twice, *nodes], outputs=[labels(), scores()])


@case("rejected", "OA401", sound=True)
def scores_of_another_network_in_another_order() -> onnx.ModelProto:
    nodes = [
        node("Gather", ["zb", "order"], ["turned"], axis=1),
        node("Mul", ["turned", "zero"], ["nothing"]),
        node("Add", ["z", "nothing"], ["z2"]),
        node("Softmax", ["z2"], ["y"], axis=1),
    ]
    tensors = [constant(0.0, "zero"), constant([3, 2, 1, 0], "order", np.int64)]
    return model([honest("z"), other("zb")], nodes, tensors, [scores("turned"), scores()])


@case("rejected", "OA401")
def scores_of_another_network_with_one_more_column() -> onnx.ModelProto:
    nodes = [
        node("Pad", ["zb", "one more", "low"], ["wide"]),
        node("ReduceMax", ["wide", "axes"], ["most"], keepdims=1),
        node("Mul", ["most", "zero"], ["nothing"]),
        node("Add", ["z", "nothing"], ["z2"]),
        node("Softmax", ["z2"], ["y"], axis=1),
    ]
    numbers = [constant([0, 0, 0, 1], "one more", np.int64), constant([1], "axes", np.int64)]
    tensors = [*numbers, constant(-50.0, "low"), constant(0.0, "zero")]
    return model([honest("z"), other("zb")], nodes, tensors, [scores(), scores("wide", classes=CLASSES + 1)])


@case("refused", "several outputs could be the classes")
def one_hot_choice_of_another_network() -> onnx.ModelProto:
    nodes = [
        node("Softmax", ["z"], ["y"], axis=1),
        node("ArgMax", ["zb"], ["best"], axis=1, keepdims=0),
        node("OneHot", ["best", "four", "off and on"], ["choice"], axis=1),
    ]
    tensors = [constant(CLASSES, "four", np.int64), constant([0.0, 1.0], "off and on")]
    return model([honest("z"), other("zb")], nodes, tensors, [scores(), scores("choice")])


@case("rejected", "OA401")
def label_of_another_network_where_that_is_sure() -> onnx.ModelProto:
    nodes = [
        node("Softmax", ["z"], ["y"], axis=1),
        node("Softmax", ["zb"], ["pb"], axis=1),
        node("ReduceMax", ["pb", "axes"], ["most"], keepdims=0),
        node("Greater", ["most", "sure"], ["certain"]),
        node("ArgMax", ["zb"], ["lb"], axis=1, keepdims=0),
        node("ArgMax", ["z"], ["la"], axis=1, keepdims=0),
        node("Where", ["certain", "lb", "la"], ["label"]),
    ]
    tensors = [constant([1], "axes", np.int64), constant(0.9, "sure")]
    return model([honest("z"), other("zb")], nodes, tensors, [labels(), scores()])


@case("rejected", "OA401")
def names_chosen_by_another_network() -> onnx.ModelProto:
    nodes = [
        node("Softmax", ["z"], ["y"], axis=1),
        node("ArgMax", ["zb"], ["best"], axis=1, keepdims=0),
        node("Gather", ["names", "best"], ["label"], axis=0),
    ]
    names = TensorProto(
        name="names", data_type=TensorProto.STRING, dims=[CLASSES], string_data=[b"a", b"b", b"c", b"d"]
    )
    text = helper.make_tensor_value_info("label", TensorProto.STRING, ["N"])
    return model([honest("z"), other("zb")], nodes, [names], [scores(), text])


@case("rejected", "OA401")
def label_beside_the_label_of_another_network() -> onnx.ModelProto:
    nodes = [
        node("Softmax", ["z"], ["y"], axis=1),
        node("ArgMax", ["z"], ["label"], axis=1, keepdims=0),
        node("ArgMax", ["zb"], ["class"], axis=1, keepdims=0),
    ]
    return model([honest("z"), other("zb")], nodes, outputs=[scores(), labels(), labels("class")])


@case("rejected", "OA401")
def least_likely_class_of_another_network_negated() -> onnx.ModelProto:
    nodes = [
        node("Softmax", ["z"], ["y"], axis=1),
        node("Neg", ["zb"], ["away"]),
        node("ArgMin", ["away"], ["label"], axis=1, keepdims=0),
    ]
    return model([honest("z"), other("zb")], nodes, outputs=[scores(), labels()])


@case("refused", "several outputs could be the classes")
def two_heads_of_equal_rank() -> onnx.ModelProto:
    nodes = [node("Softmax", ["z"], ["y"], axis=1), node("Softmax", ["zb"], ["y2"], axis=1)]
    return model([honest("z"), other("zb")], nodes, outputs=[scores(), scores("y2")])


@case("opened", doubted=True)
def head_of_another_task_with_as_many_classes() -> onnx.ModelProto:
    nodes = [
        node("Softmax", ["z"], ["y"], axis=1),
        node("Flatten", ["x"], ["f"]),
        node("MatMul", ["f", "w"], ["aside"]),
        node("Mul", ["aside", "zero"], ["nothing"]),
    ]
    weights = np.random.default_rng(2).normal(0, 1, (SIDE * SIDE, CLASSES))
    made = model([honest("z0")], nodes, [constant(weights, "w"), constant(0.0, "zero")], [scores("aside"), scores()])
    made.graph.node.append(node("Add", ["z0", "nothing"], ["z"]))
    return made


@case("rejected", "OA401")
def best_of_another_network_by_top_one() -> onnx.ModelProto:
    nodes = [
        node("Softmax", ["z"], ["y"], axis=1),
        node("TopK", ["zb", "one"], ["value", "label"], axis=1),
    ]
    top = helper.make_tensor_value_info("label", TensorProto.INT64, ["N", 1])
    return model([honest("z"), other("zb")], nodes, [constant([1], "one", np.int64)], [scores(), top])


@case("rejected", "OA401")
def label_that_is_a_floating_point_number_of_another_network() -> onnx.ModelProto:
    nodes = [
        node("Softmax", ["z"], ["y"], axis=1),
        node("ArgMax", ["zb"], ["best"], axis=1, keepdims=1),
        node("Cast", ["best"], ["label"], to=TensorProto.INT32),
    ]
    value = helper.make_tensor_value_info("label", TensorProto.INT32, ["N", 1])
    return model([honest("z"), other("zb")], nodes, outputs=[scores(), value])
