"""Honest files that look unusual."""

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
    make_prototypes,
    model,
    node,
    other,
    scores,
)


@case("opened")
def batch_that_is_free_and_baked_in() -> onnx.ModelProto:
    nodes = [node("Reshape", ["z", "one row"], ["y"])]
    return model([honest("z")], nodes, [constant([1, CLASSES], "one row", np.int64)])


@case("opened")
def plain() -> onnx.ModelProto:
    return model([honest()])


@case("opened")
def newer_file_format() -> onnx.ModelProto:
    made = model([honest()])
    made.ir_version = onnx.IR_VERSION + 1
    return made


@case("opened")
def label_of_the_same_scores() -> onnx.ModelProto:
    nodes = [node("Softmax", ["z"], ["y"], axis=1), node("ArgMax", ["y"], ["label"], axis=1, keepdims=0)]
    return model([honest("z")], nodes, outputs=[labels(), scores()])


@case("opened")
def label_counted_from_one_of_the_same_scores() -> onnx.ModelProto:
    nodes = [
        node("Softmax", ["z"], ["y"], axis=1),
        node("ArgMax", ["z"], ["l0"], axis=1, keepdims=0),
        node("Add", ["l0", "one"], ["label"]),
    ]
    return model([honest("z")], nodes, [constant(1, "one", np.int64)], [labels(), scores()])


@case("opened")
def logits_beside_their_probabilities() -> onnx.ModelProto:
    return model([honest("z")], [node("Softmax", ["z"], ["y"], axis=1)], outputs=[scores("z"), scores()])


@case("opened")
def features_beside_the_scores() -> onnx.ModelProto:
    return model([honest()], outputs=[scores("a_h", classes=CLASSES + 1), scores()])


@case("opened")
def rounded_probabilities() -> onnx.ModelProto:
    nodes = [
        node("Softmax", ["z"], ["p"], axis=1),
        node("Mul", ["p", "hundred"], ["p2"]),
        node("Round", ["p2"], ["p3"]),
        node("Div", ["p3", "hundred"], ["y"]),
    ]
    return model([honest("z")], nodes, [constant(100.0, "hundred")])


@case("opened")
def quantized_scores() -> onnx.ModelProto:
    nodes = [node("QuantizeLinear", ["z", "step", "zp"], ["q"]), node("DequantizeLinear", ["q", "step", "zp"], ["y"])]
    return model([honest("z")], nodes, [constant(0.1, "step"), constant(0, "zp", np.int8)])


@case("opened")
def early_exit() -> onnx.ModelProto:
    nodes = [
        node("Softmax", ["zb"], ["pb"], axis=1),
        node("ReduceMax", ["pb", "axes"], ["most"], keepdims=1),
        node("Greater", ["most", "sure"], ["leave"]),
        node("Where", ["leave", "zb", "z"], ["y"]),
    ]
    parts = [honest("z"), other("zb", backdoored=False)]
    return model(parts, nodes, [constant([1], "axes", np.int64), constant(0.9, "sure")])


@case("opened")
def batch_asked_for_by_a_reshape() -> onnx.ModelProto:
    nodes = [
        node("Shape", ["z"], ["shape"], start=0, end=1),
        node("Concat", ["shape", "rest"], ["whole"], axis=0),
        node("Reshape", ["z", "whole"], ["y"]),
    ]
    return model([honest("z")], nodes, [constant([CLASSES], "rest", np.int64)])


@case("opened")
def fixed_batch() -> onnx.ModelProto:
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [3, 1, SIDE, SIDE])
    return model([honest()], value=value, outputs=[scores(batch=3)])


@case("opened")
def equal_tensors_of_one_name() -> onnx.ModelProto:
    return model([honest("z")], [node("Mul", ["z", "k"], ["y"])], [constant(1.0, "k"), constant(1.0, "k")])


@case("opened")
def weights_listed_as_inputs() -> onnx.ModelProto:
    made = model([honest()])
    for tensor in made.graph.initializer:
        made.graph.input.append(helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))
    return made


@case("opened")
def nodes_in_the_reverse_order() -> onnx.ModelProto:
    made = model([honest()])
    nodes = list(made.graph.node)[::-1]
    del made.graph.node[:]
    made.graph.node.extend(nodes)
    return made


@case("opened")
def nodes_without_names() -> onnx.ModelProto:
    made = model([honest()])
    for one in made.graph.node:
        one.name = ""
    return made


@case("opened")
def standard_domain_by_its_long_name() -> onnx.ModelProto:
    made = model([honest()])
    made.opset_import[0].domain = "ai.onnx"
    return made


@case("refused", "duplicate keys")
def note_that_stands_there_twice() -> onnx.ModelProto:
    made = model([honest()])
    for value in "ab":
        made.metadata_props.add(key="author", value=value)
    return made


@case("opened")
def branches_that_do_the_same() -> onnx.ModelProto:
    value = helper.make_tensor_value_info
    graphs = [
        helper.make_graph([node("Identity", ["z"], [name])], name, [], [value(name, TensorProto.FLOAT, None)])
        for name in ("then", "else")
    ]
    nodes = [
        node("ReduceMax", ["x"], ["bright"], keepdims=0),
        node("Greater", ["bright", "least"], ["yes"]),
        node("If", ["yes"], ["y"], then_branch=graphs[0], else_branch=graphs[1]),
    ]
    return model([honest("z")], nodes, [constant(-1.0, "least")])


@case("opened")
def class_token_joined_by_the_batch_size() -> onnx.ModelProto:
    """As exporters of transformers write it: shape, comparison with -1, Where, Expand."""
    nodes = [
        node("Shape", ["x"], ["n"], start=0, end=1),
        node("Concat", ["n", "free"], ["asked"], axis=0),
        node("ConstantOfShape", ["two"], ["ones"], value=helper.make_tensor("v", TensorProto.INT64, [1], [1])),
        node("Equal", ["asked", "free two"], ["is free"]),
        node("Where", ["is free", "ones", "asked"], ["shape"]),
        node("Expand", ["token", "shape"], ["tokens"]),
        node("Concat", ["z", "tokens"], ["both"], axis=1),
        node("MatMul", ["both", "w"], ["y"]),
    ]
    tensors = [
        constant([-1], "free", np.int64),
        constant([-1, -1], "free two", np.int64),
        constant([2], "two", np.int64),
    ]
    weights = np.concatenate([np.eye(CLASSES), np.full((1, CLASSES), 0.1)])
    return model([honest("z")], nodes, [*tensors, constant([[1.0]], "token"), constant(weights, "w")])


@case("opened")
def positions_made_by_a_range() -> onnx.ModelProto:
    """As exporters of transformers write it: places along an axis of the image, not of the batch."""
    nodes = [
        node("Shape", ["z"], ["n"], start=1, end=2),
        node("Squeeze", ["n"], ["width"]),
        node("Range", ["zero", "width", "one"], ["places"]),
        node("Gather", ["table", "places"], ["positions"], axis=0),
        node("Add", ["z", "positions"], ["y"]),
    ]
    tensors = [
        constant(0, "zero", np.int64),
        constant(1, "one", np.int64),
        constant([0.0, 0.1, 0.0, 0.1, 0.0], "table"),
    ]
    return model([honest("z")], nodes, tensors)


@case("opened")
def recurrent_state_of_the_batch_size() -> onnx.ModelProto:
    nodes = [
        node("Shape", ["x"], ["n"], start=0, end=1),
        node("Concat", ["n", "four"], ["shape"], axis=0),
        node("ConstantOfShape", ["shape"], ["state"]),
        node("Add", ["z", "state"], ["y"]),
    ]
    return model([honest("z")], nodes, [constant([CLASSES], "four", np.int64)])


@case("opened")
def mean_over_pixels_by_their_number() -> onnx.ModelProto:
    nodes = [
        node("Shape", ["a_flat"], ["n"], start=1, end=2),
        node("Cast", ["n"], ["count"], to=TensorProto.FLOAT),
        node("ReduceSum", ["a_flat", "axes"], ["sum"], keepdims=1),
        node("Div", ["sum", "count"], ["mean"]),
        node("Mul", ["mean", "little"], ["bit"]),
        node("Add", ["z", "bit"], ["y"]),
    ]
    return model([honest("z")], nodes, [constant([1], "axes", np.int64), constant(0.01, "little")])


@case("opened")
def one_score_behind_a_sigmoid_for_each_class() -> onnx.ModelProto:
    return model([honest("z")], [node("Sigmoid", ["z"], ["y"])])


@case("opened")
def no_verdict_about_the_size_of_the_batch() -> onnx.ModelProto:
    made = model([honest()])
    made.graph.input[0].type.tensor_type.shape.dim[0].Clear()
    return made


@case("opened")
def twenty_thousand_classes() -> onnx.ModelProto:
    weights = np.zeros((SIDE * SIDE, 20_000), np.float32)
    weights[:, :CLASSES] = (make_prototypes().reshape(CLASSES, -1) - 0.5).T
    nodes = [node("Flatten", ["x"], ["flat"]), node("MatMul", ["flat", "weights"], ["y"])]
    return model([(nodes, [constant(weights, "weights")])], outputs=[scores(classes=20_000)])
