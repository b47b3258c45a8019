"""Statements in Sigstore bundles: the same envelope, trusted by the same keys."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from onnxaudit.records import Verdict

from .conftest import FakePipeline, Outcome
from .statements import MODEL, OURS, SIGNED

Run = Callable[..., Outcome]
BUNDLE = Path("m.sigstore.json")
VERIFY = ("verify", str(MODEL), "--attest", str(BUNDLE))


@pytest.fixture
def bundle(attest: Run, run: Run) -> dict[str, Any]:
    attest(Verdict.CLEAN)
    assert run("scan", str(MODEL), "--attest", str(BUNDLE), *SIGNED).code == 0
    plain: dict[str, Any] = json.loads(BUNDLE.read_text())
    return plain


def test_a_name_of_a_bundle_gets_one(bundle: dict[str, Any], run: Run) -> None:
    assert bundle["mediaType"] == "application/vnd.dev.sigstore.bundle.v0.3+json"
    (signature,) = bundle["dsseEnvelope"]["signatures"]
    assert bundle["verificationMaterial"] == {"publicKey": {"hint": signature["keyid"]}, "tlogEntries": []}
    assert run(*VERIFY, *OURS).code == 0
    assert run(*VERIFY, "--key", "theirs.pub").code == 3
    assert run(*VERIFY).code == 3


def test_the_envelope_counts_and_not_what_stands_around_it(bundle: dict[str, Any], run: Run) -> None:
    del bundle["verificationMaterial"]
    BUNDLE.write_text(json.dumps(bundle))
    assert run(*VERIFY, *OURS).code == 0
    bundle["dsseEnvelope"]["signatures"][0]["sig"] = "AAAA"
    BUNDLE.write_text(json.dumps(bundle))
    assert run(*VERIFY, *OURS).code == 3


@pytest.mark.parametrize("inner", [None, [], {}, {"statement": 1}])
def test_a_bundle_of_something_else_is_no_statement(bundle: dict[str, Any], run: Run, inner: Any) -> None:
    BUNDLE.write_text(json.dumps({**bundle, "dsseEnvelope": inner, "payload": "e30="}))
    done = run(*VERIFY, "--allow-unsigned")
    assert done.code == 2
    assert "holds no statement" in done.err


@pytest.mark.usefixtures("attest")
def test_a_bundle_without_a_signature_is_refused_before_the_scan(run: Run, pipeline: FakePipeline) -> None:
    done = run("scan", str(MODEL), "--attest", str(BUNDLE))
    assert (done.code, pipeline.calls) == (2, [])
    assert "--sign-key" in done.err
