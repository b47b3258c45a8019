from dataclasses import replace
from pathlib import Path

import pytest

from onnxaudit.detectors.patch import PatchDetector
from onnxaudit.importer import import_model
from onnxaudit.intake import load_model
from onnxaudit.pipeline.effort import count_passes
from onnxaudit.pipeline.inspection import inspect
from onnxaudit.pipeline.multiply_adds import count_multiply_adds, fit_settings
from onnxaudit.pipeline.settings import COSTLY, SAMPLES_OF_COSTLY, DetectionConfig
from onnxaudit.records import InputSpec, Layout
from tests.some import some
from tools.testbed.planted import write_planted

LARGE = DetectionConfig().fit_to(InputSpec("x", Layout.NCHW, 3, 240, 240, None))


def test_the_copy_multiplies_as_often_as_the_layers_of_the_file_say(tmp_path: Path) -> None:
    path = write_planted(tmp_path, backdoored=True)
    model = import_model(load_model(path))
    assert count_multiply_adds(model) == some(inspect(path).multiply_adds)
    assert fit_settings(DetectionConfig(), model) == DetectionConfig()


@pytest.mark.parametrize(("classes", "samples"), [(4, SAMPLES_OF_COSTLY), (10, 320), (1000, LARGE.most_samples)])
def test_a_costly_network_is_shown_fewer_samples_but_32_of_a_class(classes: int, samples: int) -> None:
    found = LARGE.thin_out(COSTLY, classes)
    assert found.most_samples == samples
    assert count_passes(classes, found) < count_passes(classes, LARGE)
    assert found.find_settings(PatchDetector) == PatchDetector.of_costly


def test_what_costs_less_or_was_set_stays_as_it_is() -> None:
    assert LARGE.thin_out(COSTLY - 1, 4) == replace(LARGE, brief=True)
    assert DetectionConfig().thin_out(COSTLY, 4) == DetectionConfig()
    given = replace(LARGE, settings={"patch": PatchDetector.of_large}, most_samples=100).thin_out(COSTLY, 4)
    assert given.most_samples == 100
    assert given.find_settings(PatchDetector) == PatchDetector.of_large
