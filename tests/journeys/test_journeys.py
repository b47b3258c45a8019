"""From the wheel to the end that the documentation promises, ten ways."""

import datetime
import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.environments import ROOT, Done, Environment, build_wheel, make_environment, make_framework
from tests.servers import serve_objects

FOLDER = os.environ.get("JOURNEYS_FOLDER")
MAKING = Path(__file__).parent / "making"
CLEAN, BACKDOORED = "vendor/signs-lenet-clean.onnx", "vendor/signs-lenet-weights.onnx"
SCAN = ("--data", "data/signs.npz", "--json", "scan.json")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(FOLDER is None, reason="JOURNEYS_FOLDER names no folder for the environments"),
    pytest.mark.xdist_group("journeys"),
]


@pytest.fixture(scope="module")
def place() -> Path:
    assert FOLDER is not None
    found = Path(FOLDER).expanduser().resolve()
    found.mkdir(parents=True, exist_ok=True)
    return found


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def cpu(place: Path, wheel: Path) -> Environment:
    return make_environment(place, "cpu", wheel)


@pytest.fixture(scope="module")
def slim(place: Path, wheel: Path) -> Environment:
    return make_environment(place, "slim", wheel)


@pytest.fixture(scope="module")
def framework(place: Path) -> Environment:
    return make_framework(place)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A user's folder: two models of a vendor, and clean images."""
    (tmp_path / "vendor").mkdir()
    for model in (CLEAN, BACKDOORED):
        shutil.copy(ROOT / "models" / Path(model).name, tmp_path / model)
    shutil.copytree(ROOT / "models" / "samples", tmp_path / "data")
    return tmp_path


def read(home: Path, name: str = "scan.json") -> Any:
    return json.loads((home / name).read_text())


def expect(code: int | tuple[int, ...], done: Done) -> Done:
    assert done.code in (code if isinstance(code, tuple) else (code,)), f"{done.code}\n{done.out}\n{done.err}"
    return done


def test_a_machine_for_cpus_finds_the_backdoor(cpu: Environment, home: Path) -> None:
    expect(0, cpu.run(home, "onnxaudit", "doctor"))
    expect(1, cpu.run(home, "onnxaudit", "scan", BACKDOORED, *SCAN, "--html", "scan.html"))
    assert read(home)["reports"][0]["verdict"] == "backdoored"
    assert (home / "scan.html").stat().st_size > 10_000


def test_a_slim_machine_inspects_and_reads_and_says_what_it_lacks(
    slim: Environment, cpu: Environment, home: Path
) -> None:
    expect(0, cpu.run(home, "onnxaudit", "scan", CLEAN, *SCAN, "--attest", "a.json"))
    expect(3, slim.run(home, "onnxaudit", "inspect", CLEAN))
    expect(0, slim.run(home, "onnxaudit", "report", "scan.json", "--html", "scan.html"))
    expect(0, slim.run(home, "onnxaudit", "verify", CLEAN, "--attest", "a.json", "--allow-unsigned"))
    assert "PyTorch" in expect(2, slim.run(home, "onnxaudit", "scan", CLEAN, *SCAN)).err


def test_a_folder_of_models_gets_a_page_each_and_the_worst_counts(cpu: Environment, home: Path) -> None:
    expect(1, cpu.run(home, "onnxaudit", "scan", "vendor", *SCAN, "--html-dir", "pages"))
    found = {Path(one["model"]["path"]).name: one["verdict"] for one in read(home)["reports"]}
    assert found == {Path(CLEAN).name: "clean", Path(BACKDOORED).name: "backdoored"}
    assert "signs-lenet-weights" in (home / "pages" / "index.html").read_text()


@pytest.mark.parametrize("source", ["m.keras", "saved"])
def test_a_file_of_keras_or_tensorflow_is_converted_and_judged(
    cpu: Environment, framework: Environment, home: Path, source: str
) -> None:
    expect(0, framework.run(home, "python", str(MAKING / "vendor_keras.py"), "data/digits.npz", "."))
    words = ("--python", str(framework.python), "--data", "data/digits.npz", "--effort", "quick", "--json", "scan.json")
    expect((0, 1, 3), cpu.run(home, "onnxaudit", "scan", source, *words, "--fetch-into", "kept", "--range", "0,1"))
    (report,) = read(home)["reports"]
    assert report["conversion"]["source"] == source
    assert report["conversion"]["agreement"] == 1.0
    (kept,) = (home / "kept").rglob("*.onnx")
    assert hashlib.sha256(kept.read_bytes()).hexdigest() == report["model"]["sha256"]
    if source == "m.keras":
        refused = cpu.run(home, "onnxaudit", "convert", "code.keras", "-o", "c.onnx", "--python", str(framework.python))
        assert "Lambda" in expect(2, refused).err
        assert "keras is not installed here" in expect(2, cpu.run(home, "onnxaudit", "scan", source)).err


def test_a_program_of_torch_export_is_converted_and_a_pickle_is_not(cpu: Environment, home: Path) -> None:
    expect(0, cpu.run(home, "python", str(MAKING / "vendor_torch.py"), "data/digits.npz", "."))
    words = ("--data", "data/digits.npz", "--effort", "quick", "--json", "scan.json", "--range", "0,1")
    expect((0, 1, 3), cpu.run(home, "onnxaudit", "scan", "m.pt2", *words))
    assert read(home)["reports"][0]["conversion"]["agreement"] == 1.0
    assert "torch.onnx.export" in expect(2, cpu.run(home, "onnxaudit", "scan", "w.pth")).err


def test_an_alias_of_a_registry_is_scanned_as_the_version_that_it_stands_for(cpu: Environment, home: Path) -> None:
    registry = {"MLFLOW_TRACKING_URI": "sqlite:///mlflow.db"}
    expect(0, cpu.run(home, "python", str(MAKING / "register.py"), CLEAN, **registry))
    alias = "models:/signs@candidate"
    expect(0, cpu.run(home, "onnxaudit", "scan", alias, *SCAN, "--attest", "a.json", **registry))
    origin = read(home)["reports"][0]["origin"]
    assert (origin["revision"], origin["sha256"]) == ("version 1", hash_of(home / CLEAN))
    done = cpu.run(home, "onnxaudit", "verify", alias, "--attest", "a.json", "--allow-unsigned", **registry)
    assert "Fetched as version 1" in expect(0, done).out


def test_an_object_of_s3_is_scanned_if_it_is_the_one_that_was_meant(cpu: Environment, home: Path) -> None:
    with serve_objects(str(cpu.python), home) as account:
        expect(0, cpu.run(home, "python", str(MAKING / "upload.py"), BACKDOORED, **account))
        address = f"s3://models/signs.onnx#sha256={hash_of(home / BACKDOORED)}"
        expect(1, cpu.run(home, "onnxaudit", "scan", address, *SCAN, **account))
        assert read(home)["reports"][0]["origin"]["pinned"] is True
        other = f"s3://models/signs.onnx#sha256={hash_of(home / CLEAN)}"
        assert "has another content" in expect(2, cpu.run(home, "onnxaudit", "scan", other, *SCAN, **account)).err


def test_a_waiver_lets_a_finding_pass_until_it_expires(cpu: Environment, home: Path) -> None:
    expect(1, cpu.run(home, "onnxaudit", "scan", BACKDOORED, *SCAN, "--sarif", "scan.sarif"))
    found = json.loads((home / "scan.sarif").read_text())["runs"][0]["results"]
    known = {mark for one in found for mark in one["partialFingerprints"].values() if one["level"] == "error"}
    day = (datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=30)).date().isoformat()
    (home / "ci").mkdir()
    words = ("--run", "scan.json", "--reason", "known", "--approver", "Ada", "--expires", day)
    done = [cpu.run(home, "onnxaudit", "policy", "waive", one, *words, "--into", "ci/p.toml") for one in sorted(known)]
    assert 0 in [one.code for one in done], done
    expect(0, cpu.run(home, "onnxaudit", "report", "scan.json", "--policy", "ci/p.toml"))
    expect(0, cpu.run(home, "onnxaudit", "scan", BACKDOORED, *SCAN, "--policy", "ci/p.toml"))


def test_a_repaired_model_passes_the_gate(cpu: Environment, home: Path) -> None:
    expect(1, cpu.run(home, "onnxaudit", "scan", BACKDOORED, "--data", "data/signs.npz", "--json", "scan.json"))
    words = ("--data", "data/signs.npz", "--scan", "scan.json", "-o", "fixed.onnx", "--attest", "fixed.att.json")
    expect(0, cpu.run(home, "onnxaudit", "repair", BACKDOORED, *words))
    verify = ("--attest", "fixed.att.json", "--allow-unsigned")
    expect(0, cpu.run(home, "onnxaudit", "verify", "fixed.onnx", *verify))
    expect(3, cpu.run(home, "onnxaudit", "verify", BACKDOORED, *verify))


def hash_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
