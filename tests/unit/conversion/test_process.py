"""A conversion by a process of its own: what it computes is compared, what it says is told, and no pickle is loaded."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from onnxaudit.conversion import process
from onnxaudit.conversion.kinds import KERAS, SCRIPT, Kind
from onnxaudit.conversion.order import Order
from onnxaudit.conversion.parity import TOLERANCE, measure_parity
from onnxaudit.conversion.process import convert
from onnxaudit.errors import MissingPackageError, ModelError, ParityError

FAKE = """
import numpy as np, onnx, onnx.helper as h, pickle
def convert(request, refuse_pickles):
    refuse_pickles()
    {fault}
    info = [h.make_tensor_value_info(name, 1, ["n", 3]) for name in "xy"]
    graph = h.make_graph([h.make_node("Relu", ["x"], ["y"])], "g", info[:1], info[1:])
    onnx.save(h.make_model(graph, opset_imports=[h.make_opsetid("", 18)], ir_version=9), request["target"])
    return (lambda x: [{answer}]), [None, 3], "float32"
"""
FAKE_KIND = Kind(name="a fake", program="fake", packages={"onnx": "onnx"})


@pytest.fixture
def order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Order:
    """The programs in a folder where `fake.py` may be written beside them."""
    folder = tmp_path / "programs"
    folder.mkdir()
    (folder / "main.py").write_text(process.MAIN.read_text())
    monkeypatch.setattr(process, "MAIN", folder / "main.py")
    return Order(source=tmp_path / "m.fake", kind=FAKE_KIND)


def run(order: Order, tmp_path: Path, *, fault: str = "", answer: str = "np.maximum(x, 0)") -> process.Converted:
    (tmp_path / "programs" / "fake.py").write_text(FAKE.format(fault=fault, answer=answer))
    (tmp_path / "between").mkdir()
    return convert(order, tmp_path / "between")


def test_what_computes_the_same_is_kept(order: Order, tmp_path: Path) -> None:
    converted = run(order, tmp_path)
    assert (converted.parity.inputs, converted.parity.agreement) == (24, 1.0)
    assert converted.parity.max_difference == 0.0
    assert converted.packages == {"onnx": onnx.__version__}
    onnx.load_from_string(converted.model)


@pytest.mark.parametrize("answer", ["np.maximum(x, 0.1)", "x * np.nan", "np.maximum(x, 0)[:, :2]"])
def test_what_computes_something_else_is_not(order: Order, tmp_path: Path, answer: str) -> None:
    with pytest.raises(ParityError, match=r"computes something else|has outputs of shapes"):
        run(order, tmp_path, answer=answer)


@pytest.mark.parametrize(
    ("fault", "kind", "told"),
    [
        ("raise ValueError('what went wrong')", ModelError, "ValueError: what went wrong"),
        ("pickle.loads(pickle.dumps(np.float64))", ModelError, "holds a pickle"),
        ("import os; os._exit(7)", ModelError, "ended with code 7"),
        ("import onnx.nothing_of_that_name", MissingPackageError, "onnx is not installed here; `pip install onnx`"),
    ],
)
def test_what_goes_wrong_is_told(order: Order, tmp_path: Path, fault: str, kind: type[Exception], told: str) -> None:
    with pytest.raises(kind, match=told):
        run(order, tmp_path, fault=fault)


def test_a_missing_framework_is_named_with_what_brings_it(tmp_path: Path) -> None:
    with pytest.raises(MissingPackageError, match="keras is not installed here; `pip install keras tensorflow tf2onnx"):
        convert(Order(source=tmp_path / "m.keras", kind=KERAS), tmp_path)


def test_differences_count_as_a_share_of_the_largest_output(order: Order, tmp_path: Path) -> None:
    model = run(order, tmp_path).model
    x = np.full((2, 3), 1000.0, np.float32)
    for factor, kept in ((0.5, True), (2.0, False)):
        np.savez(tmp_path / "a.npz", x=x, y0=x * (1 + factor * TOLERANCE))
        if kept:
            assert measure_parity(model, tmp_path / "a.npz", 2).max_difference < TOLERANCE
        else:
            with pytest.raises(ParityError):
                measure_parity(model, tmp_path / "a.npz", 2)


@pytest.mark.filterwarnings("ignore")
def test_torchscript_is_converted_and_needs_a_shape(tmp_path: Path) -> None:
    network = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.Flatten(), torch.nn.Linear(72, 4)).eval()
    script: torch.jit.ScriptModule = torch.jit.script(network)
    script.save(str(tmp_path / "m.pt"))
    (tmp_path / "between").mkdir()
    with pytest.raises(ModelError, match="--input-shape"):
        convert(Order(source=tmp_path / "m.pt", kind=SCRIPT), tmp_path / "between")
    converted = convert(Order(source=tmp_path / "m.pt", kind=SCRIPT, size=(8, 8)), tmp_path / "between")
    assert converted.parity.agreement == 1.0
