from dataclasses import replace

import pytest

from onnxaudit.detectors.base import Effort
from onnxaudit.pipeline.likeness import doubt_likeness, find_architecture
from onnxaudit.pipeline.settings import DetectionConfig
from onnxaudit.scoring.reference import Likeness
from tools.testbed.reports import make_scan_report


@pytest.mark.parametrize(
    ("operators", "architecture"),
    [
        (["Conv", "Relu", "Conv", "Flatten", "Gemm"], "convolutional"),
        (["QLinearConv", "QLinearConv", "Gemm"], "convolutional"),
        (["Conv", "LayerNormalization", "MatMul", "LayerNormalization", "Gemm"], "tokens"),
        (["Flatten", "Gemm", "Relu", "Gemm"], "dense"),
    ],
)
def test_operators_tell_the_kind_of_network(operators: list[str], architecture: str) -> None:
    assert find_architecture(operators) == architecture


@pytest.mark.parametrize(("classes", "side", "doubted"), [(10, 28.0, False), (1000, 224.0, True), (10, 0.0, True)])
def test_a_model_like_few_known_ones_is_doubted(classes: int, side: float, doubted: bool) -> None:
    likeness = Likeness(classes=classes, side=side, accuracy=0.9, architecture="convolutional")
    doubts = doubt_likeness(likeness, DetectionConfig())
    assert [one.code for one in doubts] == (["few-similar-models"] if doubted else [])


@pytest.mark.parametrize(
    ("side", "effort", "doubted"), [(96, "standard", True), (96, "deep", False), (64, "standard", False)]
)
def test_what_was_searched_by_a_race_is_like_no_known_model(side: int, effort: Effort, doubted: bool) -> None:
    likeness = Likeness(classes=43, side=side, accuracy=None, architecture="convolutional")
    taken = make_scan_report().model.input
    config = DetectionConfig(effort=effort).fit_to(replace(taken, height=side, width=side))
    assert bool(doubt_likeness(likeness, config)) == doubted
