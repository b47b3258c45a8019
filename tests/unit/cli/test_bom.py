"""The bill of materials is valid CycloneDX, and says what the scan said."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from onnxaudit.intake.metadata import read_metadata
from onnxaudit.records import Verdict

from .conftest import Outcome
from .statements import ATTESTED, BOM, DATA, MODEL, SIGNED, read_payload

Attest = Callable[..., Outcome]
HOSTILE = "\x1b[2J\n</script> \u202e" + "x" * 5000


def read_bom() -> dict[str, Any]:
    """The bill of materials, valid by the official schema."""
    text = BOM.read_text()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    plain: dict[str, Any] = json.loads(text)
    return plain


def list_properties(component: dict[str, Any]) -> dict[str, str]:
    return {entry["name"]: entry["value"] for entry in component["properties"]}


def change_model(change: Callable[[onnx.ModelProto], None]) -> None:
    proto = onnx.load(MODEL, load_external_data=False)
    change(proto)
    MODEL.write_bytes(proto.SerializeToString())


@pytest.mark.parametrize("verdict", Verdict)
def test_the_bill_is_valid_and_holds_the_verdict(attest: Attest, verdict: Verdict) -> None:
    attest(verdict, "--bom", str(BOM), "--inconclusive", "warn", "--json", "r.json")
    plain = read_bom()
    (model,) = plain["components"]
    said = list_properties(model)
    assert (model["type"], model["name"], said["onnxaudit:verdict"]) == ("machine-learning-model", "m.onnx", verdict)
    assert said["onnxaudit:softener"] == "inconclusive = warn"
    assert said["onnxaudit:report:sha256"] == hashlib.sha256(Path("r.json").read_bytes()).hexdigest()
    assert str(verdict) in plain["declarations"]["claims"][0]["predicate"]
    assert plain["metadata"]["tools"]["components"][0]["name"] == "onnxaudit"


def test_the_bill_names_every_file_by_its_hash(attest: Attest) -> None:
    attest(Verdict.CLEAN, "--bom", str(BOM))
    plain = read_bom()
    (model,) = plain["components"]
    files = {MODEL.name: model, **{one["name"]: one for one in model["components"]}}
    assert {name: one["hashes"] for name, one in files.items()} == {
        path.name: [{"alg": "SHA-256", "content": hashlib.sha256(path.read_bytes()).hexdigest()}]
        for path in (MODEL, DATA)
    }
    assert plain["dependencies"] == [{"ref": model["bom-ref"], "dependsOn": [model["components"][0]["bom-ref"]]}]


def test_a_finding_is_a_vulnerability_of_the_model(attest: Attest) -> None:
    attest(Verdict.BACKDOORED, "--bom", str(BOM))
    (found,) = read_bom()["vulnerabilities"]
    assert (found["id"], found["ratings"][0]["severity"]) == ("OA101", "critical")
    assert (found["analysis"], found["affects"]) == ({"state": "exploitable"}, [{"ref": "model"}])


def test_a_question_left_open_is_none_with_a_severity(attest: Attest) -> None:
    attest(Verdict.INCONCLUSIVE, "--bom", str(BOM))
    (found,) = read_bom()["vulnerabilities"]
    assert (found["ratings"][0]["severity"], found["analysis"]["state"]) == ("unknown", "in_triage")


def test_a_waived_finding_stays_with_who_and_why(attest: Attest) -> None:
    attest(Verdict.BACKDOORED, "--bom", str(BOM), "--json", "r.json")
    report = json.loads(Path("r.json").read_text())
    Path("p.toml").write_text(
        f'[[waivers]]\nfingerprint = "{report["gate"]["decisions"][0]["fingerprints"][0]}"\n'
        f'model_sha256 = "{report["reports"][0]["model"]["sha256"]}"\nreason = "known"\n'
        'approver = "Ada"\nexpiry = 2999-12-31\n'
    )
    assert attest(Verdict.BACKDOORED, "--bom", str(BOM), "--policy", "p.toml").code == 0
    plain = read_bom()
    (found,) = plain["vulnerabilities"]
    assert found["analysis"]["state"] == "exploitable"
    assert found["analysis"]["detail"] == "waived until 2999-12-31 by Ada: known"
    said = list_properties(plain["components"][0])
    assert (said["onnxaudit:verdict"], said["onnxaudit:outcome"]) == ("backdoored", "pass")


def test_the_bill_says_what_the_file_says_of_itself(attest: Attest) -> None:
    def name(proto: onnx.ModelProto) -> None:
        proto.model_version, proto.doc_string, proto.domain = 7, "Tells signs apart.", "com.example"
        onnx.helper.set_model_props(proto, {"model_author": "Ada", "model_license": "MIT", "stage": "test"})

    change_model(name)
    attest(Verdict.CLEAN, "--bom", str(BOM))
    assert read_metadata(MODEL).notes["stage"] == "test"
    (model,) = read_bom()["components"]
    assert (model["version"], model["description"], model["authors"]) == ("7", "Tells signs apart.", [{"name": "Ada"}])
    assert model["licenses"] == [{"license": {"name": "MIT"}}]
    said = list_properties(model)
    assert (said["onnx:domain"], said["onnx:metadata:stage"]) == ("com.example", "test")
    assert (said["onnxaudit:input:shape"], said["onnxaudit:output:classes"]) == ("batch,3,8,8", "4")
    assert model["modelCard"]["modelParameters"]["inputs"] == [{"format": "image"}]


def test_what_a_stranger_wrote_into_the_file_does_nothing(attest: Attest) -> None:
    def spoil(proto: onnx.ModelProto) -> None:
        proto.doc_string = proto.domain = HOSTILE
        notes = {f"{HOSTILE[:40]}{number}": HOSTILE for number in range(300)}
        onnx.helper.set_model_props(proto, {"model_author": HOSTILE, "model_license": HOSTILE, **notes})

    change_model(spoil)
    attest(Verdict.CLEAN, "--bom", str(BOM))
    assert len(BOM.read_bytes()) < 500_000
    (model,) = read_bom()["components"]
    assert all(value.isprintable() for value in list_properties(model).values())


def test_another_statement_has_another_serial_number(attest: Attest) -> None:
    numbers = set()
    for verdict in (Verdict.CLEAN, Verdict.BACKDOORED):
        attest(verdict, "--bom", str(BOM))
        numbers.add(read_bom()["serialNumber"])
    assert len(numbers) == 2


def test_a_bill_and_a_signed_statement_say_the_same(attest: Attest) -> None:
    attest(Verdict.CLEAN, *SIGNED, "--bom", str(BOM))
    assert ATTESTED.exists()
    payload, (model,) = read_payload(), read_bom()["components"]
    assert model["hashes"][0]["content"] == payload["subject"][0]["digest"]["sha256"]
    assert (
        list_properties(model)["onnxaudit:policy:sha256"]
        == payload["predicate"]["verifier"]["policy"]["digest"]["sha256"]
    )
