"""Answers by chance, or as during training."""

import onnx
from onnx import TensorProto, helper

from tests.hostile.corpus.case import case, with_domain
from tools.testbed.gray_networks import (
    CLASSES,
    constant,
    honest,
    labels,
    model,
    node,
    scores,
)


@case("refused", "training mode")
def batch_normalization_in_training_mode() -> onnx.ModelProto:
    names = ["z", "scale", "shift", "mean", "var"]
    nodes = [node("BatchNormalization", names, ["y", "running mean", "running var"], training_mode=1)]
    tensors = [constant([1.0] * CLASSES, name) for name in ("scale", "var")]
    tensors += [constant([0.0] * CLASSES, name) for name in ("shift", "mean")]
    return model([honest("z")], nodes, tensors)


@case("refused", "training mode")
def dropout_in_training_mode() -> onnx.ModelProto:
    nodes = [node("Dropout", ["z", "ratio", "train"], ["y"])]
    return model([honest("z")], nodes, [constant(0.5, "ratio"), constant(True, "train", bool)])


@case("refused", "Random")
def noise_on_the_scores() -> onnx.ModelProto:
    nodes = [node("RandomNormalLike", ["z"], ["noise"], scale=0.5), node("Add", ["z", "noise"], ["y"])]
    return model([honest("z")], nodes)


@case("refused", "one run to the next")
def noise_on_a_label_beside_the_scores() -> onnx.ModelProto:
    nodes = [
        node("RandomNormalLike", ["z"], ["noise"], scale=5.0),
        node("Add", ["z", "noise"], ["zn"]),
        node("ArgMax", ["zn"], ["label"], axis=1, keepdims=0),
        node("Identity", ["z"], ["y"]),
    ]
    return model([honest("z")], nodes, outputs=[labels(), scores()])


@case("refused", "Random")
def dice_for_each_class() -> onnx.ModelProto:
    nodes = [
        node("Softmax", ["z"], ["p"], axis=1),
        node("Bernoulli", ["p"], ["dice"]),
        node("Mul", ["z", "dice"], ["y"]),
    ]
    return model([honest("z")], nodes)


@case("refused", "Random")
def noise_with_a_seed() -> onnx.ModelProto:
    nodes = [node("RandomUniformLike", ["z"], ["noise"], seed=7.0, high=3.0), node("Add", ["z", "noise"], ["y"])]
    return model([honest("z")], nodes)


@case("refused", "Multinomial")
def class_drawn_from_the_probabilities() -> onnx.ModelProto:
    nodes = [
        node("Multinomial", ["z"], ["drawn"], sample_size=1, dtype=TensorProto.INT64),
        node("Cast", ["drawn"], ["d"], to=TensorProto.FLOAT),
        node("Add", ["z", "d"], ["y"]),
    ]
    return model([honest("z")], nodes)


@case("refused", "training mode")
def dropout_in_training_mode_within_a_branch() -> onnx.ModelProto:
    value = helper.make_tensor_value_info
    dropped = [node("Dropout", ["z", "ratio", "train"], ["then"])]
    branch = helper.make_graph(dropped, "t", [], [value("then", TensorProto.FLOAT, None)])
    rest = helper.make_graph([node("Identity", ["z"], ["else"])], "e", [], [value("else", TensorProto.FLOAT, None)])
    nodes = [node("If", ["train"], ["y"], then_branch=branch, else_branch=rest)]
    return model([honest("z")], nodes, [constant(0.5, "ratio"), constant(True, "train", bool)])


@case("refused", "training mode")
def batch_normalization_in_training_mode_within_a_function() -> onnx.ModelProto:
    made = model([honest("z")], [helper.make_node("Norm", ["z", "scale", "shift", "mean", "var"], ["y"], domain="own")])
    made.graph.initializer.extend(constant([1.0] * CLASSES, name) for name in ("scale", "shift", "mean", "var"))
    names = ["a", "b", "c", "d", "e"]
    body = [node("BatchNormalization", names, ["r", "m", "v"], training_mode=1)]
    made.functions.append(helper.make_function("own", "Norm", names, ["r"], body, [helper.make_opsetid("", 18)]))
    return with_domain(made, "own")


@case("refused", "training mode")
def dropout_whose_training_mode_follows_the_image() -> onnx.ModelProto:
    nodes = [
        node("ReduceMax", ["x"], ["bright"], keepdims=0),
        node("Greater", ["bright", "most"], ["train"]),
        node("Dropout", ["z", "ratio", "train"], ["y"]),
    ]
    return model([honest("z")], nodes, [constant(0.9, "most"), constant(0.5, "ratio")])
