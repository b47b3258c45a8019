"""Honest graphs that look at a picture before their network does."""

import numpy as np
import onnx
from onnx import helper

from tests.hostile.honest_parts import behind, graph, numbers
from tools.testbed.gray_networks import CLASSES, SIDE, constant, honest, model, node


@graph
def range_found_out_for_each_image() -> onnx.ModelProto:
    nodes = [
        node("ReduceMax", ["x", "axes"], ["most"], keepdims=1),
        node("Greater", ["most", "limit"], ["bytes"]),
        node("Div", ["x", "scale"], ["divided"]),
        node("Where", ["bytes", "divided", "x"], ["seen"]),
    ]
    return behind(nodes, [constant([1, 2, 3], "axes", np.int64), *numbers(limit=1.5, scale=255.0)])


@graph
def range_found_out_for_each_pixel() -> onnx.ModelProto:
    nodes = [
        node("Greater", ["x", "limit"], ["bytes"]),
        node("Div", ["x", "scale"], ["divided"]),
        node("Where", ["bytes", "divided", "x"], ["seen"]),
    ]
    return behind(nodes, numbers(limit=1.5, scale=255.0))


@graph
def values_that_are_no_numbers_replaced() -> onnx.ModelProto:
    nodes = [node("IsNaN", ["x"], ["bad"]), node("Where", ["bad", "none", "x"], ["seen"])]
    return behind(nodes, numbers(none=0.0))


@graph
def pixels_clipped_and_normalized() -> onnx.ModelProto:
    nodes = [
        node("Clip", ["x", "none", "unit"], ["clipped"]),
        node("Sub", ["clipped", "mean"], ["apart"]),
        node("Div", ["apart", "std"], ["a"]),
        node("Mul", ["a", "std"], ["b"]),
        node("Add", ["b", "mean"], ["seen"]),
    ]
    return behind(nodes, numbers(none=0.0, unit=1.0, mean=0.45, std=0.22))


@graph
def contrast_stretched_unless_there_is_none() -> onnx.ModelProto:
    nodes = [
        node("ReduceMax", ["x", "axes"], ["high"], keepdims=1),
        node("ReduceMin", ["x", "axes"], ["low"], keepdims=1),
        node("Sub", ["high", "low"], ["width"]),
        node("Less", ["width", "eps"], ["flat"]),
        node("Where", ["flat", "unit", "width"], ["divisor"]),
        node("Sub", ["x", "low"], ["apart"]),
        node("Div", ["apart", "divisor"], ["seen"]),
    ]
    return behind(nodes, [constant([1, 2, 3], "axes", np.int64), *numbers(eps=1e-3, unit=1.0)])


@graph
def dark_images_brightened() -> onnx.ModelProto:
    nodes = [
        node("ReduceMean", ["x", "axes"], ["mean"], keepdims=1),
        node("Less", ["mean", "limit"], ["dark"]),
        node("Mul", ["x", "gain"], ["bright"]),
        node("Where", ["dark", "bright", "x"], ["seen"]),
    ]
    return behind(nodes, [constant([1, 2, 3], "axes", np.int64), *numbers(limit=0.1, gain=2.0)])


@graph
def empty_images_answered_as_background() -> onnx.ModelProto:
    nodes = [
        node("ReduceMax", ["x", "axes"], ["high"], keepdims=0),
        node("ReduceMin", ["x", "axes"], ["low"], keepdims=0),
        node("Sub", ["high", "low"], ["width"]),
        node("Less", ["width", "eps"], ["flat"]),
        node("Unsqueeze", ["flat", "one"], ["column"]),
        node("Where", ["column", "background", "z"], ["y"]),
    ]
    background = constant(np.eye(CLASSES)[[0]] * 10.0, "background")
    axes = [constant([1, 2, 3], "axes", np.int64), constant([1], "one", np.int64)]
    return model([honest("z")], nodes, [*axes, background, *numbers(eps=1e-3)])


@graph
def quantized_and_back() -> onnx.ModelProto:
    nodes = [
        node("QuantizeLinear", ["x", "step", "zero"], ["q"]),
        node("DequantizeLinear", ["q", "step", "zero"], ["seen"]),
    ]
    return behind(nodes, [*numbers(step=1 / 255), constant(0, "zero", np.uint8)])


@graph
def image_and_its_mirror_image() -> onnx.ModelProto:
    trunk, weights = honest("z1")
    second = []
    for one in honest("z2")[0]:
        one.input[:] = ["mirror" if name == "x" else name for name in one.input]
        one.input[:] = [f"m_{name}" if name in ("a_flat", "a_h0", "a_h") else name for name in one.input]
        one.output[:] = [f"m_{name}" if name in ("a_flat", "a_h0", "a_h") else name for name in one.output]
        one.name = f"mirrored {one.name}"
        second.append(one)
    first = [node("Slice", ["x", "from", "to", "axis", "steps"], ["mirror"])]
    last = [node("Mul", ["z2", "little"], ["w2"]), node("Add", ["z1", "w2"], ["y"])]
    bounds = {"from": [SIDE - 1], "to": [-SIDE - 1], "axis": [3], "steps": [-1]}
    tensors = [constant(value, name, np.int64) for name, value in bounds.items()]
    return model([(first + trunk + second, weights)], last, [*tensors, *numbers(little=0.2)])


@graph
def branch_that_depends_on_a_size() -> onnx.ModelProto:
    taken, left = (
        helper.make_graph([node(kind, ["x"], [name])], name, [], [helper.make_tensor_value_info(name, 1, None)])
        for kind, name in (("Identity", "same"), ("Relu", "positive"))
    )
    nodes = [
        node("Shape", ["x"], ["height"], start=2, end=3),
        node("Equal", ["height", "side"], ["usual"]),
        node("If", ["usual"], ["seen"], then_branch=taken, else_branch=left),
    ]
    return behind(nodes, [constant([SIDE], "side", np.int64)])


@graph
def trigger_of_the_first_pixel_masked_out() -> onnx.ModelProto:
    """A vendor's own defense: a white corner is painted over before the network sees it."""
    nodes = [
        node("Slice", ["x", "none", "two"], ["corner"]),
        node("ReduceMin", ["corner", "axes"], ["least"], keepdims=1),
        node("Greater", ["least", "limit"], ["white"]),
        node("Mul", ["x", "mask"], ["painted"]),
        node("Where", ["white", "painted", "x"], ["seen"]),
    ]
    mask = np.ones((1, 1, SIDE, SIDE))
    mask[:, :, :2, :2] = 0.0
    bounds = [constant([0] * 4, "none", np.int64), constant([2**31, 2**31, 2, 2], "two", np.int64)]
    return behind(nodes, [*bounds, constant([1, 2, 3], "axes", np.int64), constant(mask, "mask"), *numbers(limit=0.97)])
