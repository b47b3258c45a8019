"""cosign accepts what we sign, by the commands on the page; run where it is installed."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from onnxaudit.records import Verdict
from tests.documentation.pages import ROOT, read_blocks
from tests.documentation.workshop import Command, read_commands

from .conftest import Outcome
from .statements import ATTESTED, DATA, MODEL, SIGNED, forge

PAGE = ROOT / "docs" / "how-to" / "sign-and-verify.md"
NAMES = {MODEL: "vendor.onnx", ATTESTED: "vendor.att.json", Path("ours.pub"): "gate.pub"}
MISSING = [name for name in ("cosign", "jq") if shutil.which(name) is None]
needs_jq = pytest.mark.skipif("jq" in MISSING, reason="needs jq, which is not installed")

Attest = Callable[..., Outcome]


def read_page() -> list[list[Command]]:
    """The commands of each block that speaks of cosign."""
    blocks = read_blocks(PAGE.read_text(encoding="utf-8"))
    return [read_commands(block.text) for block in blocks if "test_cosign.py" in (block.not_run or "")]


def lay_out() -> None:
    """The files, under the names that the page uses."""
    for source, name in NAMES.items():
        shutil.copyfile(source, name)


def run_all(commands: list[Command]) -> list[int]:
    return [subprocess.run(["bash", "-c", command.text], capture_output=True).returncode for command in commands]


def test_the_page_shows_each_way() -> None:
    assert len(read_page()) == 3
    text = PAGE.read_text(encoding="utf-8")
    assert "application/vnd.in-toto+json" in text
    assert text.count("--type https://in-toto.io/attestation/svr/v0.1") == 2


@needs_jq
@pytest.mark.parametrize(("verdict", "code"), [(Verdict.CLEAN, 0), (Verdict.INCONCLUSIVE, 1), (Verdict.BACKDOORED, 1)])
def test_only_a_clean_model_has_the_property_that_the_page_asks_for(
    attest: Attest, verdict: Verdict, code: int
) -> None:
    attest(verdict, *SIGNED)
    lay_out()
    assert run_all(read_page()[2]) == [code]


@needs_jq
def test_the_bundle_of_the_page_holds_the_envelope_as_it_is(attest: Attest) -> None:
    attest(Verdict.CLEAN, *SIGNED)
    lay_out()
    assert run_all(read_page()[1][:1]) == [0]
    bundle = json.loads(Path("vendor.sigstore.json").read_text())
    assert bundle["mediaType"] == "application/vnd.dev.sigstore.bundle.v0.3+json"
    assert bundle["dsseEnvelope"] == json.loads(ATTESTED.read_text())


@pytest.mark.skipif(bool(MISSING), reason=f"needs {' and '.join(MISSING)}, which is not installed")
class TestCosign:
    @pytest.fixture(autouse=True)
    def apart(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HOME", str(tmp_path))  # cosign keeps its trust root there

    def test_it_accepts_a_clean_statement(self, attest: Attest) -> None:
        attest(Verdict.CLEAN, *SIGNED)
        lay_out()
        assert [code for block in read_page() for code in run_all(block)] == [0, 0, 0, 0]

    def test_it_refuses_a_forged_one(self, attest: Attest) -> None:
        attest(Verdict.CLEAN, *SIGNED)
        forge(lambda one: one["predicate"].update(extra=1))
        lay_out()
        signature, bundle, _ = map(run_all, read_page())
        assert signature[0] != 0
        assert bundle[1] != 0

    def test_it_refuses_another_model(self, attest: Attest) -> None:
        attest(Verdict.CLEAN, *SIGNED)
        lay_out()
        Path("vendor.onnx").write_bytes(DATA.read_bytes() + b"x")
        signature, bundle, _ = map(run_all, read_page())
        assert signature[0] != 0
        assert bundle[1] != 0
