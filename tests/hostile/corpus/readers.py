"""Programs that read the file come to different models."""

import numpy as np
import onnx
from onnx import TensorProto, helper

from tests.hostile.corpus.case import case, with_domain
from tools.testbed.gray_networks import (
    CLASSES,
    constant,
    honest,
    model,
    node,
    other,
    scores,
)


@case("rejected", "OA403")
def gate_stored_twice() -> onnx.ModelProto:
    nodes = [
        node("Mul", ["zb", "gate"], ["on"]),
        node("Sub", ["one", "gate"], ["rest"]),
        node("Mul", ["z", "rest"], ["off"]),
        node("Add", ["on", "off"], ["y"]),
    ]
    tensors = [constant(0.0, "gate"), constant(1.0, "gate"), constant(1.0, "one")]
    return model([honest("z"), other("zb")], nodes, tensors)


@case("rejected", "OA403")
def gate_stored_twice_beside_a_node_that_nobody_knows() -> onnx.ModelProto:
    made = gate_stored_twice()
    assert isinstance(made, onnx.ModelProto)
    made.graph.node.append(helper.make_node("Gelu", ["z"], ["unused"], domain="com.microsoft"))
    return with_domain(made, "com.microsoft")


@case("rejected", "OA403")
def two_messages_in_a_row() -> bytes:
    first = model([honest("z")], [node("Mul", ["z", "k"], ["y"])], [constant(1.0, "k")])
    second = onnx.ModelProto()
    second.graph.initializer.append(constant(-1.0, "k"))
    return first.SerializeToString() + second.SerializeToString()


@case("rejected", "OA403")
def graph_that_stands_there_twice() -> bytes:
    first, second = model([honest()]), onnx.ModelProto()
    second.graph.doc_string = "again"
    return first.SerializeToString() + second.SerializeToString()


@case("rejected", "OA403")
def function_called_like_an_operator() -> onnx.ModelProto:
    made = model([honest("z")], [node("Add", ["z", "k"], ["y"])], [constant([5.0, 0, 0, 0], "k")])
    opsets = [helper.make_opsetid("", 18)]
    made.functions.append(helper.make_function("", "Add", ["a", "b"], ["c"], [node("Sub", ["a", "b"], ["c"])], opsets))
    return made


@case("rejected", "OA403")
def function_called_like_a_vendors_operator() -> onnx.ModelProto:
    made = model([honest("z")], [helper.make_node("Gelu", ["z"], ["y"], domain="com.microsoft")])
    opsets = [helper.make_opsetid("", 18)]
    body = [node("Neg", ["a"], ["c"])]
    made.functions.append(helper.make_function("com.microsoft", "Gelu", ["a"], ["c"], body, opsets))
    return with_domain(made, "com.microsoft")


@case("rejected", "OA403")
def two_functions_of_one_name() -> onnx.ModelProto:
    made = model([honest("z")], [helper.make_node("F", ["z"], ["y"], domain="own")])
    opsets = [helper.make_opsetid("", 18)]
    for kind in ("Identity", "Neg"):
        made.functions.append(helper.make_function("own", "F", ["a"], ["c"], [node(kind, ["a"], ["c"])], opsets))
    return with_domain(made, "own")


@case("rejected", "OA403")
def operator_set_in_two_versions() -> onnx.ModelProto:
    made = model([honest()])
    made.opset_import.append(helper.make_opsetid("ai.onnx", 17))
    return made


@case("refused", "make 'y'")
def two_nodes_that_make_one_tensor() -> onnx.ModelProto:
    return model([honest("z")], [node("Identity", ["z"], ["y"]), node("Neg", ["z"], ["y"])])


@case("rejected", "OA403")
def tensor_with_two_sets_of_values() -> onnx.ModelProto:
    tensor = constant([1.0], "k")
    tensor.float_data.append(5.0)
    return model([honest("z")], [node("Mul", ["z", "k"], ["y"])], [tensor])


@case("refused", "No opset import for domain")
def domain_that_is_not_declared() -> onnx.ModelProto:
    return model([honest("z")], [helper.make_node("Gelu", ["z"], ["y"], domain="com.microsoft")])


@case("refused", "has a cycle")
def cycle() -> onnx.ModelProto:
    nodes = [node("Add", ["z", "b"], ["a"]), node("Relu", ["a"], ["b"]), node("Relu", ["b"], ["y"])]
    return model([honest("z")], nodes)


@case("rejected", "OA403")
def attribute_that_a_node_has_twice() -> onnx.ModelProto:
    made = model([honest("z")], [node("Softmax", ["z"], ["y"], axis=1)])
    made.graph.node[-1].attribute.append(helper.make_attribute("axis", 0))
    return made


@case("rejected", "OA403")
def dense_and_sparse_tensor_of_one_name() -> onnx.ModelProto:
    made = model([honest("z")], [node("Add", ["z", "k"], ["y"])], [constant([0.0] * CLASSES, "k")])
    values, places = constant([9.0], "k"), constant([2], "places", np.int64)
    made.graph.sparse_initializer.append(helper.make_sparse_tensor(values, places, [CLASSES]))
    return made


@case("rejected", "OA403")
def axis_with_a_number_and_a_name() -> bytes:
    first = model([honest()])
    second, axis = onnx.ModelProto(), onnx.TensorShapeProto.Dimension(dim_param="N").SerializeToString()
    del second
    doubled = onnx.TensorShapeProto.Dimension(dim_value=1).SerializeToString() + axis
    data = first.SerializeToString()
    place = data.index(axis)
    return nest_again(first, doubled) if place >= 0 else data


def nest_again(made: onnx.ModelProto, axis: bytes) -> bytes:
    """The bytes of a model whose output has another message for its first axis."""
    shape = put(1, axis) + put(1, onnx.TensorShapeProto.Dimension(dim_value=CLASSES).SerializeToString())
    tensor = b"\x08\x01" + put(2, shape)
    value = put(1, b"y") + put(2, put(1, tensor))
    rest = onnx.ModelProto()
    rest.CopyFrom(made)
    graph = rest.graph
    del graph.output[:]
    whole = graph.SerializeToString() + put(12, value)
    rest.ClearField("graph")
    return rest.SerializeToString() + put(7, whole)


def put(number: int, content: bytes) -> bytes:
    """One field of bytes as it stands in a protobuf."""
    size, varint = len(content), b""
    while True:
        varint += bytes([size & 127 | (128 if size > 127 else 0)])
        size >>= 7
        if not size:
            return bytes([number << 3 | 2]) + varint + content


@case("rejected", "OA403")
def tensor_beside_the_model_and_in_it(folder) -> None:  # type: ignore[no-untyped-def]
    made = model([honest("z")], [node("Mul", ["z", "k"], ["y"])], [constant(1.0, "k")])
    tensor = made.graph.initializer[-1]
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="k.bin")
    (folder / "k.bin").write_bytes(np.array(-1.0, np.float32).tobytes())
    (folder / "model.onnx").write_bytes(made.SerializeToString())


@case("rejected", "OA403")
def tensor_in_the_model_with_a_place_beside_it(folder) -> None:  # type: ignore[no-untyped-def]
    made = model([honest("z")], [node("Mul", ["z", "k"], ["y"])], [constant(1.0, "k")])
    made.graph.initializer[-1].external_data.add(key="location", value="k.bin")
    (folder / "k.bin").write_bytes(np.array(-1.0, np.float32).tobytes())
    (folder / "model.onnx").write_bytes(made.SerializeToString())


def branching(inner: list[onnx.NodeProto], stored: list[onnx.TensorProto]) -> onnx.ModelProto:
    """A choice by the image's brightness, one branch of nodes that make `then` of `z` and of what is stored there."""
    value = helper.make_tensor_value_info
    branch = helper.make_graph(inner, "t", [], [value("then", TensorProto.FLOAT, None)], stored)
    rest = helper.make_graph([node("Identity", ["z"], ["else"])], "e", [], [value("else", TensorProto.FLOAT, None)])
    nodes = [
        node("ReduceMax", ["x"], ["bright"], keepdims=0),
        node("Greater", ["bright", "least"], ["yes"]),
        node("If", ["yes"], ["y"], then_branch=branch, else_branch=rest),
    ]
    return model([honest("z")], nodes, [constant(-1.0, "least"), constant(1.0, "k")])


@case("rejected", "OA403")
def inner_tensor_called_like_an_outer_one() -> onnx.ModelProto:
    return branching([node("Mul", ["z", "k"], ["then"])], [constant(-1.0, "k")])


@case("rejected", "OA403")
def inner_node_that_makes_an_outer_tensor() -> onnx.ModelProto:
    return branching([node("Neg", ["z"], ["least"]), node("Identity", ["least"], ["then"])], [])


@case("refused", "declared twice")
def output_declared_twice() -> onnx.ModelProto:
    return model([honest()], outputs=[scores(), scores()])


@case("refused", "declared twice")
def input_declared_twice() -> onnx.ModelProto:
    made = model([honest()])
    made.graph.input.append(made.graph.input[0])
    return made


@case("refused", "make 'k'")
def stored_tensor_that_a_node_makes_as_well() -> onnx.ModelProto:
    nodes = [node("Neg", ["z"], ["k"]), node("Add", ["z", "k"], ["y"])]
    return model([honest("z")], nodes, [constant([0.0] * CLASSES, "k")])


@case("refused", "")
def whole_numbers_under_a_type_of_floats() -> onnx.ModelProto:
    tensor = TensorProto(name="k", data_type=TensorProto.FLOAT, dims=[1], int32_data=[5])
    return model([honest("z")], [node("Mul", ["z", "k"], ["y"])], [tensor])


@case("refused", "")
def attribute_of_two_kinds() -> onnx.ModelProto:
    made = model([honest("z")], [node("Softmax", ["z"], ["y"], axis=1)])
    made.graph.node[-1].attribute[0].f = 0.0
    made.graph.node[-1].attribute[0].type = onnx.AttributeProto.FLOAT
    return made


@case("refused", "")
def attribute_without_a_type() -> onnx.ModelProto:
    made = model([honest("z")], [node("Softmax", ["z"], ["y"], axis=1)])
    made.graph.node[-1].attribute[0].ClearField("type")
    return made


@case("refused", "segment")
def tensor_in_segments() -> onnx.ModelProto:
    tensor = constant([1.0], "k")
    tensor.segment.begin, tensor.segment.end = 0, 1
    return model([honest("z")], [node("Mul", ["z", "k"], ["y"])], [tensor])


@case("rejected", "OA403")
def weights_that_training_would_set() -> onnx.ModelProto:
    made = model([honest()])
    step = made.training_info.add()
    step.initialization_binding.add(key="a_b2", value="fresh")
    return made


@case("refused", "")
def output_of_another_rank_than_is_declared() -> onnx.ModelProto:
    return model([honest("z")], [node("Flatten", ["z"], ["y"], axis=0)])


@case("opened")
def fields_that_nobody_knows() -> bytes:
    return model([honest()]).SerializeToString() + put(15, b"something newer")
