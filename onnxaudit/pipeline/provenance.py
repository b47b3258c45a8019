"""What a report says of how it was made."""

from dataclasses import asdict, is_dataclass
from typing import Any


def describe_config(config: Any) -> dict[str, Any]:
    """A config dataclass, nested ones included, as plain values."""
    assert is_dataclass(config)
    assert not isinstance(config, type)
    return asdict(config)
