"""What a user may get wrong: one clear line on stderr, exit code 2, and nothing written but the error."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from onnxaudit.cli import main
from onnxaudit.records import ErrorDocument, ScanDocument
from onnxaudit.report.json import from_json
from tools.testbed.tiny_models import build, linear_classifier, linear_weights, write

MakeInput = Callable[[Path], tuple[Path, Path]]
GOOD: dict[str, Any] = {"x": np.random.default_rng(0).random((12, 4, 4, 1)).astype(np.float32), "y": np.arange(12) % 3}


def give_model(folder: Path) -> Path:
    return write(linear_classifier(), folder)


def give_data(folder: Path, **changes: Any) -> Path:
    np.savez(folder / "data.npz", **{**GOOD, **changes})
    return folder / "data.npz"


def missing_model(folder: Path) -> tuple[Path, Path]:
    return folder / "nowhere.onnx", give_data(folder)


def empty_model(folder: Path) -> tuple[Path, Path]:
    (folder / "empty.onnx").touch()
    return folder / "empty.onnx", give_data(folder)


def text_as_model(folder: Path) -> tuple[Path, Path]:
    (folder / "text.onnx").write_text("this is not a network")
    return folder / "text.onnx", give_data(folder)


def truncated_model(folder: Path) -> tuple[Path, Path]:
    whole = give_model(folder)
    whole.write_bytes(whole.read_bytes()[:-40])
    return whole, give_data(folder)


def unknown_operators(folder: Path) -> tuple[Path, Path]:
    body = """tiny (float[N, 1, 4, 4] x) => (float[N, 3] y) {
        flat = Flatten(x)
        z = Gemm(flat, w, b)
        r = RandomUniformLike(z)
        k = Multinomial<sample_size = 1>(z)
        drawn = Cast<to = 1>(k)
        y = Sum(z, r, drawn)
    }"""
    return write(build(body, linear_weights(16, 3)), folder), give_data(folder)


def images_of_another_size(folder: Path) -> tuple[Path, Path]:
    return give_model(folder), give_data(folder, x=np.zeros((12, 7, 7, 1), np.float32))


def nan_in_images(folder: Path) -> tuple[Path, Path]:
    images = GOOD["x"].copy()
    images[3, 2, 1, 0] = np.nan
    return give_model(folder), give_data(folder, x=images)


def label_out_of_range(folder: Path) -> tuple[Path, Path]:
    return give_model(folder), give_data(folder, y=np.arange(12) % 7)


def one_class_only(folder: Path) -> tuple[Path, Path]:
    return give_model(folder), give_data(folder, y=np.zeros(12, np.int64))


def missing_data(folder: Path) -> tuple[Path, Path]:
    return give_model(folder), folder / "nowhere"


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (missing_model, ["nowhere.onnx"]),
        (empty_model, ["empty.onnx", "empty"]),
        (text_as_model, ["text.onnx"]),
        (truncated_model, ["model.onnx"]),
        (unknown_operators, ["Multinomial", "RandomUniformLike"]),
        (images_of_another_size, ["data.npz", "7"]),
        (nan_in_images, ["data.npz", "NaN"]),
        (label_out_of_range, ["data.npz", "label"]),
        (one_class_only, ["data.npz", "class"]),
        (missing_data, ["nowhere"]),
    ],
)
@pytest.mark.parametrize("command", ["scan", "repair"])
def test_bad_input_is_one_line_and_exit_code_2(
    make: MakeInput, said: list[str], command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, data = make(tmp_path)
    before, report = sorted(tmp_path.iterdir()), tmp_path / "report.json"
    output = ["--output", str(tmp_path / "fixed.onnx")] if command == "repair" else []
    code = main([command, str(model), "--data", str(data), *output, "--json", str(report)])
    out, err = capsys.readouterr()
    problems = [line for line in err.splitlines() if line.startswith("error: ")]
    assert code == 2
    assert out == ""
    assert len(problems) == 1
    assert all(word in problems[0] for word in said), problems[0]
    assert sorted(tmp_path.iterdir()) == sorted([*before, report])
    document = from_json(report.read_bytes())
    assert isinstance(document, ErrorDocument | ScanDocument)
    error = document.error if isinstance(document, ErrorDocument) else document.failures[0].error
    assert all(word in error for word in said)


def test_an_output_folder_that_does_not_exist_is_refused_before_the_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, data = give_model(tmp_path), give_data(tmp_path)
    code = main(["repair", str(model), "--data", str(data), "--output", str(tmp_path / "no" / "fixed.onnx")])
    assert code == 2
    assert "create it first" in capsys.readouterr().err
    assert not (tmp_path / "no").exists()
