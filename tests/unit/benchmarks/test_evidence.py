"""All detectors find what they found when the golden files were written, on such a machine to the last bit.

`python -m tests.unit.benchmarks.test_evidence` writes the file of the small model anew,
`python -m benchmarks.evidence --only NAME ... --output tests/golden/evidence/reference.json` that of reference models:
only where evidence has to change, and with the change told in the changelog.
"""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from benchmarks.evidence import collect, compare, describe, describe_machine
from onnxaudit.pipeline import scan
from tests.unit.pipeline.conftest import QUICK_SCAN
from tools.testbed.planted import write_planted, write_samples

FOLDER = Path(__file__).parents[2] / "golden" / "evidence"
PLANTED = FOLDER / "planted.json"
REFERENCE = json.loads((FOLDER / "reference.json").read_text(encoding="utf-8"))
TOLERANCE = 1.5  # factor between ratios of machines that round in other ways


def measure_planted(folder: Path) -> dict[str, Any]:
    """Evidence about the small backdoored model, as a file holds it."""
    model, samples = write_planted(folder, backdoored=True), write_samples(folder)
    return {"machine": describe_machine(), "scans": {"planted": describe(scan(model, samples, QUICK_SCAN))}}


def check(golden: Mapping[str, Any], found: Mapping[str, Any], name: str) -> None:
    """Compare one model's evidence; of detectors that are newer than the golden file nothing is known."""
    before, after = golden["scans"][name], found["scans"][name]
    if golden["machine"] == found["machine"]:
        assert not compare(before, after, f"scans/{name}")
        return
    assert (before["verdict"], before["targets"]) == (after["verdict"], after["targets"])
    for old, new in zip(before["labels"], after["labels"], strict=True):
        for detector, ratio in old["ratios"].items():
            times = float.fromhex(new["ratios"][detector]) / float.fromhex(ratio)
            assert 1 / TOLERANCE <= times <= TOLERANCE, f"{name}, label {old['label']}, {detector}"


def test_a_small_model_gives_the_evidence_that_it_gave(tmp_path: Path) -> None:
    check(json.loads(PLANTED.read_text(encoding="utf-8")), measure_planted(tmp_path), "planted")


@pytest.mark.slow
@pytest.mark.parametrize("name", REFERENCE["scans"])
def test_a_reference_model_gives_the_evidence_that_it_gave(name: str) -> None:
    check(REFERENCE, {"machine": describe_machine(), "scans": {name: collect(name)}}, name)


def test_another_machine_may_round_in_other_ways_but_not_find_something_else() -> None:
    golden = json.loads(PLANTED.read_text(encoding="utf-8"))
    elsewhere = {**golden, "machine": {"cpu": "another"}}
    check(elsewhere, golden, "planted")
    rows = [{**row, "ratios": {"patch": float(9).hex()}} for row in golden["scans"]["planted"]["labels"]]
    other = {**golden, "scans": {"planted": {**golden["scans"]["planted"], "labels": rows}}}
    with pytest.raises(AssertionError):
        check({**other, "machine": {}}, golden, "planted")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        PLANTED.write_text(json.dumps(measure_planted(Path(name)), indent=1) + "\n", encoding="utf-8")
