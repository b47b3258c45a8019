"""Models that lie elsewhere: fetched before anything is opened, told in the report, refused where that cannot be."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from onnxaudit.digests import digest_named
from onnxaudit.packages import is_installed
from onnxaudit.records import Verdict
from onnxaudit.remote import fetch
from tests.unit.remote.hub import COMMIT, REPOSITORY, serve
from tools.testbed.reports import make_repair_report, make_scan_report

from .conftest import FakePipeline, Outcome
from .statements import ATTESTED, BOM, DATA, MODEL, write_model

ROOT = Path(__file__).parents[3]
Run = Callable[..., Outcome]
PLACE = "s3://bucket/models/m.onnx"


class FolderStore:
    """The folder `elsewhere`, in the place of a bucket."""

    revision = "r1"

    def __init__(self, place: str) -> None:
        self.model = place.partition("/")[2]

    def measure(self, path: str) -> int | None:
        return Path("elsewhere", path).stat().st_size

    def fetch(self, path: str, target: Path, most: int) -> None:
        del most
        shutil.copyfile(Path("elsewhere", path), target)


@pytest.fixture
def digest(run: Run, pipeline: FakePipeline, monkeypatch: pytest.MonkeyPatch) -> str:
    """Of the model elsewhere; a scan of it says that it is clean."""
    del run
    write_model()
    Path("elsewhere").mkdir()
    shutil.move(MODEL.parent, "elsewhere")
    combined = digest_named(Path("elsewhere", MODEL), [DATA.name]).combined
    monkeypatch.setattr(fetch, "open_store", lambda address: FolderStore(address.place))
    report = make_scan_report(Verdict.CLEAN)

    def answer(path: Path, *_: Any, **__: Any) -> Any:
        assert path.is_file()
        return replace(report, model=replace(report.model, path=str(path), sha256=combined))

    pipeline.answers["scan"] = answer
    return combined


def read(name: str = "r.json") -> Any:
    return json.loads(Path(name).read_text())


def test_a_report_tells_where_the_model_is_from(run: Run, digest: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(Path.cwd()))
    before = sorted(Path().rglob("*"))
    done = run("scan", PLACE, "--json", "r.json", "--sarif", "r.sarif", "--attest", str(ATTESTED), "--bom", str(BOM))
    assert (done.code, done.err.splitlines()[0]) == (0, f"fetching {PLACE}")
    (report,) = read()["reports"]
    assert report["origin"] == {"uri": PLACE, "revision": "r1", "sha256": digest, "pinned": False}
    assert report["model"]["path"] == PLACE
    assert PLACE in done.out
    assert f'"uri": "{PLACE}"' in Path("r.sarif").read_text()
    assert read(str(ATTESTED))["subject"][0]["name"] == MODEL.name
    assert len({*Path().rglob("*")} - {*before}) == 4  # the files that were asked for, and nothing that was fetched


def test_a_digest_that_is_not_there_is_an_error(run: Run, digest: str, pipeline: FakePipeline) -> None:
    wrong = "0" * 64
    done = run("scan", f"{PLACE}#sha256={wrong}", "--json", "r.json", "-q")
    assert (done.code, pipeline.calls) == (2, [])
    assert f"{PLACE} has another content: SHA-256 {wrong} was asked for, {digest} is there" in done.err
    assert read()["failures"][0]["path"] == PLACE
    assert run("scan", PLACE, "--sha256", wrong, "-q").code == 2
    assert run("scan", PLACE, "--sha256", digest, "--json", "r.json", "-q").code == 0
    assert read()["reports"][0]["origin"]["pinned"] is True


def test_a_file_here_may_be_asked_for_by_its_digest(run: Run, digest: str) -> None:
    here = str(Path("elsewhere", MODEL))
    assert run("scan", here, "--sha256", digest, "-q").code == 0
    assert run("scan", here, "--sha256", "0" * 64, "-q").code == 2


@pytest.mark.usefixtures("digest")
def test_one_that_cannot_be_had_stops_no_other(run: Run) -> None:
    Path("list.txt").write_text(f"s3://bucket/models/gone.onnx\n{PLACE}\n")
    done = run("scan", "list.txt", "--json", "r.json")
    assert done.code == 2
    assert [one["path"] for one in read()["failures"]] == ["s3://bucket/models/gone.onnx"]
    assert [one["model"]["path"] for one in read()["reports"]] == [PLACE]


def test_what_is_fetched_stays_in_a_folder_that_is_given(run: Run, digest: str) -> None:
    kept = Path("kept", f"m-{digest[:16]}")
    for _ in range(2):
        assert run("scan", PLACE, "--fetch-into", "kept", "-q").code == 0
        assert sorted(path.name for path in Path("kept").rglob("*")) == [kept.name, MODEL.name, DATA.name]
    (kept / DATA.name).write_bytes(b"other weights")
    assert run("scan", PLACE, "--fetch-into", "kept", "-q").code == 2


@pytest.mark.usefixtures("digest")
def test_a_limit_holds_for_all_files(run: Run, pipeline: FakePipeline) -> None:
    done = run("scan", PLACE, "--fetch-limit", "1500B", "-q")
    assert (done.code, pipeline.calls) == (2, [])
    assert "--fetch-limit" in done.err


def test_a_project_names_addresses(run: Run, digest: str) -> None:
    Path("onnxaudit.toml").write_text(f'models = ["{PLACE}#sha256={digest}"]\n')
    assert run("scan", "--json", "r.json", "-q").code == 0
    assert read()["reports"][0]["origin"]["pinned"] is True


@pytest.mark.parametrize(
    "words",
    [
        ("profile", PLACE, "--data", "d.npz", "--trigger", "t.npz"),
        ("repair", PLACE, "--data", "d.npz", "--output", "f.onnx", "--sandbox", "bwrap"),
        ("scan", PLACE, "--sandbox", "bwrap"),
    ],
)
def test_commands_that_fetch_nothing_say_what_does(run: Run, words: tuple[str, ...]) -> None:
    done = run(*words)
    assert done.code == 2
    assert done.err.startswith(f"error: {PLACE} lies elsewhere: ")
    assert "--fetch-into" in done.err


@pytest.fixture
def stated(run: Run, digest: str) -> str:
    """A statement about the model elsewhere; its digest."""
    assert run("scan", PLACE, "--attest", str(ATTESTED), "-q").code == 0
    return digest


def test_a_statement_is_held_against_what_an_address_holds_today(run: Run, stated: str) -> None:
    words = ("--attest", str(ATTESTED), "--allow-unsigned")
    done = run("verify", PLACE, *words, "--sha256", stated)
    assert (done.code, done.out.splitlines()[0]) == (0, f"PASS  {PLACE}")
    assert f"Fetched as r1: SHA-256 {stated}, as was asked for." in done.out
    Path("elsewhere", DATA).write_bytes(bytes(1600))
    done = run("verify", PLACE, *words)
    assert (done.code, done.out.splitlines()[0]) == (3, f"INCONCLUSIVE  {PLACE}")
    done = run("verify", PLACE, *words, "--sha256", stated)
    assert (done.code, done.out) == (2, "")
    assert "has another content" in done.err


def test_a_model_elsewhere_is_repaired_into_a_file_here(run: Run, digest: str, pipeline: FakePipeline) -> None:
    report = make_repair_report()

    def answer(path: Path, _data: str, output: Path, *_: Any, **__: Any) -> Any:
        shutil.copyfile(path, output)
        scan = replace(report.scan, model=replace(report.scan.model, path=str(path), sha256=digest))
        written = digest_named(output, [DATA.name]).combined
        return replace(report, scan=scan, output=str(output), output_sha256=written)

    pipeline.answers["repair"] = answer
    shutil.copyfile(Path("elsewhere", DATA), DATA.name)  # the copy here names it too
    words = ("--data", "d.npz", "--output", "f.onnx", "--json", "r.json", "--attest", str(ATTESTED))
    done = run("repair", f"{PLACE}#sha256={digest}", *words)
    assert (done.code, done.err.splitlines()[0]) == (0, f"fetching {PLACE}")
    scan = read()["reports"][0]["scan"]
    assert (scan["model"]["path"], scan["origin"]["pinned"]) == (PLACE, True)
    assert read(str(ATTESTED))["predicate"]["onnxaudit"]["original"][0]["name"] == MODEL.name
    assert run("repair", f"{PLACE}#sha256={'0' * 64}", *words).code == 2
    assert len(pipeline.calls) == 1


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[tuple[str, list[str]]]:
    if not is_installed("huggingface_hub"):
        pytest.skip("huggingface_hub is not installed")
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    shutil.copyfile(ROOT / "models" / "signs-lenet-clean.onnx", folder / "m.onnx")
    with serve(folder) as (url, asked):
        yield url, asked


def test_a_hub_is_asked_for_one_commit_by_a_process_of_its_own(tmp_path: Path, hub: tuple[str, list[str]]) -> None:
    url, asked = hub
    place, home = f"hf://{REPOSITORY}/m.onnx", tmp_path / "home"
    home.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "onnxaudit", "inspect", place, "--json", "r.json", "--fetch-into", "kept"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "HF_ENDPOINT": url, "HOME": str(home), "HF_HUB_OFFLINE": "0"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"CAN BE SCANNED  {place}\n")
    assert {line.split("/")[4] for line in asked[1:]} == {COMMIT}
    assert [line.partition(" ")[0] for line in asked].count("GET") == 1
    assert not [path for path in home.rglob("*") if path.is_file()]
    assert [path.name for path in (tmp_path / "kept").rglob("*.onnx")] == ["m.onnx"]
