"""What `scan --attest` states, as other implementations read it, and when it states nothing."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from google.protobuf import json_format
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey

from onnxaudit.intake.reader import digest_files, read_proto
from onnxaudit.records import Verdict

from .conftest import FakePipeline, Outcome
from .statements import ATTESTED, BOM, DATA, MODEL, SIGNED, read_payload

Run = Callable[..., Outcome]


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
    assert run("scan", "a.onnx", "b.onnx", "--bom", "bom.json").code == 2
    assert run("scan", "a.onnx", "--attest", "a.json", "--bom", "a.json").code == 2
    assert run("scan", "a.onnx", "--sign-key", "k.pem").code == 2
    assert not pipeline.calls


def test_no_older_statement_survives_a_scan_that_fails(
    attest: Callable[..., Outcome], run: Run, pipeline: FakePipeline
) -> None:
    attest(Verdict.CLEAN, "--bom", str(BOM))
    assert ATTESTED.exists()
    assert BOM.exists()
    pipeline.answers["scan"] = ZeroDivisionError("oh")
    assert run("scan", str(MODEL), "--attest", str(ATTESTED), "--bom", str(BOM)).code == 2
    assert not ATTESTED.exists()
    assert not BOM.exists()


def test_nothing_is_stated_about_a_model_that_changed_meanwhile(attest: Callable[..., Outcome], run: Run) -> None:
    attest()
    DATA.write_bytes(b"\x01" + DATA.read_bytes()[1:])
    outcome = run("scan", str(MODEL), "--attest", str(ATTESTED), "--bom", str(BOM))
    assert outcome.code == 2
    assert "changed while it was scanned" in outcome.err
    assert not ATTESTED.exists()
    assert not BOM.exists()
