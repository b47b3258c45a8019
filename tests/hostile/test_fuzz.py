"""Whatever a file holds: an exit code of ours, one JSON document, no traceback.

Each call is the whole command in this process, but for models that can be run: these are not tried in a worker process
first, which would take most of the time. `benchmarks/fuzz.py` tries 20,000 with all that belongs to it.
"""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from onnxaudit.cli.app import main
from onnxaudit.pipeline import first_run, opened_model
from tools.testbed.fuzz_targets import TARGETS, prepare

CODES = {0, 1, 2, 3}
CALLS = {"bytes of a model": 600, "graph of a model": 400, "report": 150, "policy": 300}
DATA_CALLS = 25  # each opens the model as well


@pytest.mark.parametrize("kind", TARGETS)
def test_no_file_ends_in_a_traceback(
    kind: str, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    target = TARGETS[kind]
    prepare(tmp_path)
    monkeypatch.setattr(first_run, "try_model", lambda made, _: made)
    monkeypatch.setattr(opened_model, "import_model", _stop)
    if target.command(tmp_path)[0] == "scan":
        monkeypatch.undo()
        monkeypatch.setattr(first_run, "try_model", lambda made, _: made)
    for seed in range(CALLS.get(kind, DATA_CALLS)):
        (tmp_path / target.name).write_bytes(target.change(random.Random(f"{kind} {seed}")))
        code = main(target.command(tmp_path))
        out, err = capfd.readouterr()
        assert code in CODES, seed
        assert "Traceback" not in err, seed
        assert "internal error" not in out + err, (seed, err)
        assert not target.document or isinstance(json.loads(out), dict), seed


def _stop(*_: Any) -> None:
    """What comes behind reading and checking a graph, in place of copying and running it."""
    from onnxaudit.errors import ModelError

    raise ModelError("far enough")
