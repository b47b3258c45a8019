"""A file and its copies in 8-bit integers, side by side at a terminal."""

from rich.console import Console

from onnxaudit.records import ScanDocument
from onnxaudit.report.copies import HEADINGS, CopyTable, compare_copies
from onnxaudit.report.terminal.lines import print_line, print_summary
from onnxaudit.report.terminal.tables import Column, Table, print_table


def render_copies(document: ScanDocument, console: Console) -> None:
    """A table for each file of which copies were scanned too."""
    for compared in compare_copies(document):
        _render(compared, console)


def _render(compared: CopyTable, console: Console) -> None:
    """What was found of each, and what it means that they differ."""
    print_line(console, ("COPIES", "bold"), f"  {compared.name}")
    first, *others, last = HEADINGS
    table = Table((Column(first), *(Column(heading) for heading in others), Column(last, rank=1, kind="name")))
    for row in compared.rows:
        table.add_row(*row)
    print_table(console, table)
    if compared.remark:
        print_summary(console, compared.remark)
