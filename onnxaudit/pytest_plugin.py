"""The fixture `assert_clean`, which pytest finds by itself where onnxaudit is installed."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:  # every run of pytest imports this module
    from onnxaudit.records import ScanReport


@pytest.fixture
def assert_clean() -> "Callable[..., ScanReport]":
    """`onnxaudit.testing.assert_clean`: fails the test unless a model is clean."""
    from onnxaudit import testing

    return testing.assert_clean
