"""A statement verified by a policy: waived findings, open verdicts and repaired models count as that policy says."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from onnxaudit.intake.reader import digest_files, read_proto
from onnxaudit.records import Verdict

from .conftest import Outcome
from .statements import ATTESTED, FIXED, MODEL, OURS, SIGNED, VERIFY, forge, read_payload

Run = Callable[..., Outcome]
FINGERPRINT = "0bda960feb98b5d3dd1a04e4bc77b663f62cdf0f621ea8bbabef19f24c0bf305"
WAIVER = """
[[waivers]]
fingerprint = "{fingerprint}"
model_sha256 = "{model}"
reason = "told by one stroke; looked at by hand"
approver = "Ada Lovelace"
expiry = "{expiry}"
"""


def write_policy(name: str, text: str = "", **waiver: str) -> tuple[str, str]:
    given = {"fingerprint": FINGERPRINT, "model": read_proto(MODEL).sha256, "expiry": "2999-12-31", **waiver}
    Path(name).write_text(text + (WAIVER.format(**given) if not text or waiver else ""))
    return "--policy", name


def test_a_waived_false_positive_passes_by_the_policy_that_waives_it(attest: Callable[..., Outcome], run: Run) -> None:
    policy = write_policy("p.toml", "# ours\n", expiry="2999-12-31")
    assert attest(Verdict.BACKDOORED, *SIGNED, *policy).code == 0
    (waiver,) = read_payload()["predicate"]["onnxaudit"]["waivers"]
    assert (waiver["approver"], waiver["fingerprint"]) == ("Ada Lovelace", FINGERPRINT)
    outcome = run(*VERIFY, *OURS, *policy)
    assert (outcome.code, "Every finding is waived (1)." in outcome.out) == (0, True)
    assert run(*VERIFY, *OURS).code == 1
    assert run(*VERIFY, "--key", "theirs.pub", *policy).code == 3
    assert run(*VERIFY, *policy).code == 3


@pytest.mark.parametrize(
    "waiver",
    [{"expiry": "2020-01-01"}, {"model": "a" * 64}, {"fingerprint": "b" * 64}],
    ids=["old", "model", "finding"],
)
def test_a_waiver_that_does_not_hold_lets_nothing_through(
    attest: Callable[..., Outcome], run: Run, waiver: dict[str, str]
) -> None:
    attest(Verdict.BACKDOORED, *SIGNED, *write_policy("p.toml"))
    assert run(*VERIFY, *OURS, *write_policy("q.toml", **waiver)).code == 1


def test_a_policy_that_was_extended_since_still_accepts(attest: Callable[..., Outcome], run: Run) -> None:
    attest(Verdict.CLEAN, *SIGNED, *write_policy("p.toml", "min_coverage = 1.0\n"))
    later = write_policy("q.toml", "min_coverage = 1.0\n", model="a" * 64)
    assert run(*VERIFY, *OURS, *later).code == 0


@pytest.mark.parametrize(
    ("verdict", "policy", "code", "word"),
    [
        (Verdict.INCONCLUSIVE, 'inconclusive = "warn"\n', 0, "inconclusive = warn"),
        (Verdict.INCONCLUSIVE, 'inconclusive = "block"\n', 3, "no verdict"),
        (Verdict.INCONCLUSIVE, 'inconclusive = "fail"\n', 1, "does not meet the policy"),
        (Verdict.CLEAN, 'required_detectors = ["spectral"]\n', 3, "spectral measured no label"),
        (Verdict.CLEAN, 'detectors = ["standard"]\n', 0, "PASS"),
        (Verdict.CLEAN, 'detectors = ["patch"]\n', 3, "another policy"),
        (Verdict.INCONCLUSIVE, "exit_zero = true\n", 3, "no verdict"),
        (Verdict.BACKDOORED, "exit_zero = true\n", 1, "backdoored"),
        (Verdict.BACKDOORED, 'inconclusive = "warn"\n', 1, "backdoored"),
        (Verdict.CLEAN, "domains = []\n", 0, "PASS"),
    ],
)
def test_the_named_policy_decides_on_what_the_statement_tells(
    attest: Callable[..., Outcome], run: Run, verdict: Verdict, policy: str, code: int, word: str
) -> None:
    attest(verdict, *SIGNED)
    outcome = run(*VERIFY, *OURS, *write_policy("p.toml", policy))
    assert (outcome.code, word in outcome.out) == (code, True), outcome


def test_grounds_that_were_forged_do_not_pass(attest: Callable[..., Outcome], run: Run) -> None:
    policy = write_policy("p.toml")
    attest(Verdict.BACKDOORED, *SIGNED)
    forge(lambda one: one["predicate"]["onnxaudit"]["grounds"].update(model_sha256="a" * 64))
    assert run(*VERIFY, *OURS, *write_policy("q.toml", model="a" * 64)).code == 3
    assert run(*VERIFY, "--allow-unsigned", *policy).code == 1


def verify_repaired(run: Run, *options: str) -> Outcome:
    return run("verify", str(FIXED), "--attest", str(ATTESTED), *OURS, *options)


def test_a_repaired_model_passes_by_its_own_statement(attest_repair: Callable[..., Outcome], run: Run) -> None:
    assert attest_repair().code == 0
    outcome = verify_repaired(run)
    assert outcome.code == 0
    assert "Repaired from m.onnx" in outcome.out
    assert "100 % [84, 100] before, 0 % [0, 16] after" in outcome.out
    plain, original = read_payload(), digest_files(MODEL)
    assert plain["subject"][0] == {"name": "fixed.onnx", "digest": {"sha256": digest_files(FIXED).model}}
    assert plain["predicate"]["properties"] == ["ONNXAUDIT_SCANNED", "ONNXAUDIT_REPAIRED"]
    ours = plain["predicate"]["onnxaudit"]
    assert [one["digest"]["sha256"] for one in ours["original"]] == [original.model, *original.data.values()]
    repair = ours["grounds"]["repair"]
    assert (repair["targets"], repair["outcome"], repair["score"]) == ([2], "repaired", 0.47)
    assert repair["before"]["success_rate"]["value"] == 1.0
    assert repair["after"]["success_rate"]["value"] == 0.0
    assert run(*VERIFY, *OURS).code == 3  # the statement is not about the original


@pytest.mark.parametrize(
    ("policy", "rescan", "code"),
    [
        ('repaired = "accept"\n', Verdict.INCONCLUSIVE, 0),
        ('repaired = "clean"\n', Verdict.INCONCLUSIVE, 3),
        ('repaired = "clean"\n', Verdict.CLEAN, 0),
        ("min_agreement = 1.0\nmax_success = 0.05\n", Verdict.CLEAN, 0),
        ("max_success = 0.0\n", Verdict.CLEAN, 1),
    ],
)
def test_a_policy_says_whether_a_repaired_model_passes(
    attest_repair: Callable[..., Outcome], run: Run, policy: str, rescan: Verdict, code: int
) -> None:
    attest_repair(rescan=rescan)
    assert verify_repaired(run, *write_policy("p.toml", policy)).code == code


def test_an_incomplete_repair_is_stated_and_does_not_pass(attest_repair: Callable[..., Outcome], run: Run) -> None:
    assert attest_repair(outcome="incomplete", met=False).code == 1
    assert verify_repaired(run).code == 1
    assert "ONNXAUDIT_REPAIRED" not in json.dumps(read_payload())


def test_nothing_is_stated_where_a_repair_writes_nothing(attest_repair: Callable[..., Outcome]) -> None:
    outcome = attest_repair(outcome="nothing to repair", output=None, output_sha256=None)
    assert (outcome.code, ATTESTED.exists()) == (0, False)
    assert "nothing is stated" in outcome.err


def test_nothing_is_stated_about_a_file_that_changed(attest_repair: Callable[..., Outcome]) -> None:
    outcome = attest_repair(output_sha256="a" * 64)
    assert (outcome.code, ATTESTED.exists()) == (2, False)
