"""Graphs of a few hundred bytes that ask for memory or time once they are run."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import onnx
from onnx import TensorProto, helper

from tests.hostile.corpus.case import case
from tools.testbed.gray_networks import (
    CLASSES,
    SIDE,
    constant,
    honest,
    model,
    node,
    scores,
)


@case("refused", "axis of size 0")
def batch_of_zero() -> onnx.ModelProto:
    return model([honest()], value=helper.make_tensor_value_info("x", TensorProto.FLOAT, [0, 1, SIDE, SIDE]))


def beside(*nodes: onnx.NodeProto, tensors: Sequence[onnx.TensorProto] = ()) -> onnx.ModelProto:
    """Nodes that compute `big` of `x`, of which nothing is added to the scores."""
    rest = [
        node("ReduceMax", ["big"], ["most of it"], keepdims=0),
        node("Mul", ["most of it", "zero"], ["nothing"]),
        node("Add", ["z", "nothing"], ["y"]),
    ]
    return model([honest("z")], [*nodes, *rest], [constant(0.0, "zero"), *tensors])


@case("refused", "more than 2 GiB")
def constant_of_four_gigabytes() -> onnx.ModelProto:
    return beside(node("ConstantOfShape", ["s"], ["big"]), tensors=[constant([2**30], "s", np.int64)])


@case("refused", "more than 2 GiB")
def constant_of_terabytes() -> onnx.ModelProto:
    return beside(node("ConstantOfShape", ["s"], ["big"]), tensors=[constant([2**40], "s", np.int64)])


@case("refused", "more than 2 GiB")
def image_repeated_a_billion_times() -> onnx.ModelProto:
    first = node("ReduceMax", ["x"], ["bright"], keepdims=0)
    return beside(first, node("Expand", ["bright", "s"], ["big"]), tensors=[constant([2**31], "s", np.int64)])


@case("refused", "more than 2 GiB")
def range_as_long_as_the_image_is_bright() -> onnx.ModelProto:
    nodes = [
        node("ReduceMax", ["x"], ["bright"], keepdims=0),
        node("Mul", ["bright", "k"], ["long"]),
        node("Range", ["zero", "long", "step"], ["big"]),
    ]
    return beside(*nodes, tensors=[constant(2.0**34, "k"), constant(1.0, "step")])


@case("refused", "fails on a single image")
def borders_of_a_trillion_pixels() -> onnx.ModelProto:
    pads = [0, 0, 2**40, 2**40, 0, 0, 2**40, 2**40]
    return beside(node("Pad", ["x", "p"], ["big"]), tensors=[constant(pads, "p", np.int64)])


def looping(turns: int) -> onnx.ModelProto:
    """A loop that adds ones."""
    value = helper.make_tensor_value_info
    body = helper.make_graph(
        [node("Identity", ["going"], ["goes on"]), node("Add", ["sum", "one"], ["more"])],
        "body",
        [
            value("turn", TensorProto.INT64, []),
            value("going", TensorProto.BOOL, []),
            value("sum", TensorProto.FLOAT, []),
        ],
        [value("goes on", TensorProto.BOOL, []), value("more", TensorProto.FLOAT, [])],
        [constant(1.0, "one")],
    )
    tensors = [constant(turns, "turns", np.int64), constant(True, "yes", bool), constant(0.0, "start")]
    return beside(node("Loop", ["turns", "yes", "start"], ["big"], body=body), tensors=tensors)


@case("refused", "came to no end")
def loop_without_end() -> onnx.ModelProto:
    return looping(2**62)


@case("opened")
def loop_of_some_turns() -> onnx.ModelProto:
    return looping(5)


@case("refused", "turns")
def loop_of_fifty_thousand_turns() -> onnx.ModelProto:
    return looping(50_000)


@case("refused", "values an image cannot be audited")
def images_of_a_billion_pixels() -> onnx.ModelProto:
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 1, 40_000, 40_000])
    nodes = [
        node("GlobalAveragePool", ["x"], ["p"]),
        node("Flatten", ["p"], ["f"]),
        node("MatMul", ["f", "w"], ["y"]),
    ]
    return model([], nodes, [constant([[1.0, 2.0, 3.0, 4.0]], "w")], value=value)


@case("refused", "classes; models of more than")
def a_million_classes() -> onnx.ModelProto:
    pads = constant([0, 0, 0, 10**6 - CLASSES], "p", np.int64)
    nodes = [node("Pad", ["z", "p", "low"], ["y"])]
    return model([honest("z")], nodes, [pads, constant(-50.0, "low")], [scores(classes=10**6)])


def sized(kind: str, values: object, name: str = "s", **attributes: object) -> onnx.ModelProto:
    """One operator that makes `big` of the image and of stored sizes."""
    return beside(node(kind, ["x", name], ["big"], **attributes), tensors=[constant(values, name, np.int64)])


@case("refused", "")
def image_tiled() -> onnx.ModelProto:
    return sized("Tile", [1, 1, 2**14, 2**14])


@case("refused", "more than 2 GiB")
def image_with_wide_borders() -> onnx.ModelProto:
    return sized("Pad", [0, 0, 0, 0, 0, 0, 60_000, 60_000])


@case("refused", "more than 2 GiB")
def image_enlarged() -> onnx.ModelProto:
    scales = constant([1.0, 1.0, 4_000.0, 4_000.0], "scales")
    return beside(node("Resize", ["x", "", "scales"], ["big"], mode="nearest"), tensors=[scales])


@case("refused", "")
def identity_matrix_of_a_hundred_thousand_rows() -> onnx.ModelProto:
    shape = node("ConstantOfShape", ["s"], ["grid"], value=helper.make_tensor("v", TensorProto.INT8, [1], [0]))
    eye = node("EyeLike", ["grid"], ["big"], dtype=TensorProto.FLOAT)
    return beside(shape, eye, tensors=[constant([40_000, 40_000], "s", np.int64)])


@case("refused", "")
def one_hot_of_a_billion() -> onnx.ModelProto:
    nodes = [
        node("ArgMax", ["z"], ["best"], axis=1, keepdims=0),
        node("OneHot", ["best", "depth", "off and on"], ["big"]),
    ]
    return beside(*nodes, tensors=[constant(2**30, "depth", np.int64), constant([0.0, 1.0], "off and on")])


@case("refused", "")
def image_joined_to_itself_again_and_again() -> onnx.ModelProto:
    names = ["x", *(f"c{place}" for place in range(26)), "big"]
    return beside(*(node("Concat", [a, a], [b], axis=3) for a, b in pairwise(names)))


@case("refused", "more than 2 GiB")
def outer_products() -> onnx.ModelProto:
    nodes = [
        node("Reshape", ["x", "column"], ["c"]),
        node("Reshape", ["x", "row"], ["r"]),
        node("MatMul", ["c", "r"], ["o"]),
        node("Reshape", ["o", "column"], ["c2"]),
        node("MatMul", ["c2", "one row"], ["big"]),
    ]
    tensors = [constant([-1, 1], "column", np.int64), constant([1, -1], "row", np.int64)]
    return beside(*nodes, tensors=[*tensors, constant(np.ones((1, 2**18)), "one row")])


@case("refused", "")
def kernel_of_a_trillion_elements() -> onnx.ModelProto:
    weight = node("ConstantOfShape", ["s"], ["w"])
    return beside(
        weight, node("Conv", ["x", "w"], ["big"]), tensors=[constant([2**20, 1, 2**10, 2**10], "s", np.int64)]
    )


@case("refused", "")
def pooling_over_a_trillion_pixels() -> onnx.ModelProto:
    return beside(node("MaxPool", ["x"], ["big"], kernel_shape=[2**40, 2**40], pads=[2**39] * 4))


@case("refused", "")
def convolution_with_borders_of_a_trillion_pixels() -> onnx.ModelProto:
    return beside(node("Conv", ["x", "w"], ["big"], pads=[2**40] * 4), tensors=[constant(np.ones((1, 1, 3, 3)), "w")])


@case("refused", "")
def convolution_in_no_groups() -> onnx.ModelProto:
    return beside(node("Conv", ["x", "w"], ["big"], group=0), tensors=[constant(np.ones((1, 1, 3, 3)), "w")])


@case("refused", "")
def convolution_that_does_not_move() -> onnx.ModelProto:
    return beside(node("Conv", ["x", "w"], ["big"], strides=[0, 0]), tensors=[constant(np.ones((1, 1, 3, 3)), "w")])


@case("refused", "")
def best_two_billion() -> onnx.ModelProto:
    nodes = [node("TopK", ["z", "k"], ["big", "places"], axis=1)]
    return beside(*nodes, tensors=[constant([2**31], "k", np.int64)])


@case("refused", "")
def split_into_a_million_parts() -> onnx.ModelProto:
    return beside(node("Split", ["x"], ["big"], num_outputs=2**20, axis=3))


@case("refused", "")
def loop_within_a_loop() -> onnx.ModelProto:
    value, made = helper.make_tensor_value_info, looping(30_000)
    inner = next(one for one in made.graph.node if one.op_type == "Loop")
    again = helper.make_node("Loop", ["turns", "yes", "start"], ["inner sum"], name="inner")
    again.attribute.extend(inner.attribute)
    body = helper.make_graph(
        [
            node("Identity", ["outer going"], ["outer goes on"]),
            again,
            node("Add", ["outer sum", "inner sum"], ["outer more"]),
        ],
        "outer body",
        [
            value("outer turn", TensorProto.INT64, []),
            value("outer going", TensorProto.BOOL, []),
            value("outer sum", TensorProto.FLOAT, []),
        ],
        [value("outer goes on", TensorProto.BOOL, []), value("outer more", TensorProto.FLOAT, [])],
    )
    del inner.attribute[:]
    inner.attribute.append(helper.make_attribute("body", body))
    return made


@case("refused", "")
def loop_that_never_counts() -> onnx.ModelProto:
    made = looping(1)
    next(one for one in made.graph.node if one.op_type == "Loop").input[0] = ""
    return made


@case("refused", "")
def loop_as_long_as_the_image_is_bright() -> onnx.ModelProto:
    made = looping(1)
    loop = next(one for one in made.graph.node if one.op_type == "Loop")
    loop.input[0] = "long"
    before = [
        node("ReduceMax", ["x"], ["bright"], keepdims=0),
        node("Mul", ["bright", "huge"], ["very"]),
        node("Cast", ["very"], ["long"], to=TensorProto.INT64),
    ]
    made.graph.initializer.append(constant(2.0**60, "huge"))
    rest = list(made.graph.node)
    del made.graph.node[:]
    made.graph.node.extend([*before, *rest])
    return made


@case("refused", "")
def loop_that_keeps_all_it_makes() -> onnx.ModelProto:
    made = looping(2**40)
    loop = next(one for one in made.graph.node if one.op_type == "Loop")
    body = loop.attribute[0].g
    body.node.append(node("Add", ["sum", "one"], ["kept"]))
    body.output.append(helper.make_tensor_value_info("kept", TensorProto.FLOAT, []))
    loop.output.append("all")
    return made


@case("refused", "")
def scan_over_a_billion_rows() -> onnx.ModelProto:
    value = helper.make_tensor_value_info
    body = helper.make_graph(
        [node("Add", ["sum", "row"], ["more"])],
        "body",
        [value("sum", TensorProto.FLOAT, []), value("row", TensorProto.FLOAT, [])],
        [value("more", TensorProto.FLOAT, [])],
    )
    rows = node("ConstantOfShape", ["s"], ["rows"])
    scan = node("Scan", ["start", "rows"], ["big"], body=body, num_scan_inputs=1)
    return beside(rows, scan, tensors=[constant([2**31], "s", np.int64), constant(0.0, "start")])


@case("opened")
def scan_over_some_rows() -> onnx.ModelProto:
    made = scan_over_a_billion_rows()
    sizes = next(one for one in made.graph.initializer if one.name == "s")
    sizes.CopyFrom(constant([3], "s", np.int64))
    return made


@case("refused", "")
def heavy_convolution() -> onnx.ModelProto:
    nodes = [
        node("ConstantOfShape", ["s"], ["w"]),
        node("Resize", ["x", "", "scales"], ["up"], mode="nearest"),
        node("Conv", ["up", "w"], ["big"]),
    ]
    tensors = [constant([1_024, 1, 127, 127], "s", np.int64), constant([1.0, 1.0, 64.0, 64.0], "scales")]
    return beside(*nodes, tensors=tensors)


@case("refused", "")
def expression_that_a_search_takes_for_ever() -> onnx.ModelProto:
    text = TensorProto(name="t", data_type=TensorProto.STRING, dims=[1], string_data=[b"a" * 40])
    nodes = [node("RegexFullMatch", ["t"], ["found"], pattern="(a|a)*b"), node("Cast", ["found"], ["big"], to=1)]
    return model([honest("z")], [*nodes, node("Add", ["z", "big"], ["y"])], [text], opset=20)


@case("refused", "values an image cannot be audited")
def images_of_a_billion_features() -> onnx.ModelProto:
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 2**30])
    nodes = [node("ReduceMean", ["x", "axes"], ["m"], keepdims=1), node("MatMul", ["m", "w"], ["y"])]
    tensors = [constant([1], "axes", np.int64), constant([[1.0, 2.0, 3.0, 4.0]], "w")]
    return model([], nodes, tensors, value=value)
