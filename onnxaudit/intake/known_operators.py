"""Which operators the importer knows: by name, since the registry itself holds functions of PyTorch.

So a file's operators can be told, and unknown ones refused, before PyTorch is loaded, and where it is not installed.
A test holds the table and the registry together.
"""

from collections.abc import Iterator, Mapping

import onnx
from onnx import AttributeProto

from onnxaudit.intake.declarations import STANDARD_DOMAINS

# By domain; after the @ the first opset that is known, where that is not 1.
_TABLE = {
    "": """
        Abs Acos Acosh Add@6 AffineGrid@20 And@6 ArgMax ArgMin Asin Asinh Atan Atanh Attention@23 AveragePool
        BatchNormalization@6 BitCast@26 BitShift@11 BitwiseAnd@7 BitwiseNot BitwiseOr@7 BitwiseXor@7 BlackmanWindow@17
        Cast@6 CastLike@15 Ceil Celu@12 CenterCropPad@18 Clip@6 Col2Im@18 Compress@9 Concat@4 ConstantOfShape@9 Conv
        ConvInteger@10 ConvTranspose Cos Cosh CumProd@26 CumSum@11 DFT@17 DeformConv@19 DepthToSpace DequantizeLinear@10
        Det Div@6 Dropout@6 DynamicQuantizeLinear@11 Einsum@12 Elu@6 Equal@6 Erf Exp Expand@8 EyeLike@9 Flatten Floor
        GRU@7 Gather GatherElements@11 GatherND@11 Gelu@20 Gemm@6 GlobalAveragePool GlobalLpPool@2 GlobalMaxPool
        Greater@6 GreaterOrEqual@7 GridSample@16 GroupNormalization@18 HammingWindow@17 HannWindow@17 HardSigmoid@6
        HardSwish@14 Hardmax Identity If InstanceNormalization@6 IsInf@10 IsNaN LRN LSTM@7 LayerNormalization
        LeakyRelu@6 Less@6 LessOrEqual@7 Log LogSoftmax Loop LpNormalization LpPool@2 MatMul MatMulInteger@10 Max@6
        MaxPool MaxUnpool@9 Mean@6 MeanVarianceNormalization@9 MelWeightMatrix@17 Min@6 Mish@18 Mod@10 Mul@6 Neg
        NonZero@9 Not OneHot@9 Or@6 PRelu@6 Pad@2 Pow@6 QLinearConv@10 QLinearMatMul@10 QuantizeLinear@10
        RMSNormalization@23 RNN@7 Range@11 Reciprocal ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax
        ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare Relu Reshape@5 Resize@10 ReverseSequence@10
        RoiAlign@10 RotaryEmbedding@23 Round STFT@17 Scan@9 Scatter@9 ScatterElements@11 ScatterND@11 Selu@6 Shape
        Shrink@9 Sigmoid Sign SimplifiedLayerNormalization Sin Sinh Size Slice Softmax Softplus Softsign SpaceToDepth
        Split@2 Sqrt Squeeze Sub@6 Sum@6 Swish@24 Tan Tanh TensorScatter@24 ThresholdedRelu@10 Tile@6 TopK Transpose
        Trilu@14 Unique@11 Unsqueeze Upsample@7 Where@9 Xor@6
    """,
    "ai.onnx.ml": """
        Imputer Normalizer Scaler
    """,
    "com.microsoft": """
        BiasGelu BiasSoftmax DequantizeLinear DynamicQuantizeLSTM DynamicQuantizeMatMul FastGelu FusedConv FusedGemm
        FusedMatMul Gelu MatMulIntegerToFloat QGemm QLinearAdd QLinearAveragePool QLinearConcat QLinearConv
        QLinearGlobalAveragePool QLinearLeakyRelu QLinearMul QLinearSigmoid QLinearSoftmax QLinearWhere QuantizeLinear
        QuickGelu SkipLayerNormalization
    """,
    "com.microsoft.nchwc": """
        AveragePool Conv GlobalAveragePool GlobalMaxPool MaxPool ReorderInput ReorderOutput Upsample
    """,
}


def _read(names: str) -> Iterator[tuple[str, int]]:
    for entry in names.split():
        name, _, since = entry.partition("@")
        yield name, int(since or 1)


KNOWN: Mapping[tuple[str, str], int] = {
    (domain, name): since for domain, names in _TABLE.items() for name, since in _read(names)
}


def is_known(domain: str, name: str, opset: int) -> bool:
    """Whether a version of `domain::name` stands in `opset`."""
    since = KNOWN.get((domain, name))
    return since is not None and since <= opset


def find_opsets(proto: onnx.ModelProto) -> dict[str, int]:
    """Version of each domain that the model imports; the standard one is called "" whatever its name in the file."""
    return {"" if entry.domain in STANDARD_DOMAINS else entry.domain: entry.version for entry in proto.opset_import}


def find_unknown(graph: onnx.GraphProto, opsets: Mapping[str, int]) -> list[onnx.NodeProto]:
    """Every node, nested graphs included, whose operator the importer does not know."""
    unknown = []
    for node in graph.node:
        domain = "" if node.domain in STANDARD_DOMAINS else node.domain
        if node.op_type != "Constant" and not is_known(domain, node.op_type, opsets.get(domain, 1)):
            unknown.append(node)
        for attribute in node.attribute:
            if attribute.type == AttributeProto.GRAPH:
                unknown.extend(find_unknown(attribute.g, opsets))
    return unknown
