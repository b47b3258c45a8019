"""How notebooks show a record: as whatever knows how to draw has left word of (`onnxaudit.report` does)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_draw: list[Callable[[Any], str]] = []
_plot: list[Callable[[Any, Any], str]] = []


def draw_by(draw: Callable[[Any], str], plot: Callable[[Any, Any], str]) -> None:
    """Have records shown in notebooks by what makes HTML of them, and triggers by what makes SVG of them."""
    _draw[:], _plot[:] = [draw], [plot]


@dataclass(frozen=True)
class Drawing:
    """A picture that notebooks show; `svg` is its whole text."""

    svg: str

    def _repr_svg_(self) -> str:
        return self.svg


def plot(record: Any, image: Any) -> Drawing:
    """The picture of a record, on an image where one is given.

    Raises:
        RuntimeError: nothing that draws is loaded.
    """
    if not _plot:
        raise RuntimeError("nothing that draws is loaded; import onnxaudit.report first")
    return Drawing(_plot[0](record, image))


class ShownInNotebooks:
    """What IPython shows as HTML; as text while nothing that draws is loaded."""

    def _repr_html_(self) -> str | None:
        return _draw[0](self) if _draw else None
