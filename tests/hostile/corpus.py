"""Files that work against their audit, broken files, and honest unusual ones, each with the answer that is right."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
import onnx
from onnx import TensorProto, helper

from tests.hostile.networks import (
    CLASSES,
    INPUT,
    SIDE,
    constant,
    honest,
    labels,
    model,
    node,
    other,
    scores,
)

Answer = Literal["rejected", "refused", "opened"]
CASES: dict[str, "Case"] = {}


@dataclass(frozen=True, kw_only=True)
class Case:
    """One file.

    Attributes:
        make: its content.
        answer: "rejected" (exit 1), "refused" (exit 2) or "opened": detection may begin.
        says: the rule where it is rejected, else words of the one line.
        seconds: that the answer may take.
        doubted: whether it opens, but is never called clean.
    """

    make: Callable[[], onnx.ModelProto | bytes]
    answer: Answer
    says: str = ""
    seconds: float = 60.0
    doubted: bool = False

    def content(self) -> bytes:
        """The bytes of the file."""
        made = self.make()
        return made if isinstance(made, bytes) else made.SerializeToString()


def case(
    answer: Answer, says: str = "", *, doubted: bool = False
) -> Callable[[Callable[[], onnx.ModelProto | bytes]], Callable[[], onnx.ModelProto | bytes]]:
    """Put what a function makes into the corpus under the function's name."""

    def add(make: Callable[[], onnx.ModelProto | bytes]) -> Callable[[], onnx.ModelProto | bytes]:
        CASES[make.__name__] = Case(make=make, answer=answer, says=says, doubted=doubted)
        return make

    return add


def with_domain(made: onnx.ModelProto, domain: str) -> onnx.ModelProto:
    """The model with one more domain declared."""
    made.opset_import.append(helper.make_opsetid(domain, 1))
    return made


# What is deployed is not what is audited.


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


# Answers depend on the other images.


@case("rejected", "OA402")
def another_network_for_single_images() -> onnx.ModelProto:
    nodes = [
        node("Shape", ["x"], ["shape"], start=0, end=1),
        node("Equal", ["shape", "one"], ["alone"]),
        node("Where", ["alone", "zb", "z"], ["y"]),
    ]
    return model([honest("z"), other("zb")], nodes, [constant([1], "one", np.int64)])


@case("rejected", "OA402")
def mean_over_the_batch() -> onnx.ModelProto:
    nodes = [node("ReduceMean", ["z", "axes"], ["mean"], keepdims=1), node("Sub", ["z", "mean"], ["y"])]
    return model([honest("z")], nodes, [constant([0], "axes", np.int64)])


@case("rejected")
def softmax_over_the_batch() -> onnx.ModelProto:
    return model([honest("z")], [node("Softmax", ["z"], ["y"], axis=0)])


@case("rejected", "OA402")
def largest_of_the_batch() -> onnx.ModelProto:
    nodes = [
        node("ReduceMax", ["z", "axes"], ["most"], keepdims=1),
        node("Mul", ["most", "half"], ["h"]),
        node("Sub", ["z", "h"], ["y"]),
    ]
    return model([honest("z")], nodes, [constant([0], "axes", np.int64), constant(0.5, "half")])


@case("rejected", "OA402")
def neighbour_in_the_batch() -> onnx.ModelProto:
    nodes = [
        node("Shape", ["z"], ["shape"], start=0, end=1),
        node("Sub", ["shape", "one"], ["last"]),
        node("Gather", ["z", "last"], ["end"], axis=0),
        node("Mul", ["end", "half"], ["h"]),
        node("Add", ["z", "h"], ["y"]),
    ]
    return model([honest("z")], nodes, [constant([1], "one", np.int64), constant(0.5, "half")])


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


# Programs that read the file come to different models.


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


# Files that ask too much of whoever reads them.


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


def stored(dims: list[int], data: bytes = b"") -> onnx.ModelProto:
    """A tensor of declared sizes that is added to the scores."""
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=dims, raw_data=data)
    return model([honest("z")], [node("Add", ["z", "w"], ["y"])], [tensor])


@case("refused", "no file holds so many")
def tensor_of_a_trillion_elements() -> onnx.ModelProto:
    return stored([2**20, 2**20])


@case("refused", "no file holds so many")
def tensor_whose_size_overflows() -> onnx.ModelProto:
    return stored([2**33] * 3)


@case("refused", "negative size")
def tensor_of_negative_size() -> onnx.ModelProto:
    return stored([-4])


@case("refused", "holds 8 bytes")
def tensor_with_too_few_bytes() -> onnx.ModelProto:
    return stored([CLASSES], bytes(8))


@case("refused", "holds 4000 bytes")
def tensor_with_too_many_bytes() -> onnx.ModelProto:
    return stored([CLASSES], bytes(4000))


@case("refused", "version -1")
def negative_operator_set() -> onnx.ModelProto:
    return model([honest()], opset=-1)


@case("refused", "there is none")
def huge_operator_set() -> onnx.ModelProto:
    return model([honest()], opset=2**62)


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


# Honest files that look unusual.


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


assert INPUT.name == "x"
