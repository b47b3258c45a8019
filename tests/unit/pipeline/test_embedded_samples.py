from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from onnxaudit import repair, scan
from onnxaudit.errors import DataError
from onnxaudit.pipeline.embedded_samples import COUNT, OF_TARGET, TARGETS, choose_of_targets, choose_samples
from onnxaudit.records import ScanDocument
from onnxaudit.report.json import from_json, to_json
from tests.some import some
from tests.unit.pipeline.conftest import BRIEF_SCAN, SHORT_SCAN
from tools.testbed.planted import TARGET

MakeModel = Callable[..., Path]


def test_samples_are_in_a_report_only_where_they_were_asked_for(make_model: MakeModel, data: Path) -> None:
    assert scan(make_model(), data, BRIEF_SCAN).embedded is None
    embedded = scan(make_model(), data, BRIEF_SCAN, embed_samples=True).embedded
    assert embedded is not None
    assert COUNT <= len(embedded.images) <= COUNT + OF_TARGET * TARGETS
    assert embedded.images.shape[1:] == (1, 10, 10)


def test_a_report_keeps_what_the_model_answers_with_and_without_the_trigger(make_model: MakeModel, data: Path) -> None:
    report = scan(make_model(), data, SHORT_SCAN, embed_samples=True)
    document = from_json(to_json(ScanDocument((report,))))
    assert isinstance(document, ScanDocument)
    again = some(document.reports[0].embedded)
    assert TARGET not in again.predictions[:COUNT]
    assert again.predictions[COUNT:] == (TARGET,) * OF_TARGET  # to compare the trigger with
    assert set(again.triggered[TARGET]) == {TARGET}
    np.testing.assert_array_equal(again.images, some(report.embedded).images)


def test_a_repair_drops_the_samples_of_the_scan_it_starts_from_unless_asked_to_keep_them(
    make_model: MakeModel, data: Path, tmp_path: Path
) -> None:
    model = make_model(backdoored=False)
    earlier = scan(model, data, BRIEF_SCAN, embed_samples=True)
    assert repair(model, data, tmp_path / "a.onnx", scan=earlier).scan.embedded is None
    assert repair(model, data, tmp_path / "b.onnx", scan=earlier, embed_samples=True).scan.embedded is not None


def test_samples_are_of_different_classes_and_of_no_target() -> None:
    predicted = np.repeat(np.arange(10), 3)
    assert choose_samples(predicted, (0, 9)) == [3, 9, 18, 24]
    assert choose_samples(np.array([5, 5]), (5,)) == [0]
    assert choose_of_targets(predicted, (9, 0)) == [27, 28, 0, 1]
    assert choose_of_targets(predicted, ()) == []


def test_embedded_samples_that_do_not_fit_are_refused(make_model: MakeModel, data: Path) -> None:
    report = scan(make_model(), data, BRIEF_SCAN, embed_samples=True)
    embedded = some(report.embedded)
    damaged = replace(embedded, images=embedded.images[:, :, :5])
    with pytest.raises(DataError, match="embedded samples do not fit"):
        from_json(to_json(ScanDocument((replace(report, embedded=damaged),))))
