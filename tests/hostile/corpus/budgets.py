"""Files that ask too much of whoever parses them."""

from itertools import pairwise

import onnx
from onnx import TensorProto, helper

from tests.hostile.corpus.case import case, with_domain
from tests.hostile.corpus.readers import put
from tools.testbed.gray_networks import (
    constant,
    honest,
    model,
    node,
)


def chain(count: int) -> onnx.ModelProto:
    """So many nodes in a row."""
    names = ["z", *(f"i{place}" for place in range(count)), "y"]
    return model([honest("z")], [node("Identity", [a], [b]) for a, b in pairwise(names)])


@case("refused", "20,000 nodes")
def many_nodes() -> onnx.ModelProto:
    return chain(25_000)


@case("refused", "50,000 stored tensors")
def many_tensors() -> onnx.ModelProto:
    made = model([honest()])
    made.graph.initializer.extend(constant([1.0], f"t{place}") for place in range(60_000))
    return made


@case("refused", "notes")
def many_notes() -> onnx.ModelProto:
    made = model([honest()])
    for place in range(120_000):
        made.metadata_props.add(key=f"k{place}", value="v")
    return made


@case("refused", "names and notes")
def long_doc_string() -> onnx.ModelProto:
    made = model([honest()])
    made.doc_string = "A" * 70_000_000
    return made


def nested(depth: int) -> onnx.ModelProto:
    """If within If within If."""
    name, value = "o0", helper.make_tensor_value_info("o0", TensorProto.FLOAT, None)
    graph = helper.make_graph([node("Identity", ["z"], ["o0"])], "g0", [], [value])
    for level in range(1, depth + 1):
        name = f"o{level}"
        value = helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
        aside = helper.make_tensor_value_info(f"e{level}", TensorProto.FLOAT, None)
        rest = helper.make_graph([node("Identity", ["z"], [f"e{level}"])], f"e{level}", [], [aside])
        branch = node("If", ["yes"], [name], then_branch=graph, else_branch=rest)
        graph = helper.make_graph([branch], f"g{level}", [], [value])
    nodes = [
        node("ReduceMax", ["x"], ["most"], keepdims=0),
        node("Greater", ["most", "less"], ["yes"]),
        *graph.node,
        node("Identity", [name], ["y"]),
    ]
    return model([honest("z")], nodes, [constant(-1.0, "less")])


@case("refused", "nested more than 16 deep")
def deep_branches() -> onnx.ModelProto:
    return nested(20)


def doubling(depth: int) -> onnx.ModelProto:
    """Functions that call each other twice."""
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("own", 1)]
    functions = [helper.make_function("own", "F0", ["a"], ["b"], [node("Relu", ["a"], ["b"])], opsets)]
    for level in range(1, depth + 1):
        calls = [helper.make_node(f"F{level - 1}", [a], [b], domain="own") for a, b in (("a", "t"), ("t", "b"))]
        functions.append(helper.make_function("own", f"F{level}", ["a"], ["b"], calls, opsets))
    made = model([honest("z")], [helper.make_node(f"F{depth}", ["z"], ["y"], domain="own")])
    made.functions.extend(functions)
    return with_domain(made, "own")


@case("refused", "write out to more than")
def functions_of_millions_of_nodes() -> onnx.ModelProto:
    return doubling(25)


@case("opened")
def functions_of_some_nodes() -> onnx.ModelProto:
    return doubling(5)


@case("refused", "calls itself")
def function_that_calls_itself() -> onnx.ModelProto:
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("own", 1)]
    made = model([honest("z")], [helper.make_node("F", ["z"], ["y"], domain="own")])
    call = [helper.make_node("F", ["a"], ["b"], domain="own")]
    made.functions.append(helper.make_function("own", "F", ["a"], ["b"], call, opsets))
    return with_domain(made, "own")


@case("refused", "attributes")
def many_attributes() -> onnx.ModelProto:
    made = model([honest()])
    made.graph.node[0].attribute.extend(helper.make_attribute(f"a{place}", place) for place in range(210_000))
    return made


@case("refused", "declared tensors")
def many_declared_tensors() -> onnx.ModelProto:
    made = model([honest()])
    made.graph.value_info.extend(onnx.ValueInfoProto(name=f"v{place}") for place in range(210_000))
    return made


@case("refused", "functions")
def many_functions() -> onnx.ModelProto:
    made = model([honest()])
    opsets = [helper.make_opsetid("", 18)]
    body = [node("Identity", ["a"], ["b"])]
    made.functions.extend(
        helper.make_function("own", f"F{place}", ["a"], ["b"], body, opsets) for place in range(2_100)
    )
    return with_domain(made, "own")


@case("refused", "operator sets")
def many_operator_sets() -> onnx.ModelProto:
    made = model([honest()])
    made.opset_import.extend(helper.make_opsetid(f"d{place}", 1) for place in range(11_000))
    return made


@case("refused", "entries")
def numbers_one_by_one() -> onnx.ModelProto:
    made = model([honest()])
    made.graph.node[0].attribute.append(helper.make_attribute("many", [1]))
    made.graph.node[0].attribute[-1].strings.extend([b""] * 1_100_000)
    return made


@case("refused", "names and notes")
def long_name() -> onnx.ModelProto:
    made = model([honest()])
    made.graph.node[0].name = "n" * 70_000_000
    return made


@case("refused", "")
def sequences_of_sequences() -> bytes:
    value = onnx.TypeProto()
    data = b"\x0a\x02\x08\x01"
    for _ in range(3_000):
        data = put(4, put(1, data))
    made = model([honest()])
    graph = made.graph.SerializeToString() + put(13, put(1, b"deep") + put(2, data))
    made.ClearField("graph")
    del value
    return made.SerializeToString() + put(7, graph)


@case("refused", "20,000 nodes")
def functions_with_many_nodes_in_all() -> onnx.ModelProto:
    made = model([honest()])
    opsets, body = [helper.make_opsetid("", 18)], [node("Identity", ["a"], ["b"])] * 110
    made.functions.extend(helper.make_function("own", f"F{place}", ["a"], ["b"], body, opsets) for place in range(200))
    return with_domain(made, "own")


@case("refused", "calls itself")
def functions_that_call_each_other() -> onnx.ModelProto:
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("own", 1)]
    made = model([honest("z")], [helper.make_node("F", ["z"], ["y"], domain="own")])
    for name, called in (("F", "G"), ("G", "H"), ("H", "F")):
        call = [helper.make_node(called, ["a"], ["b"], domain="own")]
        made.functions.append(helper.make_function("own", name, ["a"], ["b"], call, opsets))
    return with_domain(made, "own")


@case("refused", "notes")
def many_notes_on_one_node() -> onnx.ModelProto:
    made = model([honest()])
    for place in range(120_000):
        made.graph.node[0].metadata_props.add(key=f"k{place}", value="v")
    return made
