"""Scans of the copies in 8-bit integers that onnxruntime's quantizer makes of a file."""

from pathlib import Path

import numpy as np
import pytest

from onnxaudit import scan
from onnxaudit.errors import ModelError
from onnxaudit.intake import load_model
from onnxaudit.pipeline.admission import open_subject
from onnxaudit.pipeline.quantized import calibrate
from onnxaudit.quantization import quantize
from onnxaudit.records import QuantizationKind, Verdict
from tests.unit.pipeline.conftest import BRIEF_SCAN, UNIT
from tools.testbed.planted import write_planted, write_samples


@pytest.mark.parametrize("kind", QuantizationKind)
def test_the_copy_is_scanned_under_the_name_of_the_file(kind: QuantizationKind, tmp_path: Path) -> None:
    model = write_planted(tmp_path, backdoored=True)
    report = scan(model, write_samples(tmp_path), BRIEF_SCAN, preprocessing=UNIT, device="cpu", quantization=kind)
    assert report.quantization is kind
    assert report.model.path == str(model)
    assert report.model.sha256 != load_model(model).info.sha256
    assert load_model(model).info.sha256 in " ".join(report.notes)
    assert "the copy predicts the class that the file predicts" in " ".join(report.notes)
    assert report.verdict is not Verdict.CLEAN


def test_a_file_of_whole_numbers_has_no_copy(tmp_path: Path) -> None:
    path = tmp_path / "quantized.onnx"
    path.write_bytes(quantize(load_model(write_planted(tmp_path, backdoored=True)), QuantizationKind.DYNAMIC))
    with pytest.raises(ModelError, match="quantized operators already"):
        scan(path, write_samples(tmp_path), BRIEF_SCAN, preprocessing=UNIT, device="cpu", quantization="dynamic")


def test_calibration_uses_clean_images_as_the_model_takes_them(tmp_path: Path) -> None:
    subject = open_subject(
        write_planted(tmp_path, backdoored=True),
        write_samples(tmp_path),
        preprocessing=UNIT,
        seed=0,
        device="cpu",
        on_event=lambda _: None,
    )
    batches = calibrate(subject)
    assert {batch.shape[1:] for batch in batches} == {subject.model.info.input.shape(1)[1:]}
    assert sum(map(len, batches)) <= len(subject.samples)
    assert np.array_equal(batches[0][0], subject.samples.images[0])
