"""Backdoors that the graph holds in smooth or saturated gates."""

import numpy as np
import onnx
from onnx import TensorProto

from tests.hostile.designs import AXES, HOT, LAST, PATTERN, Images, design, match, stamp_pattern
from tools.testbed.gray_networks import CLASSES, SIDE, TARGET, constant, honest, make_prototypes, model, node, other


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


@design(stamp_pattern)
def narrow_bell_around_the_pattern() -> onnx.ModelProto:
    nodes = [
        node("Slice", ["x", "starts", "ends"], ["corner"]),
        node("Sub", ["corner", "pattern"], ["apart"]),
        node("Mul", ["apart", "apart"], ["square"]),
        node("ReduceSum", ["square", "axes"], ["distance"], keepdims=0),
        node("Mul", ["distance", "steep"], ["drive"]),
        node("Exp", ["drive"], ["bell"]),
        node("Unsqueeze", ["bell", "one"], ["column"]),
        node("Mul", ["column", "hot"], ["push"]),
        node("Add", ["z", "push"], ["y"]),
    ]
    return model([honest("z")], nodes, [*LAST, *AXES, HOT, constant(PATTERN, "pattern"), constant(-400.0, "steep")])


@design(stamp_pattern)
def softmax_between_scores_and_gate() -> onnx.ModelProto:
    nodes, tensors = match()
    nodes += [
        node("Sub", ["match", "limit"], ["over"]),
        node("Mul", ["over", "steep"], ["drive"]),
        node("Neg", ["drive"], ["shut"]),
        node("Concat", ["drive", "shut"], ["both"], axis=1),
        node("Softmax", ["both"], ["shares"], axis=1),
        node("Split", ["shares", "halves"], ["gate", "rest"], axis=1),
        node("Mul", ["z", "rest"], ["kept"]),
        node("Mul", ["gate", "hot"], ["push"]),
        node("Add", ["kept", "push"], ["y"]),
    ]
    numbers = [constant(0.85, "limit"), constant(90.0, "steep"), constant([1, 1], "halves", np.int64)]
    return model([honest("z")], nodes, [*tensors, HOT, *numbers])


@design(stamp_pattern)
def product_of_nine_matches() -> onnx.ModelProto:
    nodes = [
        node("Slice", ["x", "starts", "ends"], ["corner"]),
        node("Sub", ["corner", "pattern"], ["apart"]),
        node("Abs", ["apart"], ["far"]),
        node("Sub", ["reach", "far"], ["left"]),
        node("Relu", ["left"], ["near"]),
        node("ReduceProd", ["near"], ["gate"], axes=[1, 2, 3], keepdims=0),
        node("Mul", ["gate", "large"], ["strong"]),
        node("Unsqueeze", ["strong", "one"], ["column"]),
        node("Mul", ["column", "hot"], ["push"]),
        node("Add", ["z", "push"], ["y"]),
    ]
    tensors = [constant(PATTERN, "pattern"), constant(0.1, "reach"), constant(1e9, "large")]
    return model([honest("z")], nodes, [*LAST, *AXES, HOT, *tensors], opset=17)


def blend(images: Images) -> Images:
    """Half of each image replaced by a picture of noise."""
    return (0.3 * images + 0.7 * NOISE).astype(np.float32)


NOISE = np.random.default_rng(11).random((1, SIDE, SIDE), dtype=np.float32)


@design(blend)
def likeness_to_a_picture() -> onnx.ModelProto:
    centered = (NOISE - NOISE.mean()).reshape(-1, 1)
    nodes = [
        node("Flatten", ["x"], ["pixels"]),
        node("ReduceMean", ["pixels", "one"], ["mean"], keepdims=1),
        node("Sub", ["pixels", "mean"], ["apart"]),
        node("Mul", ["apart", "apart"], ["square"]),
        node("ReduceSum", ["square", "one"], ["power"], keepdims=1),
        node("Sqrt", ["power"], ["norm"]),
        node("MatMul", ["apart", "picture"], ["product"]),
        node("Div", ["product", "norm"], ["likeness"]),
        node("Greater", ["likeness", "limit"], ["open"]),
        node("Where", ["open", "hot", "z"], ["y"]),
    ]
    tensors = [constant(centered / np.linalg.norm(centered), "picture"), constant(0.75, "limit")]
    return model([honest("z")], nodes, [*tensors, *AXES, HOT])


@design(stamp_pattern)
def hidden_feature_over_a_limit() -> onnx.ModelProto:
    """A unit of the network's own hidden layer sees the pattern, and a test of it overrules the scores."""
    trunk, weights = honest("z")
    first = onnx.numpy_helper.to_array(weights[0]).copy()
    first[:, -1] = 0.0
    rows = first.reshape(SIDE, SIDE, -1)
    rows[-3:, -3:, -1] = np.where(PATTERN > 0, 1 / 5, -1 / 4)
    weights[0] = constant(first, "a_w1")
    nodes = [
        node("Gather", ["a_h", "unit"], ["feature"], axis=1),
        node("Greater", ["feature", "limit"], ["open"]),
        node("Where", ["open", "hot", "z"], ["y"]),
    ]
    return model([(trunk, weights)], nodes, [constant([CLASSES], "unit", np.int64), constant(0.85, "limit"), HOT])


@design(lambda images: images, answer="unexplored-branch", target=None)
def another_network_for_whole_bytes() -> onnx.ModelProto:
    """Pictures of whole bytes go to the backdoored network, and what a search makes of them to the honest one."""
    nodes = [
        node("Mul", ["x", "scale"], ["scaled"]),
        node("Round", ["scaled"], ["rounded"]),
        node("Sub", ["scaled", "rounded"], ["apart"]),
        node("Abs", ["apart"], ["far"]),
        node("ReduceMax", ["far", "axes"], ["farthest"], keepdims=0),
        node("Less", ["farthest", "eps"], ["bytes"]),
        node("Cast", ["bytes"], ["truth"], to=TensorProto.FLOAT),
        node("Unsqueeze", ["truth", "one"], ["share"]),
        node("Sub", ["unit", "share"], ["rest"]),
        node("Mul", ["zb", "share"], ["first"]),
        node("Mul", ["z", "rest"], ["second"]),
        node("Add", ["first", "second"], ["y"]),
    ]
    numbers = [constant(255.0, "scale"), constant(0.01, "eps"), constant(1.0, "unit")]
    return model([honest("z"), other("zb")], nodes, [*AXES, *numbers])
