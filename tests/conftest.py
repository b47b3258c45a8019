"""What holds for every test."""

from typing import Any


def pytest_make_parametrize_id(val: Any, argname: str) -> str | None:
    """Name bytes by their argument.

    An archive holds the time at which it was made, and workers that call a test by it do not agree on its name.
    """
    return argname if isinstance(val, bytes) else None
