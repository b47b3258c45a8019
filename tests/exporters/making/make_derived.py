"""Derives quantised, half-precision and optimised models from the float models beside them."""

from collections.abc import Callable, Iterator
from functools import partial
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from onnxconverter_common import float16 as common
from onnxruntime import quantization as quant
from onnxruntime.quantization.shape_inference import quant_pre_process
from onnxruntime.transformers import float16 as transformers
from onnxruntime.transformers import optimizer as transformers_optimizer

from tests.exporters.making.catalogue import FOLDER, Entry, read_entries, record

CNN = "torch-torchscript-cnn-softmax-1-opset11"
RESNET = "torch-torchscript-resnet-logits-1-opset13"
RESNET_FREE = "torch-dynamo-resnet-logits-n-opset23"
RESNET_SIGMOID = "torch-torchscript-resnet-sigmoid-n-opset17"
MOBILENET = "torch-torchscript-mobilenet-logits-n-opset14"
VIT = "torch-torchscript-vit-logits-1-opset17"
VIT_SOFTMAX = "torch-torchscript-vit-softmax-n-opset14"
LSTM = "torch-torchscript-lstm-logits-1-opset13"
LSTM_SEVERAL = "torch-torchscript-lstm-several-n-opset17"
GRU = "torch-torchscript-gru-logits-n-opset11"
MLP = "torch-torchscript-mlp-logits-1-opset9"
CONVNEXT = "torch-torchscript-convnext-logits-1-opset17"
DENSENET = "torch-torchscript-densenet-logits-n-opset12"
SWIN = "torch-torchscript-swin-logits-1-opset16"
SHUFFLE = "torch-torchscript-shuffle-logits-n-opset11"
KERAS_CNN = "keras-cnn-softmax-n-opset15"
KERAS_MOBILENET = "keras-mobilenet-softmax-1-opset15"
TF_RESNET = "tf2onnx-function-resnet-logits-1-opset11"

Convert = Callable[[Path, Path], None]


class Calibration(quant.CalibrationDataReader):
    """Sixteen random images."""

    def __init__(self, source: Path) -> None:
        (value,) = onnx.load(source).graph.input
        batch, *sizes = (axis.dim_value or 1 for axis in value.type.tensor_type.shape.dim)
        rng = np.random.default_rng(0)
        images = (rng.random((batch, *sizes)) * rng.random() for _ in range(16))
        self.feeds: Iterator[dict[str, Any]] = iter([{value.name: image.astype(np.float32)} for image in images])

    def get_next(self) -> dict[str, Any] | None:
        return next(self.feeds, None)


def quantise_statically(source: Path, target: Path, **options: Any) -> None:
    with TemporaryDirectory() as folder:
        prepared = Path(folder) / "prepared.onnx"
        quant_pre_process(source, prepared, skip_symbolic_shape=True)
        quant.quantize_static(prepared, target, Calibration(source), **options)


def quantise_dynamically(source: Path, target: Path, **options: Any) -> None:
    quant.quantize_dynamic(source, target, **options)


def halve(source: Path, target: Path, convert: Callable[..., Any], **options: Any) -> None:
    onnx.save(convert(onnx.load(source), **options), target)


def optimise(source: Path, target: Path, level: str) -> None:
    """onnxruntime's own optimiser; CPU kernels alone are in question, so that files are small."""
    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.graph_optimization_level = getattr(ort.GraphOptimizationLevel, f"ORT_ENABLE_{level}")
    options.optimized_model_filepath = str(target)
    ort.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def fuse_transformer(source: Path, target: Path, **options: Any) -> None:
    """onnxruntime's fusions for transformers."""
    transformers_optimizer.optimize_model(str(source), **options).save_model_to_file(str(target))


S8, U8 = quant.QuantType.QInt8, quant.QuantType.QUInt8
QDQ, QOPERATOR = quant.QuantFormat.QDQ, quant.QuantFormat.QOperator


def static(form: quant.QuantFormat, activations: Any, weights: Any, **options: Any) -> Convert:
    return partial(quantise_statically, quant_format=form, activation_type=activations, weight_type=weights, **options)


def dynamic(weights: Any, **options: Any) -> Convert:
    return partial(quantise_dynamically, weight_type=weights, **options)


PERCENTILE = {"calibrate_method": quant.CalibrationMethod.Percentile}
# (exporter, what was done, source, how): quantised
QUANTISED: list[tuple[str, str, str, Convert]] = [
    ("ort-qdq", "s8s8", CNN, static(QDQ, S8, S8)),
    ("ort-qdq", "u8s8-channel", RESNET, static(QDQ, U8, S8, per_channel=True)),
    ("ort-qdq", "s8s8-channel", RESNET_FREE, static(QDQ, S8, S8, per_channel=True)),
    ("ort-qdq", "u8s8", VIT, static(QDQ, U8, S8)),
    ("ort-qdq", "s8s8", KERAS_CNN, static(QDQ, S8, S8)),
    ("ort-qdq", "u8s8-channel", KERAS_MOBILENET, static(QDQ, U8, S8, per_channel=True)),
    ("ort-qdq", "s8s8-percentile", MLP, static(QDQ, S8, S8, **PERCENTILE)),
    ("ort-qoperator", "u8u8", CNN, static(QOPERATOR, U8, U8)),
    ("ort-qoperator", "u8s8-channel", RESNET, static(QOPERATOR, U8, S8, per_channel=True)),
    ("ort-qoperator", "u8u8", TF_RESNET, static(QOPERATOR, U8, U8)),
    ("ort-qoperator", "u8s8", DENSENET, static(QOPERATOR, U8, S8)),
    ("ort-qoperator", "u8u8", CONVNEXT, static(QOPERATOR, U8, U8)),
    ("ort-dynamic", "u8", CNN, dynamic(U8)),
    ("ort-dynamic", "s8-channel", MLP, dynamic(S8, per_channel=True)),
    ("ort-dynamic", "u8-channel", RESNET_SIGMOID, dynamic(U8, per_channel=True)),
    ("ort-dynamic", "u8", LSTM, dynamic(U8, op_types_to_quantize=["MatMul", "Gemm", "LSTM"])),
]
HALF: list[tuple[str, str, str, Convert]] = [
    ("common-fp16", "float-io", CNN, partial(halve, convert=common.convert_float_to_float16, keep_io_types=True)),
    ("common-fp16", "half-io", RESNET, partial(halve, convert=common.convert_float_to_float16)),
    ("common-fp16", "float-io", MOBILENET, partial(halve, convert=common.convert_float_to_float16, keep_io_types=True)),
    ("ort-fp16", "float-io", VIT, partial(halve, convert=transformers.convert_float_to_float16, keep_io_types=True)),
    ("ort-fp16", "float-io", GRU, partial(halve, convert=transformers.convert_float_to_float16, keep_io_types=True)),
    ("ort-fp16", "half-io", KERAS_CNN, partial(halve, convert=transformers.convert_float_to_float16)),
]
OPTIMISED: list[tuple[str, str, str, Convert]] = [
    ("ort-optimised", "basic", RESNET, partial(optimise, level="BASIC")),
    ("ort-optimised", "extended", RESNET_FREE, partial(optimise, level="EXTENDED")),
    ("ort-optimised", "extended", MOBILENET, partial(optimise, level="EXTENDED")),
    ("ort-optimised", "extended", VIT, partial(optimise, level="EXTENDED")),
    ("ort-optimised", "extended", CONVNEXT, partial(optimise, level="EXTENDED")),
    ("ort-optimised", "extended", LSTM_SEVERAL, partial(optimise, level="EXTENDED")),
    ("ort-optimised", "extended", SWIN, partial(optimise, level="EXTENDED")),
    ("ort-optimised", "extended", SHUFFLE, partial(optimise, level="EXTENDED")),
    ("ort-optimised", "extended", KERAS_MOBILENET, partial(optimise, level="EXTENDED")),
    ("ort-optimised", "extended", VIT_SOFTMAX, partial(optimise, level="EXTENDED")),
    ("ort-optimised", "all", MLP, partial(optimise, level="ALL")),
    ("ort-transformers", "bert", VIT, partial(fuse_transformer, model_type="bert", num_heads=3, hidden_size=12)),
]


def main() -> None:
    """Write every model."""
    for numbers, models in (("float", OPTIMISED), ("half", HALF), ("quantised", QUANTISED)):
        record([derive(numbers, *model) for model in models])


def derive(numbers: str, exporter: str, variant: str, source: str, convert: Convert) -> Entry:
    """Write one model."""
    origin = next(entry for entry in read_entries() if entry.path.stem == source)
    file = f"{exporter}-{variant}-of-{source}.onnx"
    convert(origin.path, FOLDER / file)
    packages = ["onnxruntime", *(["onnxconverter-common"] if exporter.startswith("common") else [])]
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    route = f"{exporter} after {origin.exporter}"
    made_by = f"{versions}, {origin.version}"
    return Entry(
        file=file,
        exporter=route,
        version=made_by,
        architecture=origin.architecture,
        head=origin.head,
        batch=origin.batch,
        output=origin.output,
        numbers=numbers,
    )


if __name__ == "__main__":
    main()
