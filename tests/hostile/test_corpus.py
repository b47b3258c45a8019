"""Every file of the corpus gets the answer that is right, from `inspect` and from `scan`; no failure is "clean"."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from onnxaudit.cli.app import main
from tests.hostile.corpus import CASES, Case
from tests.hostile.manifest import MANIFEST, describe, summarize

pytestmark = pytest.mark.usefixtures("forked_trials")
SLOW = (
    "twenty_thousand_classes",
    "loop_of_fifty_thousand_turns",
    "loop_within_a_loop",
    "loop_as_long_as_the_image_is_bright",
)
OFTEN = 5  # cases of one kind with one answer in the same words that are tried each time; further ones are slow
DOUBTS = ("output-not-audited", "batch-size-read")
SCAN = ("--effort", "quick", "--detectors", "exact-shift", "--no-progress", "-q")


def run(capfd: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, dict[str, Any], str]:
    """The exit code, the document on stdout, and all that was said."""
    capfd.readouterr()
    code = main([str(one) for one in arguments])
    out, err = capfd.readouterr()
    assert "Traceback" not in err
    assert "Warning" not in err
    assert "internal error" not in out + err
    assert "\x1b" not in out + err
    return code, json.loads(out), " ".join((out + err).split())


def check_words(case: Case, document: dict[str, Any], said: str) -> None:
    if case.answer == "rejected":
        told = document["inspection"] if "inspection" in document else document["reports"][0]
        rules = {one["rule"] for one in told["irregularities"]}
        assert rules
        assert not case.says or case.says in rules
        assert all(one["place"] and one["says"].endswith(".") for one in told["irregularities"])
    else:
        assert json.dumps(case.says)[1:-1] in said or case.says in said


def list_often() -> set[str]:
    """Names of the first few cases of each kind and answer."""
    seen = Counter[tuple[str, str, str]]()
    often = set()
    for case in CASES.values():
        group = case.kind, case.answer, case.says
        seen[group] += 1
        if seen[group] <= OFTEN and case.name not in SLOW:
            often.add(case.name)
    return often


@pytest.mark.parametrize(
    "name", [name if name in list_often() else pytest.param(name, marks=pytest.mark.slow) for name in CASES]
)
def test_inspect_and_scan_give_the_answer_that_is_right(
    name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    case = CASES[name]
    model, data = case.place(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and path.stat().st_size < 2**20}
    code, document, said = run(capfd, "inspect", model, "--json", "-")
    assert code == case.codes[0]
    if not case.sound:
        check_words(case, document, said)
    code, document, said = run(capfd, "scan", model, "--data", data, *SCAN, "--json", "-", *case.options)
    assert code == case.codes[1]
    check_words(case, document, said)
    assert {path: path.read_bytes() for path in before} == before
    assert case.doubted is any(code in said for code in DOUBTS)


def test_the_manifest_lists_the_corpus() -> None:
    assert MANIFEST.read_text(encoding="utf-8") == describe()


def test_the_threat_model_tells_what_is_tried() -> None:
    page = Path(__file__).parents[2] / "docs" / "explanation" / "threat-model.md"
    assert summarize() in page.read_text(encoding="utf-8")


def test_there_are_cases_of_every_kind() -> None:
    kinds = {case.kind for case in CASES.values()}
    assert len(CASES) >= 400
    assert len(list_often()) >= 150
    assert {CASES[name].kind for name in list_often()} == kinds
    assert {case.answer for case in CASES.values()} == {"rejected", "refused", "opened"}
    assert len(kinds) >= 14
