"""Single settings out of a report's record of all settings, whose form only the code that wrote it knows."""

import math
from collections.abc import Mapping
from typing import Any


def find_setting(config: Mapping[str, Any], *names: str) -> Any:
    """What stands under a path of names; None where nothing does."""
    found: Any = config
    for name in names:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def find_number(config: Mapping[str, Any], *names: str) -> float | None:
    """The finite number under a path of names, or None."""
    found = find_setting(config, *names)
    is_number = isinstance(found, int | float) and not isinstance(found, bool) and math.isfinite(found)
    return float(found) if is_number else None
