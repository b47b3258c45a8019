from pathlib import Path

import numpy as np
import pytest
import torch

from onnxaudit import scan
from onnxaudit.data.selection import MOST_SAMPLES
from onnxaudit.errors import UsageError
from onnxaudit.importer import Classifier, import_model
from onnxaudit.intake import load_model
from onnxaudit.pipeline.inspection import inspect
from onnxaudit.pipeline.memory_plan import STEP, divide, measure_kept
from onnxaudit.records import MemoryPlan, Preprocessing
from onnxaudit.runtime import MOST_IMAGES
from tests.unit.pipeline.conftest import BRIEF_SCAN
from tools.testbed.planted import SIDE, write_planted

GIB, MIB = 2**30, 2**20
PHOTO = 3 * 224 * 224


def plan(promised: int, kept: int = 60 * MIB, values: int = PHOTO) -> MemoryPlan:
    return divide(promised, held=GIB // 2, values=values, kept=kept, threads=16)


def test_a_small_model_is_bound_by_nothing() -> None:
    found = plan(8 * GIB, kept=2**18, values=3 * 32 * 32)
    assert (found.samples, found.run_images) == (MOST_SAMPLES, MOST_IMAGES)
    assert (found.step_images, found.threads) == (None, 16)


@pytest.mark.parametrize("promised", [GIB, 2 * GIB, 4 * GIB, 16 * GIB])
def test_the_parts_of_a_plan_fit_into_what_is_promised(promised: int) -> None:
    kept = 30 * MIB
    found = plan(promised, kept=kept)
    images = found.threads * STEP if found.step_images is None else found.step_images
    samples = found.samples * PHOTO * (1 if found.samples * PHOTO > 2**25 else 4) * 2
    assert GIB // 2 + images * kept * 1.25 + found.run_images * kept + samples <= promised


def test_less_memory_means_fewer_steps_side_by_side_and_then_steps_in_pieces() -> None:
    assert [plan(size * GIB).threads for size in (16, 4, 2)] == [10, 2, 1]
    assert plan(16 * GIB).step_images is None
    assert plan(GIB).step_images == 3


def test_too_little_is_one_error_that_says_how_much_is_needed() -> None:
    with pytest.raises(UsageError, match=r"512 MiB of memory is too little for this model: 1\.\d GiB is needed"):
        plan(GIB // 2, kept=200 * MIB)


def test_what_an_image_leaves_behind_is_counted_without_the_weights(tmp_path: Path) -> None:
    model = import_model(load_model(write_planted(tmp_path, backdoored=False)))
    assert SIDE * SIDE * 4 <= measure_kept(model) + SIDE * SIDE * 4 < 10_000


def test_steps_in_pieces_have_the_same_answers_and_gradients(tmp_path: Path) -> None:
    copy = import_model(load_model(write_planted(tmp_path, backdoored=False)))
    images = torch.from_numpy(np.random.default_rng(0).random((7, 1, SIDE, SIDE), dtype=np.float32))
    found = []
    for most in (None, 3):
        pixels = images.clone().requires_grad_(True)
        logits = Classifier(copy, Preprocessing(), most_images=most)(pixels)
        (slope,) = torch.autograd.grad(logits.square().sum(), pixels)
        found.append((logits.detach(), slope))
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs)


def test_a_report_says_what_was_chosen_and_the_caller_keeps_its_threads(tmp_path: Path, data: Path) -> None:
    model, threads = write_planted(tmp_path, backdoored=False), torch.get_num_threads()
    report = scan(model, data, BRIEF_SCAN, memory=64 * GIB, device="cpu", time_budget=1e-9)
    assert report.memory is None  # nothing was opened
    assert inspect(model, memory=64 * GIB).memory == inspect(model, memory=64 * GIB).memory
    found = inspect(model, memory=64 * GIB).memory
    assert found is not None
    assert found.promised == 64 * GIB
    with pytest.raises(UsageError, match="too little"):
        scan(model, data, BRIEF_SCAN, memory=MIB, device="cpu")
    assert torch.get_num_threads() == threads
