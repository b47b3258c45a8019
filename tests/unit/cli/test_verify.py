"""Statements about models: what they let through, and that nothing else does."""

import hashlib
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from onnxaudit.records import Verdict

from .conftest import Outcome
from .statements import ATTESTED, DATA, MODEL, OURS, SIGNED, VERIFY, forge

Run = Callable[..., Outcome]


def make_older(days: float) -> Callable[[dict[str, Any]], None]:
    def change(payload: dict[str, Any]) -> None:
        moment = datetime.now(UTC) - timedelta(days=days)
        payload["predicate"]["timeCreated"] = moment.isoformat()

    return change


@pytest.mark.parametrize(
    ("verdict", "scan", "verify", "code", "word"),
    [
        (Verdict.CLEAN, SIGNED, OURS, 0, "PASS"),
        (Verdict.CLEAN, (), ("--allow-unsigned",), 0, "PASS"),
        (Verdict.CLEAN, SIGNED, ("--allow-unsigned",), 0, "PASS"),
        (Verdict.CLEAN, SIGNED, (*OURS, "--key", "theirs.pub"), 0, "PASS"),
        (Verdict.CLEAN, SIGNED, (*OURS, "--max-age", "30d"), 0, "PASS"),
        (Verdict.CLEAN, (), (), 3, "is unsigned"),
        (Verdict.CLEAN, (), OURS, 3, "is unsigned"),
        (Verdict.CLEAN, SIGNED, (), 3, "no key is accepted"),
        (Verdict.CLEAN, SIGNED, ("--key", "theirs.pub"), 3, "No accepted key"),
        (Verdict.CLEAN, SIGNED, ("--key", "theirs.pub", "--allow-unsigned"), 3, "No accepted key"),
        (Verdict.CLEAN, (*SIGNED, "--required-detectors", "waves"), OURS, 3, "did not meet the policy"),
        (Verdict.INCONCLUSIVE, SIGNED, OURS, 3, "no verdict"),
        (Verdict.INCONCLUSIVE, (*SIGNED, "--inconclusive", "warn"), OURS, 3, "no verdict"),
        (Verdict.INCONCLUSIVE, (*SIGNED, "--exit-zero"), OURS, 3, "no verdict"),
        (Verdict.BACKDOORED, SIGNED, OURS, 1, "FAIL"),
        (Verdict.BACKDOORED, (), ("--allow-unsigned",), 1, "FAIL"),
        (Verdict.BACKDOORED, (), (), 1, "FAIL"),
        (Verdict.BACKDOORED, SIGNED, ("--key", "theirs.pub"), 1, "FAIL"),
        (Verdict.BACKDOORED, (*SIGNED, "--exit-zero"), OURS, 1, "FAIL"),
    ],
)
def test_what_is_stated_and_who_signed_it_decide(
    attest: Callable[..., Outcome],
    run: Run,
    verdict: Verdict,
    scan: tuple[str, ...],
    verify: tuple[str, ...],
    code: int,
    word: str,
) -> None:
    attest(verdict, *scan)
    outcome = run(*VERIFY, *verify)
    assert outcome.code == code
    assert word in outcome.out


@pytest.mark.parametrize(
    ("change", "code", "word"),
    [
        (lambda one: one["predicate"].update(extra=1), 3, "No accepted key"),
        (lambda one: one["predicate"]["onnxaudit"].update(verdict="backdoored"), 1, "backdoored"),
        (make_older(400), 3, "No accepted key"),
    ],
)
def test_a_forged_statement_does_not_pass(
    attest: Callable[..., Outcome], run: Run, change: Callable[[dict[str, Any]], None], code: int, word: str
) -> None:
    attest(Verdict.CLEAN, *SIGNED)
    forge(change)
    outcome = run(*VERIFY, *OURS)
    assert outcome.code == code
    assert word in outcome.out


def test_a_backdoored_statement_that_was_made_clean_does_not_pass(attest: Callable[..., Outcome], run: Run) -> None:
    attest(Verdict.BACKDOORED, *SIGNED)
    forge(lambda one: one["predicate"]["onnxaudit"].update(verdict="clean", outcome="pass"))
    assert run(*VERIFY, *OURS).code == 3


@pytest.mark.parametrize(
    ("days", "verify", "code"),
    [(29, ("--max-age", "30d"), 0), (31, ("--max-age", "30d"), 3), (4000, (), 0), (-1, (), 3)],
)
def test_a_statement_holds_for_a_time(
    attest: Callable[..., Outcome], run: Run, days: float, verify: tuple[str, ...], code: int
) -> None:
    attest()
    forge(make_older(days))
    assert run(*VERIFY, "--allow-unsigned", *verify).code == code


def swap_statement() -> None:
    other = hashlib.sha256(b"other").hexdigest()
    forge(lambda one: one["subject"][0]["digest"].update(sha256=other))


def drop_data_from_statement() -> None:
    forge(lambda one: one["subject"].pop())


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda: MODEL.write_bytes(MODEL.read_bytes() + b"\x12\x01x"), "another model"),
        (lambda: DATA.write_bytes(b"\x01" + DATA.read_bytes()[1:]), "external data"),
        (swap_statement, "another model"),
        (drop_data_from_statement, "external data"),
    ],
    ids=["model", "data", "swapped", "data left out"],
)
def test_a_statement_is_about_the_bytes_that_were_scanned(
    attest: Callable[..., Outcome], run: Run, change: Callable[[], None], word: str
) -> None:
    attest()
    assert run(*VERIFY, "--allow-unsigned").code == 0
    change()
    outcome = run(*VERIFY, "--allow-unsigned")
    assert outcome.code == 3
    assert word in outcome.out


def test_a_model_that_was_renamed_is_the_same(attest: Callable[..., Outcome], run: Run) -> None:
    attest()
    MODEL.rename(MODEL.with_name("other.onnx"))
    assert run("verify", "models/other.onnx", "--attest", str(ATTESTED), "--allow-unsigned").code == 0


def test_a_statement_made_under_a_policy_that_demands_less_does_not_pass(
    attest: Callable[..., Outcome], run: Run
) -> None:
    Path("p.toml").write_text("min_coverage = 1.0\n")
    Path("q.toml").write_text('required_detectors = ["spectral"]\n')
    attest(Verdict.CLEAN, "--policy", "p.toml")
    assert run(*VERIFY, "--allow-unsigned", "--policy", "p.toml", "--max-age", "30d").code == 0
    outcome = run(*VERIFY, "--allow-unsigned", "--policy", "q.toml")
    assert outcome.code == 3
    assert "does not meet the policy" in outcome.out


def test_the_policy_names_accepted_keys_and_can_lock_them(attest: Callable[..., Outcome], run: Run) -> None:
    pem = Path("ours.pub").read_text()
    Path("p.toml").write_text(f'locked = ["accepted_keys"]\naccepted_keys = ["""{pem}"""]\n')
    attest(Verdict.CLEAN, *SIGNED, "--policy", "p.toml")
    assert run(*VERIFY, "--policy", "p.toml").code == 0
    assert run(*VERIFY, "--policy", "p.toml", "--key", "theirs.pub").code == 2
    assert run(*VERIFY, "--policy", "p.toml", "--allow-unsigned").code == 2


def test_verifying_imports_neither_torch_nor_onnxruntime(attest: Callable[..., Outcome]) -> None:
    attest(Verdict.CLEAN, *SIGNED)
    code = (
        "import sys\nfrom onnxaudit.cli import main\n"
        f"code = main({[*VERIFY, *OURS]!r})\n"
        "assert not {'torch', 'onnxruntime'} & set(sys.modules)\nsys.exit(code)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0
