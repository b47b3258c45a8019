"""Hostile settings, statements and triggers are errors told in one line, and nothing is let through by them."""

import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from onnxaudit.cli.app import main
from onnxaudit.data.triggers import load_trigger
from onnxaudit.digests import digest_named
from onnxaudit.errors import DataError
from onnxaudit.gate.grounds import gather
from onnxaudit.gate.statement import Statement
from onnxaudit.records import Verdict
from tests.hostile import asides
from tests.hostile.corpus import CASES
from tools.testbed.reports import make_scan_report

SETTINGS = asides.list_settings()
PLACES = asides.list_places("a.json")


def run(capfd: pytest.CaptureFixture[str], *arguments: str) -> int:
    """The exit code; what is said is one line."""
    capfd.readouterr()
    code = main(arguments)
    out, err = capfd.readouterr()
    assert "Traceback" not in err
    assert "internal error" not in err
    assert "\x1b" not in out + err
    assert len(err.splitlines()) <= 2
    return code


@pytest.mark.parametrize("name", SETTINGS)
def test_no_hostile_settings_are_in_force(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    SETTINGS[name](tmp_path)
    assert run(capfd, "policy", "show", "--policy", "p.toml") == 2


@pytest.mark.parametrize("name", [*asides.VALUES, *asides.BYTES])
def test_nor_are_those_of_a_project(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    content = asides.BYTES.get(name) or b"[tool.onnxaudit]\n" + asides.VALUES[name].encode().replace(
        b"[[waivers]]", b"[[tool.onnxaudit.waivers]]"
    )
    (tmp_path / "pyproject.toml").write_bytes(content)
    monkeypatch.chdir(tmp_path)
    assert run(capfd, "policy", "show") == 2


@pytest.fixture
def verified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model, and room for a statement about it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.onnx").write_bytes(CASES["plain"].content())
    return tmp_path


@pytest.fixture
def statement(verified: Path) -> Statement:
    """An honest statement about it."""
    report = make_scan_report(Verdict.CLEAN)
    files = digest_named(verified / "model.onnx", ())
    grounds = gather(replace(report, model=replace(report.model, sha256=files.model)))
    return Statement(
        name="model.onnx",
        model_sha256=files.model,
        data_sha256={},
        verdict="clean",
        outcome="pass",
        softeners=(),
        policy_sha256="0" * 64,
        report_sha256="0" * 64,
        created=datetime.now(UTC),
        version="0",
        grounds=grounds,
    )


VERIFY = ("verify", "model.onnx", "--attest", "a.json", "--allow-unsigned")


@pytest.mark.parametrize("name", [*asides.CONTENTS, *PLACES])
def test_what_is_no_statement_is_an_error(name: str, verified: Path, capfd: pytest.CaptureFixture[str]) -> None:
    place = asides.write("a.json", asides.CONTENTS[name]) if name in asides.CONTENTS else PLACES[name]
    place(verified)
    assert run(capfd, *VERIFY) == 2


@pytest.mark.parametrize("name", asides.CHANGES)
def test_no_hostile_statement_lets_a_model_through(
    name: str, verified: Path, statement: Statement, capfd: pytest.CaptureFixture[str]
) -> None:
    plain = json.loads(statement.to_json())
    asides.CHANGES[name](plain)
    (verified / "a.json").write_text(json.dumps(plain))
    os.mkfifo(verified / "pipe")
    (verified / "link").symlink_to("model.onnx")
    assert run(capfd, *VERIFY) in (2, 3)


def test_the_honest_one_does(verified: Path, statement: Statement, capfd: pytest.CaptureFixture[str]) -> None:
    (verified / "a.json").write_bytes(statement.to_json())
    assert run(capfd, *VERIFY) == 0


@pytest.mark.parametrize("name", [*asides.TRIGGERS, *PLACES])
def test_a_hostile_trigger_is_refused(name: str, tmp_path: Path) -> None:
    if name in asides.TRIGGERS:
        (tmp_path / "a.json").write_bytes(asides.TRIGGERS[name]())
    else:
        PLACES[name](tmp_path)
    with pytest.raises(DataError):
        load_trigger(tmp_path / "a.json")


def test_there_are_many() -> None:
    made = [SETTINGS, asides.CONTENTS, PLACES, asides.CHANGES, asides.TRIGGERS]
    assert sum(map(len, made)) >= 100
