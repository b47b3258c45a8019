"""Each ground against a statement stands under its code."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from onnxaudit.digests import FileDigests
from onnxaudit.findings.statement_reasons import STATEMENT_CATALOG
from onnxaudit.gate.envelope import Sealed
from onnxaudit.gate.grounds import gather
from onnxaudit.gate.policy import Policy
from onnxaudit.gate.statement import Statement
from onnxaudit.gate.verification import Demands, verify
from onnxaudit.records import Verdict
from tools.testbed.reports import make_scan_report

NOW = datetime(2026, 11, 28, tzinfo=UTC)
PAGE = Path(__file__).parents[3] / "docs" / "reference" / "reasons.md"
UNSIGNED = Demands(allow_unsigned=True)
KEY: dict[str, Any] = {"demands": Demands(("a key",)), "signatures": (b"somebody's",)}
CHANGES: dict[str, dict[str, Any]] = {
    "statement-backdoored": {"verdict": "backdoored", "outcome": "fail"},
    "statement-rejected": {"verdict": "rejected", "outcome": "fail"},
    "statement-about-another-model": {"model_sha256": "b" * 64},
    "statement-about-other-external-data": {"data_sha256": {"weights": "b" * 64}},
    "statement-without-verdict": {"verdict": "inconclusive", "outcome": "inconclusive"},
    "statement-policy-not-met": {"outcome": "fail"},
    "statement-below-policy": {
        "grounds": gather(make_scan_report(Verdict.CLEAN)),
        "demands": Demands(allow_unsigned=True, policy=Policy(required_detectors=("spectral",))),
    },
    "statement-from-the-future": {"created": NOW + timedelta(hours=1)},
    "statement-too-old": {"created": NOW - timedelta(hours=1), "demands": Demands(allow_unsigned=True, max_age=60.0)},
    "statement-under-another-policy": {"demands": Demands(allow_unsigned=True, policy_sha256="b" * 64)},
    "signature-not-accepted": KEY,
    "no-accepted-key": {**KEY, "demands": Demands()},
    "statement-unsigned": {"demands": Demands()},
}


def list_codes(
    monkeypatch: pytest.MonkeyPatch,
    demands: Demands = UNSIGNED,
    signatures: tuple[bytes, ...] = (),
    **changes: Any,
) -> list[str]:
    monkeypatch.setattr("onnxaudit.gate.verification.is_signed", lambda *_: False)
    statement = replace(STATEMENT, **changes)
    found = verify(FileDigests("a" * 64, {}, "a" * 64), Sealed(b"", signatures), statement, demands, NOW)
    assert (found.outcome == "pass") is (not found.reasons)
    assert all(reason.seen.endswith(".") and reason.advice for reason in found.reasons)
    return [reason.code for reason in found.reasons]


STATEMENT = Statement(
    name="model.onnx",
    model_sha256="a" * 64,
    data_sha256={},
    verdict="clean",
    outcome="pass",
    softeners=(),
    policy_sha256="a" * 64,
    report_sha256="a" * 64,
    version="0.1.0",
    created=NOW,
)


@pytest.mark.parametrize("code", STATEMENT_CATALOG)
def test_every_code_is_given_where_its_cause_is_and_explained(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    assert list_codes(monkeypatch, **CHANGES[code]) == [code]
    assert f"\n### {code}\n" in PAGE.read_text(encoding="utf-8")


def test_a_statement_that_meets_everything_lets_its_model_through(monkeypatch: pytest.MonkeyPatch) -> None:
    assert list_codes(monkeypatch) == []
