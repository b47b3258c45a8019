"""What a file declares of tensors and versions, and what cannot be."""

import numpy as np
import onnx
from onnx import TensorProto, helper

from tests.hostile.corpus.case import case, with_domain
from tools.testbed.gray_networks import (
    CLASSES,
    SIDE,
    constant,
    honest,
    model,
    node,
    scores,
)


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


@case("refused", "no file holds so many")
def tensor_of_many_empty_axes_and_a_huge_one() -> onnx.ModelProto:
    return stored([2**62, 2**62, 1])


@case("refused", "")
def tensor_without_elements() -> onnx.ModelProto:
    return stored([0])


@case("refused", "")
def tensor_of_a_type_that_does_not_exist() -> onnx.ModelProto:
    tensor = TensorProto(name="w", data_type=99, dims=[CLASSES], raw_data=bytes(16))
    return model([honest("z")], [node("Add", ["z", "w"], ["y"])], [tensor])


@case("refused", "")
def tensor_of_no_type() -> onnx.ModelProto:
    tensor = TensorProto(name="w", dims=[CLASSES], raw_data=bytes(16))
    return model([honest("z")], [node("Add", ["z", "w"], ["y"])], [tensor])


@case("refused", "")
def text_that_is_no_text() -> onnx.ModelProto:
    tensor = TensorProto(name="w", data_type=TensorProto.STRING, dims=[1], string_data=[b"\xff\xfe"])
    return model([honest("z")], [node("Add", ["z", "w"], ["y"])], [tensor])


@case("refused", "")
def text_kept_as_bytes() -> onnx.ModelProto:
    tensor = TensorProto(name="w", data_type=TensorProto.STRING, dims=[1], raw_data=b"text")
    return model([honest("z")], [node("Identity", ["w"], ["t"]), node("Identity", ["z"], ["y"])], [tensor])


@case("refused", "holds")
def half_bytes_of_an_odd_number() -> onnx.ModelProto:
    tensor = TensorProto(name="q", data_type=TensorProto.INT4, dims=[5], raw_data=bytes(2))
    nodes = [node("Cast", ["q"], ["w"], to=TensorProto.FLOAT), node("Add", ["z", "w"], ["y"])]
    return model([honest("z")], nodes, [tensor], opset=21)


@case("refused", "")
def numbers_with_an_imaginary_part() -> onnx.ModelProto:
    tensor = TensorProto(name="w", data_type=TensorProto.COMPLEX64, dims=[CLASSES], raw_data=bytes(8 * CLASSES))
    return model([honest("z")], [node("Add", ["z", "w"], ["y"])], [tensor])


@case("refused", "")
def sparse_tensor_with_a_place_outside() -> onnx.ModelProto:
    made = model([honest("z")], [node("Add", ["z", "w"], ["y"])])
    values, places = constant([9.0], "w"), constant([2**40], "places", np.int64)
    made.graph.sparse_initializer.append(helper.make_sparse_tensor(values, places, [CLASSES]))
    return made


@case("refused", "")
def sparse_tensor_of_a_trillion_elements() -> onnx.ModelProto:
    made = model([honest("z")], [node("Add", ["z", "w"], ["y"])])
    values, places = constant([9.0], "w"), constant([2], "places", np.int64)
    made.graph.sparse_initializer.append(helper.make_sparse_tensor(values, places, [2**40, CLASSES]))
    return made


@case("refused", "")
def constant_node_of_a_sparse_tensor_of_a_trillion_elements() -> onnx.ModelProto:
    sparse = helper.make_sparse_tensor(constant([9.0], ""), constant([2], "", np.int64), [2**40])
    return model([honest("z")], [node("Constant", [], ["w"], sparse_value=sparse), node("Add", ["z", "w"], ["y"])])


def taking(shape: list[int | str]) -> onnx.ModelProto:
    """The honest network with another shape declared for its input."""
    return model([honest()], value=helper.make_tensor_value_info("x", TensorProto.FLOAT, shape))


@case("refused", "")
def input_of_negative_size() -> onnx.ModelProto:
    return taking(["N", 1, -8, -8])


@case("refused", "")
def input_whose_size_overflows() -> onnx.ModelProto:
    return taking(["N", 1, 2**62, 2**62])


@case("refused", "")
def input_of_a_thousand_axes() -> onnx.ModelProto:
    return taking(["N"] + [1] * 1_000)


@case("refused", "")
def input_without_a_shape() -> onnx.ModelProto:
    made = model([honest()])
    made.graph.input[0].type.tensor_type.ClearField("shape")
    return made


@case("refused", "")
def input_that_is_a_sequence() -> onnx.ModelProto:
    made = model([honest()])
    made.graph.input[0].CopyFrom(helper.make_tensor_sequence_value_info("x", TensorProto.FLOAT, ["N", 1, SIDE, SIDE]))
    return made


@case("refused", "")
def batch_of_a_billion() -> onnx.ModelProto:
    return taking([2**30, 1, SIDE, SIDE])


@case("refused", "")
def no_classes() -> onnx.ModelProto:
    return model([honest()], outputs=[scores(classes=0)])


@case("refused", "")
def no_operator_set() -> onnx.ModelProto:
    made = model([honest()])
    del made.opset_import[:]
    return made


@case("refused", "")
def file_format_before_the_first() -> onnx.ModelProto:
    made = model([honest()])
    made.ir_version = -5
    return made


@case("refused", "")
def operator_in_a_domain_like_the_vendors() -> onnx.ModelProto:
    return with_domain(
        model([honest("z")], [helper.make_node("Gelu", ["z"], ["y"], domain="com.micros0ft")]), "com.micros0ft"
    )


@case("refused", "")
def compiled_for_a_device() -> onnx.ModelProto:
    call = helper.make_node(
        "EPContext", ["z"], ["y"], domain="com.microsoft", ep_cache_context="../../x.bin", embed_mode=0
    )
    return with_domain(model([honest("z")], [call]), "com.microsoft")


@case("refused", "")
def operator_that_calls_python() -> onnx.ModelProto:
    call = helper.make_node("PyOp", ["z"], ["y"], domain="ai.onnx.contrib", module="os", compute="system")
    return with_domain(model([honest("z")], [call]), "ai.onnx.contrib")
