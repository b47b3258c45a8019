"""What scikit-learn's exporter writes around a classifier, in the domain ai.onnx.ml: maps, labels, linear classifiers.

A ZipMap gives one dictionary an image, its values a row of scores. A LinearClassifier has its weights in attributes and
gives scores behind a Softmax or Sigmoid of its own, where gradients end; the working copy gets a Gemm beside it that
makes the logits. The vendor's node stays, and what it answers is compared with them.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from onnxaudit.errors import ModelError
from onnxaudit.intake.declarations import STANDARD_DOMAINS

CLASSICAL = "ai.onnx.ml"
KEEPING_ORDER = ("L1", "L2")  # norms of Normalizer that divide by no negative number
GEMM_OPSET = 13  # for files that use the one domain alone
NAMED = ("classlabels_int64s", "classlabels_ints", "classlabels_strings")


def is_classical(node: onnx.NodeProto | None, *operators: str) -> bool:
    """Whether a node is one of these operators of the domain."""
    return node is not None and node.domain == CLASSICAL and node.op_type in operators


def read_attributes(node: onnx.NodeProto) -> Mapping[str, Any]:
    """All attributes of a node by name."""
    return {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}


def count_names(node: onnx.NodeProto) -> int:
    """How many classes a ZipMap or LinearClassifier names."""
    attributes = read_attributes(node)
    return max((len(attributes[name]) for name in NAMED if name in attributes), default=0)


def find_passed(node: onnx.NodeProto) -> str | None:
    """The input whose order of scores, or whose labels, a node shows in another form; None for other nodes."""
    if is_classical(node, "ZipMap", "LabelEncoder"):
        return str(node.input[0])
    if is_classical(node, "Normalizer") and read_attributes(node).get("norm", b"MAX").decode() in KEEPING_ORDER:
        return str(node.input[0])
    return str(node.input[1]) if is_classical(node, "ArrayFeatureExtractor") else None


def name_logits(node: onnx.NodeProto) -> str:
    """The tensor that a working copy has for the logits of a LinearClassifier."""
    return f"logits of {next(name for name in reversed(node.output) if name)}"


def add_logits(proto: onnx.ModelProto) -> onnx.ModelProto:
    """The model with the logits of each LinearClassifier beside it; the very same where there is none.

    Raises:
        ModelError: a LinearClassifier whose coefficients are not as many for each class.
    """
    if not any(is_classical(node, "LinearClassifier") for node in proto.graph.node):
        return proto
    added = onnx.ModelProto()
    added.CopyFrom(proto)
    taken = {name for node in proto.graph.node for name in node.output}
    for place, node in reversed(list(enumerate(proto.graph.node))):
        if is_classical(node, "LinearClassifier"):
            if name_logits(node) in taken:
                raise ModelError(f"tensor {name_logits(node)!r} has a name that is needed for the audit; rename it")
            nodes, stored = _spell_out(node)
            for one in reversed(nodes):
                added.graph.node.insert(place + 1, one)
            added.graph.initializer.extend(stored)
            classes = stored[0].dims[0]
            kind = helper.make_tensor_value_info(name_logits(node), TensorProto.FLOAT, [None, classes])
            added.graph.value_info.append(kind)
    if not any(entry.domain in STANDARD_DOMAINS for entry in added.opset_import):
        added.opset_import.append(helper.make_opsetid("", GEMM_OPSET))
    return added


def _spell_out(node: onnx.NodeProto) -> tuple[list[onnx.NodeProto], list[TensorProto]]:
    """`x · Wᵀ + b` of a LinearClassifier, in float32 as it computes itself."""
    attributes, logits = read_attributes(node), name_logits(node)
    coefficients = np.array(attributes.get("coefficients", ()), np.float32)
    classes = count_names(node)
    intercepts = np.array(attributes.get("intercepts", np.zeros(classes)), np.float32)
    if classes < 2 or coefficients.size % classes or not coefficients.size or len(intercepts) != classes:
        raise ModelError(
            f"node {node.name or node.op_type!r}: {coefficients.size} coefficients and {len(intercepts)} intercepts "
            f"for {classes} classes; a LinearClassifier with as many for each class can be audited"
        )
    weights, bias, floats = (f"{part} of {logits}" for part in ("weights", "biases", "input"))
    nodes = [
        helper.make_node("Cast", [node.input[0]], [floats], to=TensorProto.FLOAT),
        helper.make_node("Gemm", [floats, weights, bias], [logits], logits, transB=1),
    ]
    matrix = coefficients.reshape(classes, -1)
    return nodes, [numpy_helper.from_array(matrix, weights), numpy_helper.from_array(intercepts, bias)]
