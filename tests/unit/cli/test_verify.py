"""Statements about models: what they let through, and that nothing else does."""

import base64
import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_public_key,
)
from google.protobuf import json_format
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey

from onnxaudit.intake.reading import digest_files, read_proto
from onnxaudit.records import Verdict
from tests.reports import make_scan_report

from .conftest import FakePipeline, Outcome

Run = Callable[..., Outcome]
MODEL, DATA, ATTESTED = Path("models/m.onnx"), Path("models/w.bin"), Path("a.json")
VERIFY = ("verify", str(MODEL), "--attest", str(ATTESTED))


def write_model() -> None:
    """A model whose one weight lies in a file of its own."""
    MODEL.parent.mkdir(exist_ok=True)
    weight = onnx.numpy_helper.from_array(np.arange(400, dtype=np.float32), "w")
    graph = onnx.helper.make_graph([onnx.helper.make_node("Relu", ["w"], ["y"])], "g", [], [], [weight])
    model = onnx.helper.make_model(graph)
    onnx.save(model, MODEL, save_as_external_data=True, location=DATA.name, size_threshold=0)


def write_keys(name: str) -> None:
    key = Ed25519PrivateKey.generate()
    Path(f"{name}.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    Path(f"{name}.pub").write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


def read_payload() -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(ATTESTED.read_text())
    if "payload" in plain:
        plain = json.loads(base64.b64decode(plain["payload"]))
    return plain


def forge(change: Callable[[dict[str, Any]], None]) -> None:
    """Change what is stated, within its envelope if it has one, and leave the signatures."""
    plain = json.loads(ATTESTED.read_text())
    payload = read_payload()
    change(payload)
    if "payload" in plain:
        payload = {**plain, "payload": base64.b64encode(json.dumps(payload).encode()).decode()}
    ATTESTED.write_text(json.dumps(payload))


@pytest.fixture
def attest(run: Run, pipeline: FakePipeline) -> Callable[..., Outcome]:
    """Scan with a statement, with the given verdict."""
    write_model()
    for name in ("ours", "theirs"):
        write_keys(name)

    def attest(verdict: Verdict = Verdict.CLEAN, *options: str) -> Outcome:
        report = make_scan_report(verdict)
        info = replace(report.model, path=str(MODEL), sha256=read_proto(MODEL).sha256)
        pipeline.answers["scan"] = replace(report, model=info)
        return run("scan", str(MODEL), "--attest", str(ATTESTED), *options)

    return attest


def make_older(days: float) -> Callable[[dict[str, Any]], None]:
    def change(payload: dict[str, Any]) -> None:
        moment = datetime.now(UTC) - timedelta(days=days)
        payload["predicate"]["timeCreated"] = moment.isoformat()

    return change


SIGNED, OURS = ("--sign-key", "ours.pem"), ("--key", "ours.pub")


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
        (Verdict.CLEAN, (*SIGNED, "--required-looks", "waves"), OURS, 3, "did not meet the policy"),
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


@pytest.mark.parametrize("signing", [(), SIGNED], ids=["unsigned", "signed"])
def test_a_truncated_statement_is_an_error(attest: Callable[..., Outcome], run: Run, signing: tuple[str, ...]) -> None:
    attest(Verdict.CLEAN, *signing)
    content = ATTESTED.read_bytes()
    for size in range(0, len(content) - 2, 37):
        ATTESTED.write_bytes(content[:size])
        assert run(*VERIFY, "--allow-unsigned").code == 2


@pytest.mark.parametrize(
    "content",
    [
        "[]", "{}", "null", '"x"', "[" * 10_000,
        '{"_type": 1, "predicateType": 2}',
        '{"payload": "e30=", "payloadType": "text/plain", "signatures": []}',
        '{"payload": "e30=", "payloadType": "application/vnd.in-toto+json"}',
        '{"payload": 3, "payloadType": "application/vnd.in-toto+json", "signatures": []}',
        '{"payload": "?", "payloadType": "application/vnd.in-toto+json", "signatures": [{"sig": "?"}]}',
    ],
)  # fmt: skip
def test_what_is_no_attestation_is_an_error_in_one_line(attest: Callable[..., Outcome], run: Run, content: str) -> None:
    attest()
    ATTESTED.write_text(content)
    outcome = run(*VERIFY, "--allow-unsigned")
    assert (outcome.code, outcome.out) == (2, "")
    assert len(outcome.err.splitlines()) == 1


def list_places(value: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place, *(deep for key, child in children for deep in list_places(child, (*place, key)))]


def test_no_wrong_value_in_an_inconclusive_statement_makes_it_pass(attest: Callable[..., Outcome], run: Run) -> None:
    attest(Verdict.INCONCLUSIVE)
    text = ATTESTED.read_text()
    for place in list_places(json.loads(text))[1:]:
        for wrong in (None, -1, "x", [], {}):
            plain = holder = json.loads(text)
            for key in place[:-1]:
                holder = holder[key]
            holder[place[-1]] = wrong
            ATTESTED.write_text(json.dumps(plain))
            outcome = run(*VERIFY, "--allow-unsigned")
            assert outcome.code in (2, 3), (place, wrong)
            assert "internal error" not in outcome.err


def test_the_statement_is_an_svr_about_every_file(attest: Callable[..., Outcome]) -> None:
    outcome = attest(Verdict.CLEAN, "--json", "r.json", "--inconclusive", "warn")
    assert outcome.code == 0
    plain, files = read_payload(), digest_files(MODEL)
    gate = json.loads(Path("r.json").read_text())["gate"]
    assert plain["_type"] == "https://in-toto.io/Statement/v1"
    assert plain["predicateType"] == "https://in-toto.io/attestation/svr/v0.1"
    assert plain["subject"] == [
        {"name": "m.onnx", "digest": {"sha256": hashlib.sha256(MODEL.read_bytes()).hexdigest()}},
        {"name": "w.bin", "digest": {"sha256": hashlib.sha256(DATA.read_bytes()).hexdigest()}},
    ]
    predicate = plain["predicate"]
    assert predicate["properties"] == ["ONNXAUDIT_SCANNED", "ONNXAUDIT_CLEAN"]
    assert predicate["verifier"]["policy"]["digest"]["sha256"] == gate["policy_sha256"]
    assert predicate["onnxaudit"]["softeners"] == ["inconclusive = warn"]
    report = hashlib.sha256(Path("r.json").read_bytes()).hexdigest()
    assert predicate["onnxaudit"]["report"]["digest"]["sha256"] == report
    assert files.combined == read_proto(MODEL).sha256


@pytest.mark.parametrize("verdict", [Verdict.BACKDOORED, Verdict.INCONCLUSIVE])
def test_only_a_clean_model_has_that_property(attest: Callable[..., Outcome], verdict: Verdict) -> None:
    attest(verdict, "--exit-zero")
    assert read_payload()["predicate"]["properties"] == ["ONNXAUDIT_SCANNED"]


def test_the_statement_is_valid_for_in_totos_own_library(attest: Callable[..., Outcome]) -> None:
    attest(Verdict.CLEAN, *SIGNED)
    parsed = json_format.Parse(json.dumps(read_payload()), statement_pb2.Statement())
    Statement.copy_from_pb(parsed).validate()
    assert [subject.name for subject in parsed.subject] == ["m.onnx", "w.bin"]


def test_the_envelope_stands_up_to_securesystemslibs_own_check(attest: Callable[..., Outcome]) -> None:
    attest(Verdict.CLEAN, *SIGNED)
    ours, theirs = (
        SSlibKey.from_crypto(load_pem_public_key(Path(f"{name}.pub").read_bytes())) for name in ("ours", "theirs")
    )
    envelope = Envelope.from_dict(json.loads(ATTESTED.read_text()))
    assert envelope.payload_type == "application/vnd.in-toto+json"
    assert list(envelope.verify([ours], 1)) == [ours.keyid]
    with pytest.raises(VerificationError):
        envelope.verify([theirs], 1)


def test_a_statement_made_under_another_policy_does_not_pass(attest: Callable[..., Outcome], run: Run) -> None:
    Path("p.toml").write_text("min_coverage = 1.0\n")
    Path("q.toml").write_text("min_coverage = 0.5\n")
    attest(Verdict.CLEAN, "--policy", "p.toml")
    assert run(*VERIFY, "--allow-unsigned", "--policy", "p.toml", "--max-age", "30d").code == 0
    outcome = run(*VERIFY, "--allow-unsigned", "--policy", "q.toml")
    assert outcome.code == 3
    assert "another policy" in outcome.out


def test_the_policy_names_accepted_keys_and_can_lock_them(attest: Callable[..., Outcome], run: Run) -> None:
    pem = Path("ours.pub").read_text()
    Path("p.toml").write_text(f'locked = ["accepted_keys"]\naccepted_keys = ["""{pem}"""]\n')
    attest(Verdict.CLEAN, *SIGNED, "--policy", "p.toml")
    assert run(*VERIFY, "--policy", "p.toml").code == 0
    assert run(*VERIFY, "--policy", "p.toml", "--key", "theirs.pub").code == 2
    assert run(*VERIFY, "--policy", "p.toml", "--allow-unsigned").code == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--sign-key", "none.pem"), "cannot be read"),
        (("--sign-key", "ours.pub"), "no private key"),
        (("--sign-key", "a.json"), "named twice"),
    ],
)
def test_a_key_that_cannot_sign_is_an_error_before_the_scan(
    attest: Callable[..., Outcome], pipeline: FakePipeline, options: tuple[str, ...], message: str
) -> None:
    outcome = attest(Verdict.CLEAN, *options)
    assert outcome.code == 2
    assert message in outcome.err
    assert not pipeline.calls


def test_one_statement_is_about_one_model(run: Run, pipeline: FakePipeline) -> None:
    assert run("scan", "a.onnx", "b.onnx", "--attest", "a.json").code == 2
    assert run("scan", "a.onnx", "--sign-key", "k.pem").code == 2
    assert not pipeline.calls


def test_no_older_statement_survives_a_scan_that_fails(
    attest: Callable[..., Outcome], run: Run, pipeline: FakePipeline
) -> None:
    attest()
    pipeline.answers["scan"] = ZeroDivisionError("oh")
    assert run("scan", str(MODEL), "--attest", str(ATTESTED)).code == 2
    assert not ATTESTED.exists()


def test_nothing_is_stated_about_a_model_that_changed_meanwhile(attest: Callable[..., Outcome], run: Run) -> None:
    attest()
    DATA.write_bytes(b"\x01" + DATA.read_bytes()[1:])
    outcome = run("scan", str(MODEL), "--attest", str(ATTESTED))
    assert outcome.code == 2
    assert "changed while it was scanned" in outcome.err
    assert not ATTESTED.exists()


def test_verifying_imports_neither_torch_nor_onnxruntime(attest: Callable[..., Outcome]) -> None:
    attest(Verdict.CLEAN, *SIGNED)
    code = (
        "import sys\nfrom onnxaudit.cli import main\n"
        f"code = main({[*VERIFY, *OURS]!r})\n"
        "assert not {'torch', 'onnxruntime'} & set(sys.modules)\nsys.exit(code)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0
