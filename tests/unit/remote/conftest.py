"""A model with external data, as it lies elsewhere."""

from pathlib import Path

import numpy as np
import onnx
import pytest


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """A folder with `onnx/model.onnx`, its data in `onnx/weights/w.bin`, and what does not belong to them."""
    folder = tmp_path / "shelf"
    (folder / "onnx" / "weights").mkdir(parents=True)
    weight = onnx.numpy_helper.from_array(np.arange(400, dtype=np.float32), "w")
    graph = onnx.helper.make_graph([onnx.helper.make_node("Relu", ["w"], ["y"])], "g", [], [], [weight])
    path = folder / "onnx" / "model.onnx"
    onnx.save(
        onnx.helper.make_model(graph), path, save_as_external_data=True, location="weights/w.bin", size_threshold=0
    )
    (folder / "onnx" / "model.pkl").write_bytes(b"a pickle")
    return folder
