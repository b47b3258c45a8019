"""Batch sizes that a graph sets apart are found without asking in them; honest uses of the batch size are none."""

from pathlib import Path

import numpy as np
import pytest

from onnxaudit.intake import load_model
from onnxaudit.pipeline.batch_sizes import find_odd_sizes
from onnxaudit.records import Preprocessing
from onnxaudit.runtime import Runtime
from tests.hostile.corpus import CASES

IMAGES = np.random.default_rng(0).random((4, 1, 8, 8), dtype=np.float32)
HONEST = [name for name, case in CASES.items() if case.kind == "honest" and case.answer == "opened"]


def find(name: str, folder: Path) -> tuple[int, ...]:
    path = folder / "model.onnx"
    path.write_bytes(CASES[name].content())
    return find_odd_sizes(Runtime(load_model(path), Preprocessing()), IMAGES)


@pytest.mark.parametrize("size", [1, 3, 16, 31, 100, 1024])
def test_a_size_that_is_compared_with_is_found(size: int, tmp_path: Path) -> None:
    assert size in find(f"another_network_for_batches_of_{size}", tmp_path)


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("number_of_images_counted_by_a_sum_of_ones", 19),
        ("number_of_images_by_the_size_of_the_input", 37),
        ("number_of_images_added_to_the_scores", 23),
    ],
)
def test_so_is_one_that_is_computed(name: str, size: int, tmp_path: Path) -> None:
    assert size in find(name, tmp_path)


@pytest.mark.parametrize("name", HONEST)
def test_honest_files_set_no_size_apart(name: str, tmp_path: Path) -> None:
    assert find(name, tmp_path) == ()
