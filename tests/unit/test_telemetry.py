"""Nothing is reported to anybody: no file of a library appears in a user's folder, and no connection is opened."""

import os
import subprocess
import sys
from pathlib import Path

from onnxaudit.telemetry import SWITCHES
from tools.testbed.planted import write_planted, write_samples

WATCHED = """
import os, sys
opened = []
sys.addaudithook(lambda event, _: opened.append(event) if event.startswith("socket.") else None)
import onnxaudit
from tests.unit.pipeline.conftest import BRIEF_SCAN
report = onnxaudit.scan(sys.argv[1], sys.argv[2], BRIEF_SCAN, device="cpu")
assert report.labels
held = [f"/proc/self/fd/{one}" for one in os.listdir("/proc/self/fd")]
links = [os.readlink(one) for one in held if os.path.lexists(one)]
print([event for event in opened if event != "socket.__new__"], [link for link in links if link.startswith("socket:")])
"""


def run(code: str, home: Path, *arguments: str) -> str:
    names = ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", *SWITCHES)
    kept = {name: value for name, value in os.environ.items() if name not in names}
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env={**kept, "HOME": str(home), "OMP_NUM_THREADS": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_onnxruntime_through_the_package_leaves_no_file(tmp_path: Path) -> None:
    told = run("import os, onnxaudit.runtime; print(os.environ['ORT_DISABLE_TELEMETRY'])", tmp_path)
    assert told.strip() == "1"
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_whole_scan_leaves_no_file_and_opens_no_connection(tmp_path: Path) -> None:
    home, files = tmp_path / "home", tmp_path / "files"
    home.mkdir()
    files.mkdir()
    told = run(WATCHED, home, str(write_planted(files, backdoored=False)), str(write_samples(files)))
    assert told.splitlines()[-1] == "[] []"
    assert not [path for path in home.rglob("*") if path.is_file()]
