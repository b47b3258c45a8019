"""A run that is killed at any moment leaves its inputs, no process, and no draft behind the next run."""

import json
import random
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.hostile.corpus import CASES
from tools.testbed.gray_networks import make_samples
from tools.testbed.kills import kill

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are followed by /proc")
COMMON = ("--data", "d.npz", "--time-budget", "30s", "--no-progress")
SCAN = ["scan", "model.onnx", *COMMON, "--json", "scan.json", "--effort", "quick"]
REPAIR = ["repair", "model.onnx", *COMMON, "--json", "repair.json", "--output", "fixed.onnx", "--target", "1"]
NEXT = {"scan": "scan none.onnx --json scan.json", "repair": "repair none.onnx --data d.npz --output fixed.onnx"}
LONGEST = 8.0  # seconds before a kill


@pytest.mark.parametrize("worker", [False, True], ids=["supervisor", "worker"])
@pytest.mark.parametrize("arguments", [SCAN, REPAIR], ids=["scan", "repair"])
def test_a_kill_leaves_nothing_half_done(tmp_path: Path, arguments: list[str], worker: bool) -> None:
    folder, temporary = tmp_path / "work", tmp_path / "tmp"
    folder.mkdir()
    temporary.mkdir()
    (folder / "model.onnx").write_bytes(CASES["plain"].content())
    images, labels = make_samples()
    np.savez(folder / "d.npz", x=images, y=labels)
    inputs = [folder / "model.onnx", folder / "d.npz"]
    after = random.Random(f"{arguments[0]}-{worker}").uniform(0.5, LONGEST)
    left = kill(arguments, folder, inputs, after=after, worker=worker, temporary=temporary)
    assert (left.orphans, left.changed) == ((), ())
    if worker:
        assert left.code in (0, 1, 2, 3)  # it may have come to its end before
        assert left.drafts == ()
    for content in left.documents.values():
        assert json.loads(content)
    if not (folder / "fixed.onnx").exists() and left.code == 0:
        assert arguments is SCAN or b"nothing to repair" in left.documents["repair.json"]
    following = kill(NEXT[arguments[0]].split(), folder, inputs, after=60, worker=False, temporary=temporary)
    assert (following.code, following.drafts, following.changed) == (2, (), ())
