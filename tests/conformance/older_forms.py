"""How each operator was written in older versions: inputs and attributes that suit it."""

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from tests.conformance.older_versions import Form

_rng = np.random.default_rng(0)


def floats(*shape: int) -> np.ndarray:
    return _rng.standard_normal(shape).astype(np.float32)


def share(*shape: int) -> np.ndarray:
    """Between 0.1 and 0.9, where every function is defined and smooth."""
    return _rng.uniform(0.1, 0.9, shape).astype(np.float32)


def ints(*values: Any) -> np.ndarray:
    return np.array(values, np.int64)


def number(value: float) -> np.ndarray:
    return np.array(value, np.float32)


def flag(value: bool) -> np.ndarray:
    return np.array(value)


def _graph(nodes: list[onnx.NodeProto], inputs: dict[str, int], outputs: dict[str, int]) -> onnx.GraphProto:
    def declare(names: dict[str, int]) -> list[onnx.ValueInfoProto]:
        # onnxruntime wants to know the shape of a loop's counter and flag.
        shapes = {"turn": (), "going": (), "still": ()}
        return [helper.make_tensor_value_info(name, element, shapes.get(name)) for name, element in names.items()]

    return helper.make_graph(nodes, "nested", declare(inputs), declare(outputs))


def _constant(name: str) -> onnx.GraphProto:
    node = helper.make_node("Constant", [], ["value_" + name], value=onnx.numpy_helper.from_array(floats(2, 3)))
    return _graph([node], {}, {"value_" + name: TensorProto.FLOAT})


LOOP = _graph(
    [
        helper.make_node("Add", ["carried", "carried"], ["twice"]),
        helper.make_node("Identity", ["going"], ["still"]),
        helper.make_node("Neg", ["carried"], ["seen"]),
    ],
    {"turn": TensorProto.INT64, "going": TensorProto.BOOL, "carried": TensorProto.FLOAT},
    {"still": TensorProto.BOOL, "twice": TensorProto.FLOAT, "seen": TensorProto.FLOAT},
)
SCAN = _graph(
    [helper.make_node("Add", ["state", "part"], ["next"]), helper.make_node("Neg", ["next"], ["seen"])],
    {"state": TensorProto.FLOAT, "part": TensorProto.FLOAT},
    {"next": TensorProto.FLOAT, "seen": TensorProto.FLOAT},
)
IMAGE, POOL = floats(2, 3, 7, 6), {"kernel_shape": [3, 2], "strides": [2, 1], "pads": [1, 0, 1, 1]}
MATRIX, SCALE, ZERO = floats(3, 4), number(0.05), np.array(3, np.uint8)
TRUTH = floats(3, 4) > 0
UPPER = {"mode": "linear"}


def _unary(array: np.ndarray, names: str, **attributes: Any) -> dict[str, list[Form]]:
    return {name: [Form((array,), attributes)] for name in names.split()}


def _binary(names: str) -> dict[str, list[Form]]:
    return {name: [Form((floats(2, 3, 4), floats(3, 1)))] for name in names.split()}


def _reduction(name: str) -> list[Form]:
    signed = name not in ("ReduceLogSum", "ReduceProd")
    data, last = floats(2, 3, 4) if signed else share(2, 3, 4), 12 if name == "ReduceSum" else 17
    return [
        Form((data,), {"axes": [0, 2]}, last=last),
        Form((data,), {"keepdims": 0}, last=last),
        Form((data, ints(1)), {"keepdims": 0}, first=last + 1),
        Form((data,), {"noop_with_empty_axes": 1}, first=last + 1),
    ]


def _recurrence(gates: int, cell: int) -> list[Form]:
    hidden, features = 4, 3
    x, initial = floats(5, 2, features), [floats(1, 2, hidden)] * (1 + cell)
    w, r, b = floats(1, gates * hidden, features), floats(1, gates * hidden, hidden), floats(1, 2 * gates * hidden)
    both = [np.concatenate([floats(*part.shape), part]) for part in (w, r, b)]
    return [
        Form((x, w, r), {"hidden_size": hidden}, outputs=2 + cell),
        Form((x, w, r, b, None, *initial), {"hidden_size": hidden}, outputs=2 + cell),
        Form((x, *both), {"hidden_size": hidden, "direction": "bidirectional"}, outputs=2),
    ]


def _arg(name: str) -> dict[str, list[Form]]:
    return {name: [Form((MATRIX,), {"axis": 1}), Form((MATRIX,), {"axis": 0, "keepdims": 0})]}


def _pad() -> list[Form]:
    pads = ints(0, 1, 2, 0, 0, 1)
    old = [Form((floats(2, 3, 4),), {"pads": pads.tolist(), "mode": mode}, last=10) for mode in ("constant", "edge")]
    new = [Form((floats(2, 3, 4), pads), {"mode": mode}, first=11) for mode in ("constant", "reflect", "edge")]
    return [*old, *new, Form((floats(2, 3, 4), pads, number(1.5)), first=11)]


def _resize() -> list[Form]:
    x, scales, none = floats(1, 2, 4, 5), np.array([1, 1, 1.5, 2], np.float32), np.array([], np.float32)
    modes = [{"mode": "nearest"}, UPPER, {"mode": "cubic"}, {**UPPER, "coordinate_transformation_mode": "asymmetric"}]
    aligned = {**UPPER, "coordinate_transformation_mode": "align_corners"}
    return [
        *(Form((x, scales), mode, last=10) for mode in modes[:2]),
        *(Form((x, none, scales), mode, first=11) for mode in modes),
        Form((x, none, none, ints(1, 2, 3, 9)), aligned, first=11, last=12),
        Form((x, None, None, ints(1, 2, 3, 9)), aligned, first=13),
    ]


def _slice() -> list[Form]:
    attributes = {"starts": [1, 0], "ends": [3, -1], "axes": [1, 2]}
    data = floats(2, 3, 4)
    return [
        Form((data,), attributes, last=9),
        Form((data, ints(1, -1), ints(3, -5), ints(1, 2), ints(1, -2)), first=10),
    ]


def _quantize() -> list[Form]:
    scales = np.array([0.1, 0.02, 0.3], np.float32)
    return [
        Form((MATRIX, SCALE, ZERO)),
        Form((MATRIX, SCALE)),
        Form((MATRIX, scales, np.array([1, 2, -3], np.int8)), {"axis": 0}, first=13),
        Form((MATRIX, np.repeat(scales[:, None], 2, 1)), {"axis": 1, "block_size": 2}, first=21),
    ]


def _dequantize() -> list[Form]:
    codes = np.arange(12, dtype=np.uint8).reshape(3, 4)
    scales = np.array([0.1, 0.02, 0.3], np.float32)
    return [
        Form((codes, SCALE, ZERO)),
        Form((codes.astype(np.int32), SCALE)),
        Form((codes.astype(np.int8), scales, np.array([1, 2, -3], np.int8)), {"axis": 0}, first=13),
        Form((codes, np.repeat(scales[:, None], 2, 1)), {"axis": 1, "block_size": 2}, first=21),
    ]


UNARY = (
    "Abs Acos Asin Asinh Atan Atanh Ceil Cos Cosh Elu Erf Exp Floor HardSigmoid HardSwish Hardmax Identity IsNaN "
    "LeakyRelu Log LogSoftmax Mish Neg Reciprocal Relu Round Selu Shape Sigmoid Sign Sin Sinh Size Softmax Softplus "
    "Softsign Sqrt Tan Tanh ThresholdedRelu"
)
COMPARISONS = "Add Div Greater GreaterOrEqual Less LessOrEqual Mul Sub"
BOXES = (floats(1, 2, 8, 8), np.array([[0, 0, 5, 5], [1, 2, 7, 6]], np.float32), ints(0, 0))
BOX = {"output_height": 2, "output_width": 3, "sampling_ratio": 2, "spatial_scale": 0.5}
UPDATES = (floats(3, 4), ints([0, 2, 1, 0]), floats(1, 4))
ROWS = (floats(4, 3), ints([2], [0]), floats(2, 3))
REDUCTIONS = "L1 L2 LogSum LogSumExp Max Mean Min Prod Sum SumSquare"
STATISTICS = (share(3), floats(3), floats(3), share(3))

FORMS: dict[str, list[Form]] = {
    **_unary(share(3, 4), UNARY),
    **_binary(COMPARISONS),
    **_arg("ArgMax"),
    **_arg("ArgMin"),
    **{f"Reduce{name}": _reduction(f"Reduce{name}") for name in REDUCTIONS.split()},
    **{name: [Form((MATRIX, floats(3, 4), floats(3, 4)))] for name in ("Max", "Mean", "Min", "Sum")},
    **{f"Global{name}": [Form((IMAGE,))] for name in ("AveragePool", "LpPool", "MaxPool")},
    "Acosh": [Form((share(3, 4) + 1,))],
    "Attention": [
        Form((floats(2, 4, 6), floats(2, 5, 6), floats(2, 5, 6)), {"q_num_heads": 2, "kv_num_heads": 2}),
        Form((floats(2, 2, 4, 6), floats(2, 2, 4, 6), floats(2, 2, 4, 6)), {"is_causal": 1}),
        Form((floats(2, 2, 4, 6), floats(2, 2, 5, 6), floats(2, 2, 5, 6), floats(4, 5)), {"softcap": 2.0}),
    ],
    "AveragePool": [
        Form((IMAGE,), POOL),
        Form((IMAGE,), {**POOL, "count_include_pad": 1}),
        Form((IMAGE,), {"kernel_shape": [3, 3], "auto_pad": "SAME_UPPER", "strides": [2, 2]}),
        Form((IMAGE,), {"kernel_shape": [2, 2], "strides": [2, 2], "ceil_mode": 1}, first=10),
        Form((IMAGE,), {"kernel_shape": [2, 2], "dilations": [2, 2]}, first=19),
    ],
    "BatchNormalization": [Form((IMAGE, *STATISTICS)), Form((IMAGE, *STATISTICS), {"epsilon": 0.1})],
    "BitShift": [Form((np.array([1, 2, 64], np.uint8), np.array([1, 2, 3], np.uint8)), {"direction": "LEFT"})],
    "Cast": [Form((floats(3, 4) * 5,), {"to": to}) for to in (TensorProto.INT32, TensorProto.DOUBLE, TensorProto.BOOL)],
    "CastLike": [Form((floats(3, 4) * 5, ints(1)))],
    "Celu": [Form((MATRIX,), {"alpha": 0.7})],
    "Clip": [
        Form((MATRIX,), {"min": -0.5, "max": 0.5}, last=10),
        Form((MATRIX,), {"min": 0.0}, last=10),
        Form((MATRIX, number(-0.5), number(0.5)), first=11),
        Form((MATRIX, None, number(0.1)), first=11),
    ],
    "Compress": [Form((MATRIX, np.array([True, False, True])), {"axis": 0}), Form((MATRIX, np.array([False, True])))],
    "Concat": [Form((floats(2, 3), floats(1, 3)), {"axis": 0})],
    "ConstantOfShape": [Form((ints(2, 3),), {"value": onnx.numpy_helper.from_array(np.array([1.5], np.float32))})],
    "Conv": [
        Form((IMAGE, floats(4, 3, 3, 2), floats(4)), {"strides": [2, 1], "pads": [1, 0, 2, 1]}),
        Form((IMAGE, floats(6, 1, 3, 3)), {"group": 3, "auto_pad": "SAME_LOWER", "strides": [2, 2]}),
        Form((floats(1, 2, 9), floats(3, 2, 3)), {"dilations": [2]}),
    ],
    "ConvTranspose": [
        Form((IMAGE, floats(3, 4, 3, 2), floats(4)), {"strides": [2, 1], "pads": [1, 0, 1, 1]}),
        Form((IMAGE, floats(3, 2, 3, 3)), {"strides": [2, 2], "output_shape": [14, 12], "auto_pad": "SAME_UPPER"}),
        Form((IMAGE, floats(3, 2, 3, 3)), {"strides": [2, 2], "output_padding": [1, 0]}),
    ],
    "CumSum": [Form((MATRIX, np.array(1, np.int32)), {"exclusive": e, "reverse": r}) for e in (0, 1) for r in (0, 1)],
    "DFT": [
        Form((floats(2, 6, 1),), {"axis": 1}, last=19),
        Form((floats(2, 6, 1),), {"axis": 1, "onesided": 1}, last=19),
        Form((floats(2, 6, 2), np.array(4, np.int64)), {"axis": 1, "inverse": 1}, last=19),
    ],
    "DeformConv": [Form((floats(1, 2, 5, 5), floats(3, 2, 3, 3), floats(1, 18, 3, 3) * 0.3), {"kernel_shape": [3, 3]})],
    "DepthToSpace": [
        Form((floats(1, 8, 2, 3),), {"blocksize": 2}),
        Form((floats(1, 8, 2, 3),), {"blocksize": 2, "mode": "CRD"}, first=11),
    ],
    "DequantizeLinear": _dequantize(),
    "Det": [Form((floats(2, 3, 3),))],
    "Dropout": [Form((MATRIX,)), Form((MATRIX,), {"ratio": 0.3}, last=11), Form((MATRIX, number(0.3)), first=12)],
    "Einsum": [Form((floats(2, 3), floats(3, 4)), {"equation": "ij,jk->ki"})],
    "Equal": [Form((ints(1, 2, 3), ints(1, 0, 3)))],
    "Expand": [Form((floats(3, 1), ints(2, 1, 4)))],
    "EyeLike": [Form((floats(3, 4),), {"k": 1})],
    "Flatten": [Form((floats(2, 3, 4),)), Form((floats(2, 3, 4),), {"axis": 2}), Form((floats(2, 3, 4),), {"axis": 0})],
    "GRU": [*_recurrence(3, 0), Form(_recurrence(3, 0)[1].inputs, {"hidden_size": 4, "linear_before_reset": 1})],
    "Gather": [Form((MATRIX, ints([0, 2], [1, 1])), {"axis": axis}) for axis in (0, 1)],
    "GatherElements": [Form((MATRIX, ints([0, 2, 1, 0])), {"axis": 0})],
    "GatherND": [Form((floats(2, 3, 4), ints([0, 1], [1, 2])))],
    "Gemm": [
        Form((floats(2, 3), floats(3, 4), floats(4))),
        Form((floats(3, 2), floats(4, 3), floats(2, 1)), {"transA": 1, "transB": 1, "alpha": 0.5, "beta": 2.0}),
    ],
    "GridSample": [
        Form((floats(1, 2, 4, 5), floats(1, 3, 3, 2) * 0.7), {"padding_mode": mode, "align_corners": align})
        for mode in ("zeros", "border", "reflection")
        for align in (0, 1)
    ],
    "GroupNormalization": [Form((floats(2, 4, 3, 3), share(2), floats(2)), {"num_groups": 2}, last=20)],
    "If": [
        Form((flag(value),), {"then_branch": _constant("a"), "else_branch": _constant("b")}) for value in (True, False)
    ],
    "InstanceNormalization": [Form((IMAGE, share(3), floats(3)), {"epsilon": 0.01})],
    "IsInf": [Form((np.array([1, np.inf, -np.inf], np.float32),), {"detect_negative": flag}) for flag in (0, 1)],
    "LRN": [Form((floats(1, 6, 3, 3),), {"size": 3, "alpha": 0.1, "bias": 2.0})],
    "LSTM": _recurrence(4, 1),
    "Loop": [Form((np.array(3, np.int64), flag(True), floats(2)), {"body": LOOP}, outputs=2)],
    "LpNormalization": [Form((MATRIX,), {"axis": axis, "p": p}) for axis in (0, -1) for p in (1, 2)],
    "LpPool": [Form((share(1, 2, 6, 6),), {"kernel_shape": [3, 2], "p": p, "pads": [1, 0, 1, 1]}) for p in (2, 3)],
    "MatMul": [Form((floats(2, 3, 4), floats(4, 5)))],
    "MaxPool": [
        Form((IMAGE,), POOL),
        Form((IMAGE,), {"kernel_shape": [3, 3], "auto_pad": "SAME_LOWER", "strides": [2, 2]}),
        Form((IMAGE,), {"kernel_shape": [2, 2], "strides": [2, 2]}, first=8, outputs=2),
        Form((IMAGE,), {"kernel_shape": [2, 2], "strides": [2, 2], "ceil_mode": 1, "dilations": [2, 1]}, first=10),
    ],
    "MaxUnpool": [
        Form((floats(1, 1, 2, 2), ints([[[5, 7], [13, 15]]])), {"kernel_shape": [2, 2], "strides": [2, 2]}),
        Form(
            (floats(1, 1, 2, 2), ints([[[5, 7], [13, 15]]]), ints(1, 1, 5, 5)),
            {"kernel_shape": [2, 2], "strides": [2, 2]},
        ),
    ],
    "MeanVarianceNormalization": [Form((IMAGE,))],
    "Mod": [Form((MATRIX, floats(4)), {"fmod": 1}), Form((ints(-5, 5, 7), ints(3, -3, 4)))],
    "NonZero": [Form((np.round(floats(3, 4)),))],
    "OneHot": [Form((ints(0, 2, -1), ints(4), np.array([0.5, 2], np.float32)), {"axis": axis}) for axis in (-1, 0)],
    "PRelu": [Form((floats(2, 3, 4), share(3, 1))), Form((floats(2, 3, 4), share(1)))],
    "Pad": _pad(),
    "Pow": [Form((share(2, 3), floats(3)))],
    "QLinearMatMul": [
        Form(
            (
                np.arange(6, dtype=np.uint8).reshape(2, 3),
                SCALE,
                ZERO,
                np.eye(3, dtype=np.uint8),
                SCALE,
                ZERO,
                SCALE,
                ZERO,
            )
        )
    ],
    "QuantizeLinear": _quantize(),
    "RNN": _recurrence(1, 0),
    "Range": [Form((number(1), number(6), number(1.5)))],
    "Reshape": [Form((floats(2, 3, 4), ints(0, -1))), Form((floats(2, 3, 4), ints(4, 6)))],
    "Resize": _resize(),
    "ReverseSequence": [Form((MATRIX, ints(1, 2, 3, 2)))],
    "RoiAlign": [Form(BOXES, BOX), Form(BOXES, {**BOX, "mode": "max"})],
    "Scan": [
        Form((None, floats(2, 3), floats(2, 4, 3)), {"body": SCAN, "num_scan_inputs": 1}, last=8, outputs=2),
        Form((floats(3), floats(4, 3)), {"body": SCAN, "num_scan_inputs": 1}, first=9, outputs=2),
        Form(
            (floats(3), floats(3, 4)),
            {"body": SCAN, "num_scan_inputs": 1, "scan_input_axes": [1], "scan_input_directions": [1]},
            first=9,
            outputs=2,
        ),
    ],
    "Scatter": [Form(UPDATES)],
    "ScatterElements": [
        Form(UPDATES, {"axis": 0}),
        *(Form(UPDATES, {"reduction": reduction}, first=16) for reduction in ("add", "mul")),
    ],
    "ScatterND": [Form(ROWS), *(Form(ROWS, {"reduction": reduction}, first=16) for reduction in ("add", "mul"))],
    "Slice": _slice(),
    "SpaceToDepth": [Form((floats(1, 2, 4, 6),), {"blocksize": 2})],
    "Split": [
        Form((floats(4, 3),), {"axis": 0}, outputs=2, last=17),
        Form((floats(4, 3),), {"split": [1, 3]}, outputs=2, last=12),
        Form((floats(4, 3), ints(1, 3)), outputs=2, first=13),
    ],
    "Squeeze": [
        Form((floats(1, 3, 1),), {"axes": [0]}, last=12),
        Form((floats(1, 3, 1), ints(-1)), first=13),
        Form((floats(1, 3, 1),)),
    ],
    "Tile": [Form((floats(2, 3), ints(2, 2)))],
    "TopK": [
        Form((MATRIX,), {"k": 2, "axis": 1}, outputs=2, last=9),
        Form((MATRIX, ints(2)), {"axis": 0}, outputs=2, first=10),
        Form((MATRIX, ints(2)), {"largest": 0}, outputs=2, first=11),
    ],
    "Transpose": [Form((floats(2, 3, 4),)), Form((floats(2, 3, 4),), {"perm": [0, 2, 1]})],
    "Unique": [Form((np.round(floats(8)),), outputs=4), Form((np.round(floats(8)),), {"sorted": 0}, outputs=2)],
    "Unsqueeze": [
        Form((floats(2, 3),), {"axes": [0, 2]}, last=12),
        Form((floats(2, 3), ints(0, -1)), first=13),
    ],
    "Upsample": [
        Form((floats(1, 2, 3, 3),), {"scales": [1.0, 1.0, 2.0, 2.0], "mode": mode}, last=8)
        for mode in ("nearest", "linear")
    ]
    + [
        Form((floats(1, 2, 3, 3), np.array([1, 1, 2, 3], np.float32)), {"mode": mode}, first=9, last=9)
        for mode in ("nearest", "linear")
    ],
    "Where": [Form((TRUTH, MATRIX, floats(4)))],
}
FORMS["Hardmax"] = FORMS["LogSoftmax"] = FORMS["Softmax"] = [
    Form((floats(2, 3, 4),)),
    Form((floats(2, 3, 4),), {"axis": 2}),
]
