"""What was given, under which name, and what was left to the defaults."""

from typing import Any, TypeVar

from onnxaudit.cli.exits import report_notice
from onnxaudit.errors import UsageError

Value = TypeVar("Value")


def keep_given(**options: Any) -> dict[str, Any]:
    """The options that were given, and the flags that were set."""
    return {name: value for name, value in options.items() if value is not None and value is not False}


def choose_name(name: str, value: Value | None, old_name: str, old_value: Value | None) -> Value | None:
    """The value of an option that has a new name; one line on stderr where the old name was used.

    Raises:
        UsageError: both names were given.
    """
    if old_value is None:
        return value
    if value is not None:
        raise UsageError(f"{old_name} is the old name of {name}; give {name} alone")
    report_notice(f"{old_name} is now called {name}; the old name goes in 0.2")
    return old_value
