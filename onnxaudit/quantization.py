"""What onnxruntime's own quantizer makes of a float model: the copies in 8-bit integers that are deployed.

Quantized as its documentation says: prepared first (normalizations folded, constants computed), then static (QDQ form,
activations unsigned and calibrated by their smallest and largest values, weights signed and with one scale a channel)
or dynamic (ranges follow the values).
"""

import contextlib
import io
import logging
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import onnx
from onnxruntime import quantization
from onnxruntime.quantization.shape_inference import quant_pre_process

from onnxaudit.data.preprocessing import round_to_type
from onnxaudit.errors import ModelError
from onnxaudit.intake.model import Model
from onnxaudit.records import Floats, QuantizationKind
from onnxaudit.runtime import shorten_failure

BY_CHANNEL = 13  # from this opset on QuantizeLinear knows an axis
WHOLE = ("QuantizeLinear", "DynamicQuantizeLinear", "QLinearConv", "QLinearMatMul", "ConvInteger", "MatMulInteger")


def quantize(model: Model, kind: QuantizationKind, inputs: Sequence[Floats] = ()) -> bytes:
    """The file that the quantizer writes.

    Args:
        model: in floats.
        kind: of its copy.
        inputs: batches in the model's own layout and range, which static quantization is calibrated on.

    Raises:
        ModelError: it is quantized already, or the quantizer fails on it or leaves it as it is.
    """
    proto, path = model.to_working(), model.info.path
    if _counts_whole(proto):
        raise ModelError(f"{path}: it holds quantized operators already, so there is no copy to make")
    with tempfile.TemporaryDirectory() as name, _quiet():
        prepared, written = Path(name) / "prepared.onnx", Path(name) / "written.onnx"
        try:
            _prepare(proto, prepared)
            if kind is QuantizationKind.STATIC:
                fed = [{model.info.input.name: round_to_type(one, model.info.input.dtype)} for one in inputs]
                _quantize_statically(prepared, written, fed, _read_opset(proto))
            else:
                quantization.quantize_dynamic(prepared, written, weight_type=quantization.QuantType.QInt8)
            made = written.read_bytes()
        except Exception as error:
            # The quantizer raises whatever its code meets; where memory is short is for the caller to say.
            if isinstance(error, MemoryError):
                raise
            words = shorten_failure(str(error)) or type(error).__name__
            raise ModelError(f"{path}: onnxruntime's {kind.value} quantization fails on it: {words}") from error
    if not _counts_whole(onnx.ModelProto.FromString(made)):
        raise ModelError(f"{path}: onnxruntime's {kind.value} quantization finds nothing in it to quantize")
    return made


class _Reader(quantization.CalibrationDataReader):  # type: ignore[misc]
    """Batches as the calibration asks for them."""

    def __init__(self, batches: list[dict[str, Any]]) -> None:
        self._batches = iter(batches)

    def get_next(self) -> dict[str, Any] | None:
        """One batch, or None behind the last."""
        return next(self._batches, None)


def _prepare(proto: onnx.ModelProto, path: Path) -> None:
    """Write the model as the quantizer wants it."""
    source = path.with_name("source.onnx")
    onnx.save(proto, source)
    quant_pre_process(source, path, skip_symbolic_shape=True)
    prepared = onnx.load(path)
    # Shapes of weights among them, which the quantizer transposes without a word to them, and then stumbles over.
    del prepared.graph.value_info[:]
    onnx.save(prepared, path)


def _quantize_statically(source: Path, target: Path, batches: list[dict[str, Any]], opset: int) -> None:
    if not batches:
        raise ValueError("there is no image to calibrate it on")
    quantization.quantize_static(
        source,
        target,
        _Reader(batches),
        quant_format=quantization.QuantFormat.QDQ,
        per_channel=opset >= BY_CHANNEL,
        activation_type=quantization.QuantType.QUInt8,
        weight_type=quantization.QuantType.QInt8,
    )


def _read_opset(proto: onnx.ModelProto) -> int:
    return max((one.version for one in proto.opset_import if one.domain in ("", "ai.onnx")), default=0)


def _counts_whole(proto: onnx.ModelProto) -> bool:
    """Whether a graph computes with quantized tensors."""
    return any(node.op_type in WHOLE for node in proto.graph.node)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the quantizer's advice, which it gives the root logger and stdout."""
    before = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        logging.disable(before)
