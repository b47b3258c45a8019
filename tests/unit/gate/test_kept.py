"""What earlier versions wrote, and what users keep for long, still means what it meant."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from onnxaudit.digests import FileDigests
from onnxaudit.findings.finding import list_findings
from onnxaudit.findings.rules import RULES
from onnxaudit.gate.envelope import unseal
from onnxaudit.gate.layers import read_policy_file
from onnxaudit.gate.policy import KEYS
from onnxaudit.gate.statement import read_statement
from onnxaudit.gate.verification import Demands, verify
from onnxaudit.records import ScanDocument
from tools.testbed.reports import make_scan_report

ROOT = Path(__file__).parents[3]
STATEMENTS, POLICIES = ROOT / "tests" / "golden" / "statements", ROOT / "tests" / "golden" / "policies"
MODEL_SHA256 = "f36449e369e9c14dca0e3014f0436e8afe2c75ee26714a7ce863ac33f48db8fe"  # what the statements are about
IDENTIFIERS = {  # given once and for all: take none away, and give none a second time
    "OA101": "single-target-trigger",
    "OA102": "all-to-all-trigger",
    "OA103": "additive-trigger",
    "OA104": "latent-inversion",
    "OA105": "warp-trigger",
    "OA106": "photometric-trigger",
    "OA107": "source-specific-trigger",
    "OA201": "unfinished-labels",
    "OA202": "synthetic-samples",
    "OA203": "suspicious-label",
    "OA204": "undecided",
    "OA301": "repair-limit-missed",
    "OA302": "still-backdoored",
    "OA303": "backdoor-remembered",
    "OA401": "other-answers",
    "OA402": "depends-on-batch",
    "OA403": "ambiguous-file",
    "OA404": "dormant-gate",
    "OA410": "reads-elsewhere",
}


@pytest.mark.parametrize("file", sorted(STATEMENTS.glob("*.json")), ids=lambda file: file.stem)
def test_an_older_statement_still_lets_its_model_through(file: Path) -> None:
    sealed = unseal(file.read_bytes())
    key = (STATEMENTS / "key.pub").read_text()
    demands = Demands((key,)) if "signed" in file.stem else Demands(allow_unsigned=True)
    statement = read_statement(sealed.payload)
    files = FileDigests(MODEL_SHA256, {}, MODEL_SHA256)
    found = verify(files, sealed, statement, demands, datetime.now(UTC))
    assert (found.outcome, found.reasons) == ("pass", ())


@pytest.mark.parametrize("file", sorted(POLICIES.glob("*.toml")), ids=lambda file: file.stem)
def test_an_older_policy_is_read(file: Path) -> None:
    layer = read_policy_file(file)
    assert set(layer.values) <= set(KEYS)
    assert layer.values["waivers"][0].approver == "Ada Lovelace"


def test_the_newest_policy_that_is_kept_holds_every_key() -> None:
    assert set(read_policy_file(max(POLICIES.glob("*.toml"))).values) == set(KEYS)


def test_rules_keep_their_identifiers() -> None:
    assert {rule.id: rule.name for rule in RULES} == IDENTIFIERS


def test_the_fingerprint_that_a_waiver_names_never_changes() -> None:
    (finding,) = list_findings(ScanDocument((make_scan_report(),)))
    assert finding.fingerprint == "0bda960feb98b5d3dd1a04e4bc77b663f62cdf0f621ea8bbabef19f24c0bf305"
