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
    ("side", "classes", "doubted"), [(112, 43, False), (128, 26, False), (112, 1000, True), (1024, 43, True)]
)
def test_a_race_is_trusted_where_models_like_this_one_were_raced(side: int, classes: int, doubted: bool) -> None:
    likeness = Likeness(classes=classes, side=side, accuracy=0.9, architecture="convolutional", raced=True)
    assert bool(doubt_likeness(likeness, DetectionConfig())) == doubted


def test_a_race_with_the_fewer_samples_of_a_costly_network_is_like_none_that_is_known() -> None:
    likeness = Likeness(classes=43, side=112, accuracy=0.9, architecture="convolutional", raced=True)
    (doubt,) = doubt_likeness(likeness, DetectionConfig(large=True, costly=True))
    assert doubt.code == "few-similar-models"


@pytest.mark.parametrize(
    ("side", "effort", "raced"), [(96, "standard", True), (96, "deep", False), (64, "standard", False)]
)
def test_large_images_are_raced_but_for_the_deepest_scan(side: int, effort: Effort, raced: bool) -> None:
    taken = make_scan_report().model.input
    assert DetectionConfig(effort=effort).fit_to(replace(taken, height=side, width=side)).large == raced
