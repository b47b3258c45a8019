import inspect

import pytest

import onnxaudit
from onnxaudit.errors import UsageError
from onnxaudit.pipeline import ScanConfig
from onnxaudit.pipeline.old_names import accept_old_names
from onnxaudit.pipeline.settings import choose_config


@accept_old_names(label="target")
def repair(target: int | None = None) -> int | None:
    return target


def test_an_old_name_works_with_a_warning() -> None:
    with pytest.warns(DeprecationWarning, match=r"label is now called target; the old name goes in 0\.2"):
        assert repair(label=3) == 3  # type: ignore[call-arg]


def test_both_names_at_once_are_refused() -> None:
    with pytest.raises(TypeError, match="give target alone"):
        repair(target=3, label=3)  # type: ignore[call-arg]


def test_the_signature_knows_the_new_name_alone() -> None:
    assert "target" in inspect.signature(onnxaudit.repair).parameters
    assert "label" not in inspect.signature(onnxaudit.repair).parameters


def test_an_effort_names_settings() -> None:
    assert choose_config(None, None) == choose_config(None, "standard") == ScanConfig()
    assert choose_config(None, "deep") != ScanConfig()
    with pytest.raises(UsageError, match="one of them"):
        choose_config(ScanConfig(), "deep")
