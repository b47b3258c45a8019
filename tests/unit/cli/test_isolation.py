"""Whatever becomes of the worker process: a reason with a code, what was found is kept, and no verdict's exit code."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from onnxaudit.cli.places import Places
from onnxaudit.isolation.landlock import find_abi
from onnxaudit.isolation.worker import can_fork

from .statements import save_model

pytestmark = pytest.mark.skipif(not can_fork(), reason="workers are made by forking")
ROOT = Path(__file__).parents[3]
FAULTS = {  # what the work does, and the code that follows
    "os.kill(os.getpid(), signal.SIGSEGV)": "worker-crashed",
    "os._exit(0)": "worker-crashed",
    "sys.exit(0)": "worker-crashed",
    "raise RuntimeError('[enforce fail] DefaultCPUAllocator: can\\'t allocate memory')": "worker-limit",
    "time.sleep(1000)": "worker-timeout",
}
FAULTY = """
import os, signal, sys, time, types
HOME = os.getcwd()
from tools.testbed.reports import make_profile, make_repair_report, make_scan_report
from onnxaudit.records import Verdict

def work(report, on_partial=None):
    if {partial} and on_partial is not None:
        on_partial(report)
    {fault}
    return report

pipeline = types.ModuleType("onnxaudit.pipeline")
pipeline.PruningConfig = pipeline.RepairConfig = pipeline.ScanConfig = pipeline.DetectionConfig = dict
pipeline.scan = lambda *_, on_partial, **__: work(make_scan_report(Verdict.INCONCLUSIVE), on_partial)
pipeline.repair = lambda *_, on_partial, **__: work(make_repair_report(outcome="inconclusive"), on_partial)
sys.modules["onnxaudit.pipeline"] = pipeline
from onnxaudit.cli import isolation, main
isolation.GRACE = {grace}
sys.exit(main())
"""


def run(folder: Path, fault: str, *arguments: str, partial: bool = False) -> subprocess.CompletedProcess[str]:
    code = FAULTY.format(fault=fault, partial=partial, grace=8.0 if "sleep" in fault else 60.0)
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), os.environ.get("PYTHONPATH", "")))},
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )


SCAN = ("scan", "m.onnx", "--json", "r.json", "--time-budget", "1s", "--memory-limit", "4GiB", "-q")
REPAIR = ("repair", "m.onnx", "--data", "d.npz", "--output", "f.onnx", "--json", "r.json", "--time-budget", "1s")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "m.onnx").write_bytes(b"model")
    (tmp_path / "d.npz").write_bytes(b"data")
    (tmp_path / "r.json").write_text("an older report")
    return tmp_path


def read(folder: Path) -> Any:
    return json.loads((folder / "r.json").read_text())


@pytest.mark.parametrize("fault", FAULTS)
def test_a_scan_of_which_nothing_is_known_is_an_error(folder: Path, fault: str) -> None:
    done = run(folder, fault, *SCAN)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    (failure,) = read(folder)["failures"]
    assert failure["error"].endswith(f"[{FAULTS[fault]}]")
    assert failure["error"] in done.stderr


@pytest.mark.parametrize("fault", ["os._exit(0)", "time.sleep(1000)"])
def test_what_a_scan_had_found_is_kept_without_a_verdict(folder: Path, fault: str) -> None:
    done = run(folder, fault, *SCAN, partial=True)
    assert done.returncode == 3
    (report,) = read(folder)["reports"]
    assert report["verdict"] == "inconclusive"
    assert report["caveats"][0]["code"] == FAULTS[fault]
    assert report["labels"]
    assert done.stderr.startswith("error: The worker process ")


@pytest.mark.parametrize("partial", [True, False])
def test_a_repair_that_ends_early_writes_no_model(folder: Path, partial: bool) -> None:
    fault = "os._exit(0)"
    done = run(folder, fault, *REPAIR, partial=partial)
    assert done.returncode == (3 if partial else 2)
    assert "Traceback" not in done.stderr
    assert sorted(path.name for path in folder.iterdir()) == ["d.npz", "m.onnx", "r.json"]
    found = read(folder)
    assert FAULTS[fault] in found["error"] if not partial else "worker process" in found["reports"][0]["reasons"][0]


def test_other_models_are_scanned_all_the_same(folder: Path) -> None:
    done = run(folder, "os._exit(0)", "scan", "m.onnx", "m.onnx", "--format", "json")
    assert done.returncode == 2
    assert len(json.loads(done.stdout)["failures"]) == 2


def test_a_crash_is_a_document_on_stdout_too(folder: Path) -> None:
    done = run(folder, "os._exit(0)", *REPAIR[:6], "--format", "sarif")
    assert done.returncode == 2
    assert json.loads(done.stdout)["version"] == "2.1.0"


@pytest.mark.skipif(not find_abi(), reason="this kernel has no Landlock, or it is switched off")
def test_the_work_writes_neither_to_stdout_nor_to_the_model(folder: Path) -> None:
    done = run(folder, "print('CLEAN'); os.write(1, b'CLEAN'); open(HOME + '/m.onnx', 'w')", *SCAN)
    assert (done.returncode, "CLEAN" in done.stdout) == (2, False)
    assert "Permission denied" in done.stderr
    assert (folder / "m.onnx").read_bytes() == b"model"
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]


LIBRARIES = "{'torch', 'onnxruntime', 'onnx', 'google.protobuf'}"
DECIDES = f"""
import sys
from onnxaudit.cli import main
code = main()
sys.exit(code if {LIBRARIES}.isdisjoint(sys.modules) else 99)
"""


def decide(folder: Path, code: str, *arguments: str) -> int:
    """The exit code of a command, 99 where its own process imported what parses models."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), os.environ.get("PYTHONPATH", "")))}
    return subprocess.run([sys.executable, "-c", code, *arguments], cwd=folder, check=False, env=environment).returncode


def prepare(verdict: str) -> str:
    """A command line over a pipeline that reports on the model that is there."""
    watch = "pass\n    import numpy, os\n    assert not os.listdir() and not os.path.exists('m.onnx')"
    return (
        FAULTY.format(fault=watch, partial=False, grace=60.0)
        .replace("Verdict.INCONCLUSIVE", f"Verdict.{verdict}")
        .replace("make_scan_report(", "make_scan_of_this(")
        .replace("def work(", OF_THIS + "\ndef work(")
        .replace("sys.exit(main())", DECIDES)
    )


OF_THIS = """
from dataclasses import replace
from tools.testbed.reports import make_scan_report

def make_scan_of_this(verdict):
    import hashlib
    report, path = make_scan_report(verdict), os.path.join(HOME, sys.argv[2])
    data = open(HOME + "/w.bin", "rb").read()
    digest = hashlib.sha256(open(path, "rb").read() + hashlib.sha256(data).digest()).hexdigest()
    return replace(report, model=replace(report.model, path=path, sha256=digest))
"""


@pytest.fixture
def stated(tmp_path: Path) -> Path:
    """A folder with a model whose weights lie beside it, and a report about it with all that may be stated."""
    folder = tmp_path / "here"
    folder.mkdir()
    save_model(folder / "m.onnx", "w.bin")
    (tmp_path / "p.toml").write_text('domains = ["com.microsoft"]\n')
    scan = (*SCAN, "--attest", "a.json", "--bom", "b.json", "--policy", "../p.toml")
    assert decide(folder, prepare("CLEAN"), *scan) in (0, 3)
    assert json.loads((folder / "r.json").read_text())["reports"][0]["model"]["path"] == "m.onnx"
    return folder


def test_no_command_parses_a_model_in_its_own_process(stated: Path) -> None:
    commands = {
        ("inspect", "m.onnx"): (0, 2),
        (*REPAIR[:6], "--attest", "c.json"): (2,),
        ("profile", "m.onnx", "--data", "d.npz", "--trigger", "t.npz"): (2,),
        ("verify", "m.onnx", "--attest", "a.json", "--allow-unsigned", "--policy", "../p.toml"): (0, 3),
        ("report", "r.json", "--policy", "../p.toml", "--attest", "d.json", "--bom", "e.json"): (0, 3),
        ("diff", "r.json", "r.json"): (0,),
        ("policy", "show", "--policy", "../p.toml"): (0,),
    }
    for arguments, codes in commands.items():
        assert decide(stated, DECIDES, *arguments) in codes, arguments
    assert (stated / "d.json").exists()
    assert json.loads((stated / "e.json").read_text())["components"][0]["components"][0]["name"] == "w.bin"


def test_the_worker_works_in_an_empty_folder_and_names_files_as_the_user_does(folder: Path) -> None:
    done = run(folder, "print(sorted(os.listdir()), file=sys.stderr)\n    raise ValueError(HOME + '/m.onnx')", *SCAN)
    assert "[]\n" in done.stderr
    assert read(folder)["failures"][0]["error"].startswith("internal error, ValueError: m.onnx ")


def test_a_file_named_relative_to_the_root_is_told_so_in_words_alone() -> None:
    places = Places(apart=True)
    places.find(Path("m"))
    home = Path.cwd()
    told = json.dumps({"said": f"{home}/m: bad", "other": f"{home}/model", "pixels": f"AA{home}/m=="}).encode()
    assert json.loads(places.restore(told)) == {"said": "m: bad", "other": f"{home}/model", "pixels": f"AA{home}/m=="}
    assert Places(apart=False).find(Path("m")) == Path("m")


def test_a_file_whose_name_is_no_text_is_found_again(stated: Path) -> None:
    name = os.fsdecode(b"m\xe8.onnx")
    (stated / name).write_bytes((stated / "m.onnx").read_bytes())
    (stated / "a.json").unlink()
    assert decide(stated, prepare("CLEAN"), "scan", name, *SCAN[2:], "--attest", "a.json") in (0, 3)
    assert r"m\udce8.onnx" in json.loads((stated / "a.json").read_text())["subject"][0]["name"]
