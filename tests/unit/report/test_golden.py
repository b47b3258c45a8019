"""Reports of every schema version are still read."""

from pathlib import Path

import pytest

from onnxaudit.records import ProfileDocument
from onnxaudit.report.findings import list_findings
from onnxaudit.report.formats import FORMATS, render
from onnxaudit.report.json import from_json

GOLDEN = sorted((Path(__file__).parents[2] / "golden").glob("*.json"))
FINDINGS = {
    "scan-1.0": ["OA102", "OA204"],
    "repair-1.0": ["OA301"],
    "profile-1.0": [],
    "error-1.0": [],
}


@pytest.mark.parametrize("file", GOLDEN, ids=lambda file: file.stem)
def test_a_report_of_an_older_schema_is_read_and_rendered(file: Path) -> None:
    document = from_json(file.read_bytes())
    assert [finding.rule.id for finding in list_findings(document)] == FINDINGS[file.stem]
    for name in FORMATS if not isinstance(document, ProfileDocument) else ("text", "json"):
        assert render(document, name)


def test_every_kind_of_report_is_kept() -> None:
    assert {file.stem for file in GOLDEN} == set(FINDINGS)
