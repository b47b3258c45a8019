"""Which cases of the backend suite are in scope, and why the others are not."""

import re
from collections.abc import Iterator

import onnx
from onnx import AttributeProto, TensorProto
from onnx.backend.test.case.test_case import TestCase

from tests.conformance.backend_suite import FLOATS, read_types
from tests.some import some

# What no classifier needs, by operator.
FOREIGN_OPERATORS = {
    "NegativeLogLikelihoodLoss": "training loss",
    "SoftmaxCrossEntropyLoss": "training loss",
    "Adagrad": "training optimizer",
    "Adam": "training optimizer",
    "Momentum": "training optimizer",
    "Bernoulli": "random",
    "Multinomial": "random",
    "RandomNormal": "random",
    "RandomNormalLike": "random",
    "RandomUniform": "random",
    "RandomUniformLike": "random",
    "ImageDecoder": "image decoding",
    "TfIdfVectorizer": "text",
}
FOREIGN_DOMAINS = {"ai.onnx.ml": "classical machine learning", "ai.onnx.preview": "preview operator"}
FOREIGN_DOMAINS["ai.onnx.preview.training"] = "training optimizer"
COMPUTED = (
    *FLOATS,
    *(TensorProto.BOOL, TensorProto.INT8, TensorProto.INT16, TensorProto.INT32, TensorProto.INT64),
    *(TensorProto.UINT8, TensorProto.UINT16, TensorProto.UINT32, TensorProto.UINT64),
)
# Cases in scope that are known not to pass, with the reason.
EXCLUSIONS = {
    r"test_training_dropout(_default)?(_mask)?": "drops values at random in training mode; only ratio 0 is computed",
    r"test_resize_downsample_scales_(linear|cubic)_align_corners": "onnxruntime rounds the length first, so do we",
    r"test_nonmaxsuppression_.*": "object detection; returns indices alone",
    r"test_scan_sum": "Scan up to opset 8 has other inputs; opset 9 replaced it",
    r"test_linear_attention_(gated|delta|explicit|fp16).*(?<!_expanded)": "its definition needs every optional input",
    r"test_causal_conv_with_state_(silu_)?with_past_state": "its definition needs every optional input",
}

# Replaced versions (operator-opset-number of the form) that cannot be compared with onnxruntime, with the reason.
OLDER_EXCLUSIONS = {
    r"MaxUnpool-.*-1": "onnxruntime counts indices in `output_shape`; ONNX's own case, and we, in the smallest shape",
    r"Scan-8-.*": "Scan up to opset 8 has other inputs; opset 9 replaced it",
}


def find_reason(case: TestCase) -> str | None:
    """Why a case is not in scope, or None where it is."""
    types = read_types(some(case.model))
    if not all(types):
        return "sequence or optional type"
    if not set(types) & set(FLOATS):
        return "no float tensor"
    for node in walk(some(case.model).graph):
        reason = FOREIGN_OPERATORS.get(node.op_type) or FOREIGN_DOMAINS.get(node.domain)
        if reason:
            return reason
        if node.op_type.startswith(("Sequence", "Optional", "SplitToSequence", "ConcatFromSequence")):
            return "sequence or optional type"
        types += [a.i for a in node.attribute if a.name in ("to", "output_dtype") and a.i]
    return None if set(types) <= set(COMPUTED) else "string, complex, 8-bit float or sub-byte type"


def find_exclusion(name: str) -> str | None:
    """Why a case in scope is not expected to pass, or None where it is."""
    return next((reason for pattern, reason in EXCLUSIONS.items() if re.fullmatch(pattern, name)), None)


def find_older_exclusion(case: str) -> str | None:
    """Why a replaced operator version is not compared with onnxruntime, or None where it is."""
    return next((reason for pattern, reason in OLDER_EXCLUSIONS.items() if re.fullmatch(pattern, case)), None)


def walk(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    """Every node, nested graphs included."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            if attribute.type == AttributeProto.GRAPH:
                yield from walk(attribute.g)
