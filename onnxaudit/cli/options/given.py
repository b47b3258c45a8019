"""What was given, and what was left to the defaults."""

from typing import Any


def keep_given(**options: Any) -> dict[str, Any]:
    """The options that were given, and the flags that were set."""
    return {name: value for name, value in options.items() if value is not None and value is not False}
