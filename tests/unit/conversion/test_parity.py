from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from onnx import parser

from onnxaudit.conversion.parity import measure_parity
from onnxaudit.errors import ParityError

Compute = Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]]
TWO_OUTPUTS = """<ir_version: 10, opset_import: ["": 21]>
graph (float[N, 2] x) => (float[N, 2] a, float[N, 2] b) {
    a = Neg(x)
    b = Abs(x)
}"""


def measure(folder: Path, *outputs: Compute) -> float:
    inputs = np.array([[1.0, -2.0], [-3.0, 0.5]], np.float32)
    arrays = folder / "arrays.npz"
    made: dict[str, Any] = {f"y{number}": one(inputs) for number, one in enumerate(outputs)}
    np.savez(arrays, x=inputs, **made)
    return measure_parity(parser.parse_model(TWO_OUTPUTS).SerializeToString(), arrays, batch=2).max_difference


def test_the_same_outputs_differ_by_nothing(tmp_path: Path) -> None:
    assert measure(tmp_path, np.negative, np.abs) == 0


@pytest.mark.parametrize("number", [0, 1])
def test_an_output_that_is_no_number_or_another_one_is_refused_wherever_it_stands(tmp_path: Path, number: int) -> None:
    for wrong in (lambda x: x * np.float32(np.nan), lambda x: x + np.float32(1)):
        outputs: list[Compute] = [np.negative, np.abs]
        outputs[number] = wrong
        with pytest.raises(ParityError, match="something else"):
            measure(tmp_path, *outputs)


CODES = """<ir_version: 10, opset_import: ["": 21]>
graph (float[N, 2] x) => (uint8[N, 2] codes) {
    y = Abs(x)
    codes = Cast<to = 2>(y)
}"""


@pytest.mark.parametrize(("step", "met"), [(1, True), (2, False)])
def test_whole_numbers_may_be_rounded_another_way(tmp_path: Path, step: int, *, met: bool) -> None:
    inputs = np.array([[10.0, -200.0], [-30.0, 5.0]], np.float32)
    arrays = tmp_path / "arrays.npz"
    np.savez(arrays, x=inputs, y0=np.add(np.abs(inputs), [[0, step]]).astype(np.uint8))
    file = parser.parse_model(CODES).SerializeToString()
    if met:
        assert measure_parity(file, arrays, batch=2).max_difference == 0
    else:
        with pytest.raises(ParityError, match="something else"):
            measure_parity(file, arrays, batch=2)
