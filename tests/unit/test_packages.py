import gc
import sys
from pathlib import Path

import pytest

from onnxaudit.packages import load


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "watching_module.py").write_text("import gc\nCOLLECTED = gc.isenabled()\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "watching_module", raising=False)
    return "watching_module"


def test_no_garbage_is_looked_for_while_libraries_are_loaded(module: str) -> None:
    assert load(module).COLLECTED is False
    assert gc.isenabled()


def test_garbage_is_looked_for_again_where_a_library_cannot_be_loaded() -> None:
    with pytest.raises(ModuleNotFoundError):
        load("no_such_module_of_ours")
    assert gc.isenabled()


def test_who_collects_no_garbage_does_not_begin_to(module: str) -> None:
    gc.disable()
    try:
        load(module)
        assert not gc.isenabled()
    finally:
        gc.enable()
