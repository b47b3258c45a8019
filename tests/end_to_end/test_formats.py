"""All formats of one run agree, and whatever happens stdout holds one document."""

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.end_to_end.conftest import FORMATS, MODELS, Story, run


@pytest.mark.xdist_group("story")
def test_all_formats_of_a_run_tell_the_same_findings(story: Story) -> None:
    sarif = json.loads((story.folder / "scan.sarif").read_text())
    rules = [result["ruleId"] for result in sarif["runs"][0]["results"]]
    assert rules[0] == "OA101"
    cases = ElementTree.parse(story.folder / "scan.junit").findall(".//failure")
    assert [case.get("type") for case in cases] == rules
    assert re.findall(r"^- \*\*(OA\d+)", (story.folder / "scan.markdown").read_text(), re.MULTILINE) == rules
    assert re.findall(r"^(OA\d+)", story.scan.out, re.MULTILINE) == rules


@pytest.mark.xdist_group("story")
@pytest.mark.parametrize("name", FORMATS)
def test_a_report_rendered_later_is_the_one_that_the_scan_wrote(story: Story, name: str) -> None:
    again = run("report", story.folder / "scan.json", "--format", name)
    assert (again.code, again.out) == (0, (story.folder / f"scan.{name}").read_text())


@pytest.mark.slow
@pytest.mark.parametrize("model", sorted(MODELS.glob("*.onnx")), ids=lambda file: file.stem)
def test_stdout_is_one_document_for_every_reference_model(model: Path) -> None:
    done = run("scan", model, "--format", "json", "--time-budget", "1s", "--range", "0,1")
    assert done.code == 3, done.err
    (report,) = json.loads(done.out)["reports"]
    assert report["verdict"] == "inconclusive"
