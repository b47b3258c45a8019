"""Reports of every schema version are still read; what was changed in one is refused or shown, and never a crash."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from onnxaudit.errors import DataError
from onnxaudit.findings.finding import list_findings
from onnxaudit.records import ProfileDocument, RepairDocument, ScanDocument
from onnxaudit.report.formats import FORMATS, render
from onnxaudit.report.json import from_json

GOLDEN = sorted((Path(__file__).parents[2] / "golden").glob("*.json"))
FINDINGS = {
    "scan-1.0": ["OA102", "OA204"],
    "scan-1.1": ["OA203", "OA202", "OA204", "OA103"],
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


WRONG: tuple[Any, ...] = (
    None,
    -1,
    0,
    1.5,
    10**30,
    "x",
    [],
    {},
    True,
    float("nan"),
    float("inf"),
    [[1]],
    {"a": 1},
    {"detection": "x"},
)


def list_places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to everything in a JSON value, of long lists to the first entries."""
    yield place
    children = value.items() if isinstance(value, dict) else enumerate(value[:2]) if isinstance(value, list) else ()
    for key, child in children:
        yield from list_places(child, (*place, key))


@pytest.mark.parametrize("file", [file for file in GOLDEN if file.stem != "error-1.0"], ids=lambda file: file.stem)
def test_a_report_with_one_wrong_value_is_refused_or_rendered(file: Path) -> None:
    text = file.read_text()
    places = [place for place in list_places(json.loads(text)) if place]
    rng = np.random.default_rng(0)
    for _ in range(60):
        plain = json.loads(text)
        *parents, last = places[rng.integers(len(places))]
        holder = plain
        for key in parents:
            holder = holder[key]
        holder[last] = WRONG[rng.integers(len(WRONG))]
        try:
            document = from_json(json.dumps(plain))
        except DataError:
            continue
        for name in FORMATS if isinstance(document, ScanDocument | RepairDocument) else ("text", "json"):
            assert render(document, name)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("model.input.height", 0),
        ("universal.trigger.mask.shape", [8, 8, 1]),
        ("model.input.layout", "NC"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(place: str, value: Any) -> None:
    plain = json.loads(next(file for file in GOLDEN if file.stem == "scan-1.0").read_text())
    *parents, last = place.split(".")
    holder = plain["reports"][0]
    for key in parents:
        holder = holder[key]
    holder[last] = value
    with pytest.raises(DataError, match="damaged"):
        from_json(json.dumps(plain))


@pytest.mark.parametrize("config", [{"detection": "x"}, {"detection": {"closer": []}}, {}])
def test_settings_of_another_kind_are_passed_over(config: dict[str, Any]) -> None:
    plain = json.loads(next(file for file in GOLDEN if file.stem == "scan-1.0").read_text())
    for report in plain["reports"]:
        report.update(config=config, duration_seconds=float("inf"))
    document = from_json(json.dumps(plain))
    for name in FORMATS:
        assert render(document, name)
