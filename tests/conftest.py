"""What holds for every test."""

import os
from typing import Any

os.environ["ONNXAUDIT_CACHE"] = "off"  # no test may be answered by the scan of another; commands inherit it


def pytest_make_parametrize_id(val: Any, argname: str) -> str | None:
    """Name bytes by their argument.

    An archive holds the time at which it was made, and workers that call a test by it do not agree on its name.
    """
    return argname if isinstance(val, bytes) else None
