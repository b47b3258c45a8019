"""How notebooks show a record: as whatever knows how to draw has left word of (`onnxaudit.report` does)."""

from collections.abc import Callable
from typing import Any

_draw: list[Callable[[Any], str]] = []


def draw_by(draw: Callable[[Any], str]) -> None:
    """Have records shown in notebooks by what makes HTML of them."""
    _draw[:] = [draw]


class ShownInNotebooks:
    """What IPython shows as HTML; as text while nothing that draws is loaded."""

    def _repr_html_(self) -> str | None:
        return _draw[0](self) if _draw else None
