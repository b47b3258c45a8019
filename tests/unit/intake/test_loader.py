import hashlib
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from onnxaudit import staging
from onnxaudit.errors import ModelError
from onnxaudit.intake import load_model, reader
from onnxaudit.records import InputSpec, Layout, ModelInfo, OutputKind
from tools.testbed.tiny_models import build, linear_classifier, linear_weights, write


def load(model: onnx.ModelProto, folder: Path, output: str | None = None) -> ModelInfo:
    return load_model(write(model, folder), output).info


class TestInfo:
    def test_says_where_the_model_comes_from(self, tmp_path: Path) -> None:
        path = write(linear_classifier(), tmp_path)
        info = load_model(path).info
        assert info.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
        assert (info.path, info.bytes) == (str(path), path.stat().st_size)
        assert (info.opset, info.producer) == (17, "tests 1")

    def test_external_data_are_read_and_part_of_the_hash(self, tmp_path: Path) -> None:
        path = tmp_path / "model.onnx"
        onnx.save(linear_classifier(), path, save_as_external_data=True, location="weights.bin", size_threshold=0)
        model = load_model(path)
        assert np.array_equal(model.initializer("w"), linear_weights(16, 3)["w"])
        data = tmp_path / "weights.bin"
        changed = bytearray(data.read_bytes())
        changed[0] ^= 1
        data.write_bytes(changed)
        assert load_model(path).info.sha256 != model.info.sha256
        assert model.info.bytes == path.stat().st_size + data.stat().st_size
        onnx.load_from_string(model.to_bytes())  # stands on its own

    def test_a_data_file_may_be_larger_than_what_is_used_of_it(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(staging, "BLOCK", 1000)  # tensors lie across blocks
        path, data = tmp_path / "model.onnx", tmp_path / "weights.bin"
        onnx.save(linear_classifier(), path, save_as_external_data=True, location="weights.bin", size_threshold=0)
        model = onnx.load(path, load_external_data=False)
        content = data.read_bytes()
        for tensor in model.graph.initializer:
            offset = next(entry for entry in tensor.external_data if entry.key == "offset")
            offset.value = str(int(offset.value) + 9_900)
        with data.open("wb") as file:
            file.seek(9_900)
            file.write(content)
            file.truncate(100_000)
        path.write_bytes(model.SerializeToString())
        monkeypatch.setattr(reader, "MOST_OF_MODEL", 50_000)
        loaded = load_model(path)
        assert np.array_equal(loaded.initializer("w"), linear_weights(16, 3)["w"])
        assert loaded.info.bytes == path.stat().st_size + 100_000
        digest = hashlib.sha256(data.read_bytes()).digest()
        assert loaded.info.sha256 == hashlib.sha256(path.read_bytes() + digest).hexdigest()

    def test_more_than_protobuf_holds_is_refused_before_anything_is_read(self, tmp_path: Path) -> None:
        model = linear_classifier()
        (tensor,) = (one for one in model.graph.initializer if one.name == "w")
        tensor.ClearField("raw_data")
        tensor.dims[0] = 2**28
        tensor.data_location = onnx.TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value="weights.bin")
        with pytest.raises(ModelError, match=r"its tensors take 3.0 GiB; more than 2 GiB cannot be read"):
            load_model(write(model, tmp_path))


class TestInput:
    def test_free_batch(self, tmp_path: Path) -> None:
        assert load(linear_classifier(), tmp_path).input == InputSpec("x", Layout.NCHW, 1, 4, 4, None)

    def test_fixed_batch(self, tmp_path: Path) -> None:
        assert load(linear_classifier("2, 3, 4, 4", features=48), tmp_path).input.batch == 2

    def test_channels_last(self, tmp_path: Path) -> None:
        info = load(linear_classifier("N, 4, 5, 3", features=60), tmp_path)
        assert info.input == InputSpec("x", Layout.NHWC, 3, 4, 5, None)

    @pytest.mark.parametrize(
        ("first", "layout"),
        [("t = Relu(x)", Layout.NCHW), ("t = Transpose<perm=[0, 3, 1, 2]>(x)", Layout.NHWC)],
    )
    def test_the_first_operators_settle_what_the_shape_leaves_open(
        self, tmp_path: Path, first: str, layout: Layout
    ) -> None:
        body = f"""
        tiny (float[N, 3, 3, 3] x) => (float[N, 2] y) {{
            {first}
            c = Conv(t, k)
            f = Flatten(c)
            y = Gemm(f, w, b)
        }}"""
        weights = {"k": np.ones((1, 3, 1, 1), np.float32), **linear_weights(9, 2)}
        assert load(build(body, weights), tmp_path).input.layout is layout

    def test_initializers_among_the_inputs_do_not_count(self, tmp_path: Path) -> None:
        model = linear_classifier()
        model.graph.input.append(helper.make_tensor_value_info("w", onnx.TensorProto.FLOAT, [16, 3]))
        assert load(model, tmp_path).input.name == "x"


class TestOutput:
    @pytest.mark.parametrize(
        ("ending", "kind", "logits"),
        [
            ("y = Identity(z)", OutputKind.LOGITS, "y"),
            ("y = Softmax<axis=1>(z)", OutputKind.PROBABILITIES, "z"),
            ("p = Softmax(z) y = Identity(p)", OutputKind.PROBABILITIES, "z"),
            ("p = Sigmoid(z) y = Flatten(p)", OutputKind.PROBABILITIES, "z"),
            ("y = LogSoftmax(z)", OutputKind.LOGITS, "z"),
        ],
    )
    def test_what_feeds_a_final_softmax_are_the_logits(
        self, tmp_path: Path, ending: str, kind: OutputKind, logits: str
    ) -> None:
        output = load(linear_classifier(ending=ending), tmp_path).output
        assert (output.name, output.classes, output.kind, output.logits) == ("y", 3, kind, logits)

    def test_a_softmax_over_a_map_is_not_cut(self, tmp_path: Path) -> None:
        ending = "m = Reshape(z, sizes) p = Softmax<axis=1>(m) y = Flatten(p)"
        model = linear_classifier(ending=ending, classes=4)
        model.graph.initializer.append(numpy_helper.from_array(np.array([-1, 2, 2]), "sizes"))
        output = load(model, tmp_path).output
        assert (output.kind, output.logits) == (OutputKind.PROBABILITIES, "y")

    def test_logits_of_another_shape_are_brought_to_one_row_an_image(self, tmp_path: Path) -> None:
        model = linear_classifier(ending="m = Unsqueeze(z, axes) p = Softmax<axis=1>(m) y = Flatten(p)")
        model.graph.initializer.append(numpy_helper.from_array(np.array([2]), "axes"))
        output = load(model, tmp_path).output
        assert (output.kind, output.source, output.logits) == (OutputKind.PROBABILITIES, "m", "m as 3 classes")

    def test_classes_are_inferred_where_the_file_does_not_state_them(self, tmp_path: Path) -> None:
        model = linear_classifier(classes=5)
        model.graph.output[0].type.tensor_type.shape.dim[1].dim_param = "C"
        assert load(model, tmp_path).output.classes == 5

    def test_the_only_scores_among_several_outputs_are_taken(self, tmp_path: Path) -> None:
        model = linear_classifier()
        model.graph.output.append(helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["N", 1, 4, 4]))
        assert load(model, tmp_path).output.name == "y"

    def test_a_named_output_is_taken(self, tmp_path: Path) -> None:
        model = linear_classifier(ending="y = Softmax(z) q = Mul(z, z)")
        model.graph.output.append(helper.make_tensor_value_info("q", onnx.TensorProto.FLOAT, ["N", 3]))
        assert load(model, tmp_path, "q").output.kind is OutputKind.LOGITS
        with pytest.raises(ModelError, match=r"'y' .*'q' .*--output NAME"):
            load(model, tmp_path)
        with pytest.raises(ModelError, match=r"no output is named 'o'.*'y'.*'q'"):
            load(model, tmp_path, "o")


def test_values_of_a_model_replace_initializers_and_leave_the_original(tmp_path: Path) -> None:
    model = load_model(write(linear_classifier(), tmp_path))
    changed = model.with_values({"b": np.zeros(3, np.float32)})
    again = onnx.load_from_string(changed.to_bytes())
    assert np.array_equal(numpy_helper.to_array(again.graph.initializer[1]), np.zeros(3))
    assert np.array_equal(model.initializer("b"), linear_weights(16, 3)["b"])
    assert model.to_bytes() == write(linear_classifier(), tmp_path).read_bytes()
