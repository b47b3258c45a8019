"""The models that the `onnx` package ships on disk: exported by PyTorch long ago, and well-known networks."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, numpy_helper

from tests.conformance.backend_suite import compute

DATA = Path(onnx.__file__).parent / "backend" / "test" / "data"
FOLDERS = [path for kind in ("pytorch-converted", "pytorch-operator") for path in sorted((DATA / kind).iterdir())]


def read(path: Path) -> Any:
    tensor = TensorProto()
    tensor.ParseFromString(path.read_bytes())
    return numpy_helper.to_array(tensor)


def read_numbered(folder: Path, kind: str) -> Iterator[Any]:
    count = len(list(folder.glob(f"{kind}_*.pb")))
    return (read(folder / f"{kind}_{number}.pb") for number in range(count))


@pytest.mark.parametrize("folder", FOLDERS, ids=[folder.name for folder in FOLDERS])
def test_stored_case(folder: Path) -> None:
    model = onnx.load(folder / "model.onnx")
    names = [value.name for value in model.graph.input]
    for data in folder.glob("test_data_set_*"):
        feeds = dict(zip(names, read_numbered(data, "input"), strict=False))
        for ours, theirs in zip(compute(model, feeds), read_numbered(data, "output"), strict=True):
            np.testing.assert_allclose(ours.numpy(), theirs, rtol=1e-3, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("path", sorted((DATA / "light").glob("*.onnx")), ids=lambda path: path.stem)
def test_well_known_network(path: Path) -> None:
    model = onnx.load(path)
    stored = {tensor.name for tensor in model.graph.initializer}
    (value,) = [value for value in model.graph.input if value.name not in stored]
    shape = [dimension.dim_value for dimension in value.type.tensor_type.shape.dim]
    (ours,) = compute(model, {value.name: np.ones(shape, np.float32)})
    np.testing.assert_allclose(ours.numpy(), read(path.with_name(f"{path.stem}_output_0.pb")), rtol=1e-3)
