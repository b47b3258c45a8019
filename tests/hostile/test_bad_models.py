"""Model files that cannot be audited: each is refused with one line that says what, where, and what to do."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from onnxaudit.errors import ModelError, RejectedError
from onnxaudit.intake import load_model
from onnxaudit.pipeline.inspection import inspect
from onnxaudit.records import Preprocessing
from onnxaudit.runtime import Runtime
from tools.testbed.tiny_models import build, linear_classifier, linear_weights, with_opset, write


def refusal(path: Path, output: str | None = None) -> str:
    with pytest.raises(ModelError) as caught:
        load_model(path, output)
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    return message


class TestFiles:
    def test_missing(self, tmp_path: Path) -> None:
        assert "no such file" in refusal(tmp_path / "model.onnx")

    def test_folder(self, tmp_path: Path) -> None:
        assert "is a folder" in refusal(tmp_path)

    def test_empty(self, tmp_path: Path) -> None:
        path = tmp_path / "model.onnx"
        path.touch()
        assert "empty" in refusal(path)

    @pytest.mark.parametrize(
        "content",
        [
            b"hello, this is not a model at all\n" * 20,
            bytes(1000),
            bytes(range(256)) * 9,
            b"PK\x03\x04" + bytes(90),
            b"\n",
        ],
    )
    def test_not_onnx(self, tmp_path: Path, content: bytes) -> None:
        path = tmp_path / "model.onnx"
        path.write_bytes(content)
        assert "not an ONNX file" in refusal(path)

    @pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.7, 0.9, 0.99])
    def test_truncated(self, tmp_path: Path, share: float) -> None:
        path = write(linear_classifier(), tmp_path)
        content = path.read_bytes()
        path.write_bytes(content[: int(share * len(content))])
        assert "truncated" in refusal(path)

    def test_truncation_anywhere_is_refused(self, tmp_path: Path) -> None:
        path = write(linear_classifier(), tmp_path)
        content = path.read_bytes()
        for size in range(1, len(content) - 1):
            path.write_bytes(content[:size])
            refusal(path)

    def test_larger_than_protobuf_can_read(self, tmp_path: Path) -> None:
        path = tmp_path / "model.onnx"
        with path.open("wb") as file:
            file.truncate(2**31)
        assert "2 GiB" in refusal(path)

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
    def test_a_pipe_is_not_waited_for(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "model.onnx")
        assert "not a regular file" in refusal(tmp_path / "model.onnx")


def point_outside(model: onnx.ModelProto, location: str, length: int = 12) -> onnx.ModelProto:
    """The bias kept in an external file."""
    bias = model.graph.initializer[1]
    bias.ClearField("raw_data")
    bias.data_location = TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", "0"), ("length", str(length))):
        bias.external_data.add(key=key, value=value)
    return model


class TestExternalData:
    def test_missing(self, tmp_path: Path) -> None:
        assert "'weights.bin' are missing" in refusal(
            write(point_outside(linear_classifier(), "weights.bin"), tmp_path)
        )

    def test_truncated(self, tmp_path: Path) -> None:
        (tmp_path / "weights.bin").write_bytes(bytes(4))
        path = write(point_outside(linear_classifier(), "weights.bin"), tmp_path)
        assert "damaged or truncated" in refusal(path)

    @pytest.mark.parametrize(
        "location",
        [
            *("../secret.bin", "sub/../../secret.bin", "sub\\..\\..\\secret.bin", "/etc/passwd", "\\\\host\\share\\w"),
            *(
                "C:\\w.bin",
                "http://127.0.0.1/w",
                "file:w.bin",
                "w\0.bin",
                "w\x1b[2J.bin",
                "NUL",
                "sub/con.bin",
                "model.onnx",
            ),
        ],
    )
    def test_a_place_that_no_exporter_writes_is_an_attempt(self, tmp_path: Path, location: str) -> None:
        (tmp_path / "secret.bin").write_bytes(bytes(12))
        folder = tmp_path / "model"
        folder.mkdir()
        path = write(point_outside(linear_classifier(), location), folder)
        with pytest.raises(RejectedError, match="OA410") as caught:
            load_model(path)
        assert "\n" not in str(caught.value)
        assert caught.value.info.output.classes == 3
        assert inspect(path).irregularities == caught.value.irregularities

    @pytest.mark.parametrize(("key", "rule"), [("__class__", "OA410"), ("location", "OA403")])
    def test_fields_that_change_a_reader_are_an_attempt(self, tmp_path: Path, key: str, rule: str) -> None:
        (tmp_path / "weights.bin").write_bytes(bytes(12))
        model = point_outside(linear_classifier(), "weights.bin")
        model.graph.initializer[1].external_data.add(key=key, value="other.bin")
        with pytest.raises(RejectedError, match=rule):
            load_model(write(model, tmp_path))

    def test_no_place_at_all_is_damage(self, tmp_path: Path) -> None:
        assert "outside the model's folder" in refusal(write(point_outside(linear_classifier(), ""), tmp_path))

    def test_a_link_that_leads_outside(self, tmp_path: Path) -> None:
        (tmp_path / "secret.bin").write_bytes(bytes(12))
        folder = tmp_path / "model"
        folder.mkdir()
        (folder / "weights.bin").symlink_to(tmp_path / "secret.bin")
        path = write(point_outside(linear_classifier(), "weights.bin"), folder)
        assert "outside the model's folder" in refusal(path)


def with_input(shape: list[int | str], kind: int = TensorProto.FLOAT) -> onnx.ModelProto:
    value = helper.make_tensor_value_info("pixels", kind, shape)
    scores = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 3])
    nodes = [
        helper.make_node("Cast", ["pixels"], ["x"], to=TensorProto.FLOAT),
        helper.make_node("Flatten", ["x"], ["f"]),
        helper.make_node("Gemm", ["f", "w", "b"], ["y"]),
    ]
    weights = [numpy_helper.from_array(array, name) for name, array in linear_weights(16, 3).items()]
    graph = helper.make_graph(nodes, "g", [value], [scores], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def two_inputs() -> onnx.ModelProto:
    model = linear_classifier()
    model.graph.input.append(helper.make_tensor_value_info("age", TensorProto.FLOAT, ["N", 1]))
    return model


def no_input() -> onnx.ModelProto:
    return build("g () => (float[1, 3] y) { y = Identity(c) }", {"c": np.zeros((1, 3), np.float32)})


def segmentation() -> onnx.ModelProto:
    return build("g (float[N, 1, 4, 4] x) => (float[N, 1, 4, 4] y) { y = Relu(x) }")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (two_inputs, r"2 inputs .*'x'.*'age'"),
        (no_input, "no input"),
        (lambda: with_input(["N", 2, 2, 2, 2]), r"'pixels' \(float \(N, 2, 2, 2, 2\)\): not a batch of images"),
        (lambda: with_input(["N", "F"]), r"leaves the number of features free; name --input-size N"),
        (lambda: with_input(["N", 4, 4]), r"cannot tell which axis is time.* if these are gray images.*\(n, 1, h, w\)"),
        (lambda: with_input(["N", 3, 0, 0]), "'pixels' declares an axis of size 0"),
        (lambda: with_input([0, 1, 4, 4]), "'pixels' declares an axis of size 0"),
        (lambda: with_input(["N", 1, 4, 4], TensorProto.BOOL), r"bool .*only inputs of type .*uint8"),
        (lambda: with_input(["N", 1, "height", "width"]), "leaves height and width free; name --input-size HxW"),
        (lambda: with_input(["N", 2, 8, 16]), "cannot tell which axis"),
        (segmentation, r"'y' \(float \(N, 1, 4, 4\)\); not a classifier"),
    ],
    ids=[
        "two inputs",
        "no input",
        "rank 5",
        "free features",
        "rank 3",
        "size zero",
        "batch of zero",
        "bool",
        "free size",
        "channels",
        "segmentation",
    ],
)
def test_what_is_no_image_classifier_is_described(
    tmp_path: Path, make: Callable[[], onnx.ModelProto], said: str
) -> None:
    path = write(make(), tmp_path)
    with pytest.raises(ModelError, match=said):
        load_model(path)
    refusal(path)


def test_an_invalid_graph_is_refused(tmp_path: Path) -> None:
    model = linear_classifier()
    model.graph.node[0].input[0] = "nowhere"
    assert "not a valid ONNX model" in refusal(write(model, tmp_path))


def test_operators_nobody_knows_are_left_to_the_importer(tmp_path: Path) -> None:
    model = linear_classifier(ending="y = Frobnicate(z)")
    assert load_model(write(model, tmp_path)).info.output.classes == 3


@pytest.mark.parametrize("change", [lambda m: with_opset(m, 99), lambda m: with_opset(m, 0)], ids=["future", "zero"])
def test_an_opset_that_onnxruntime_does_not_know_is_one_line(
    tmp_path: Path, change: Callable[[onnx.ModelProto], onnx.ModelProto]
) -> None:
    path = write(change(linear_classifier()), tmp_path)
    with pytest.raises(ModelError) as caught:
        Runtime(load_model(path), Preprocessing())
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_opset_that_onnxruntime_refuses_is_named_with_what_to_do(tmp_path: Path) -> None:
    path = write(with_opset(linear_classifier(), 99), tmp_path)
    with pytest.raises(ModelError, match=r"up to opset \d+, and the file uses opset 99; export the model for an older"):
        Runtime(load_model(path), Preprocessing())


def test_a_file_format_from_the_future_is_lowered_in_the_working_copy_alone(tmp_path: Path) -> None:
    model = linear_classifier()
    model.ir_version = 99
    read = load_model(write(model, tmp_path))
    assert (read.proto.ir_version, read.computed.ir_version) == (99, 12)
    assert Runtime(read, Preprocessing()).provider
