"""Tables on a console of any width: a column is shown whole or not at all, so that no figure ever loses a digit."""

from dataclasses import dataclass, field
from typing import Literal

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from onnxaudit.text import join_words, show_plainly

LEAST = {"name": 12, "prose": 14}  # characters that such a column needs
GAP = 3  # characters between columns: two of padding, and the border that the box leaves blank


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        heading: its name.
        rank: 0 stays; of the others the highest is left out first where a console is too narrow.
        kind: "whole" is never cut; a "name" may be cut short (a stranger's, folded, could begin a line with a
            verdict); "prose" may break its lines.
    """

    heading: str
    rank: int = 0
    kind: Literal["whole", "name", "prose"] = "whole"


@dataclass(frozen=True)
class Table:
    """Columns and the rows below them."""

    columns: tuple[Column, ...]
    rows: list[tuple[Text, ...]] = field(default_factory=list)

    def add_row(self, *cells: str | Text) -> None:
        """A row whose strings are never read as markup, nor acted on by a terminal."""
        self.rows.append(tuple(cell if isinstance(cell, Text) else Text(show_plainly(cell)) for cell in cells))

    def measure(self, place: int) -> int:
        """Characters of the widest cell of a column, its heading included."""
        return max(cell_len(text) for text in (self.columns[place].heading, *(row[place].plain for row in self.rows)))


def print_table(console: Console, table: Table) -> None:
    """The columns that fit, by importance, and which do not."""
    widths = _fit(table, console.width)
    shown = RichTable(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for place, width in widths.items():
        column = table.columns[place]
        overflow: Literal["ellipsis", "fold"] = "ellipsis" if column.kind == "name" else "fold"
        shown.add_column(column.heading, overflow=overflow, no_wrap=column.kind == "name", width=width)
    for row in table.rows:
        shown.add_row(*(row[place] for place in widths))
    console.print(shown)
    left_out = [column.heading for place, column in enumerate(table.columns) if place not in widths and column.heading]
    if left_out:
        columns = "column" if len(left_out) == 1 else "columns"
        told = f"the terminal is too narrow for the {columns} {join_words(left_out)}"
        console.print(Text(told, "dim"))


def _fit(table: Table, width: int) -> dict[int, int]:
    """The width of each column that is shown, by its place."""
    places = list(range(len(table.columns)))
    wanted = {place: table.measure(place) for place in places}
    least = {place: min(wanted[place], LEAST.get(table.columns[place].kind, wanted[place])) for place in places}
    while sum(least[place] for place in places) + GAP * (len(places) - 1) > width:
        last = max(places, key=lambda place: table.columns[place].rank)
        if table.columns[last].rank == 0:
            break
        places.remove(last)
    spare = max(0, width - GAP * (len(places) - 1) - sum(least[place] for place in places))
    found = {}
    for place in places:
        found[place] = least[place] + min(spare, wanted[place] - least[place])
        spare -= found[place] - least[place]
    return found
