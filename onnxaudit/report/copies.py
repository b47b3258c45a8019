"""A file and its copies in 8-bit integers side by side: what was found of each."""

from collections.abc import Iterator
from dataclasses import dataclass

from onnxaudit.records import ScanDocument, ScanReport, Verdict, name_original
from onnxaudit.text import name_label

HEADINGS = ("scanned", "verdict", "score", "target class")
FILE = "the file"
GUILTY = (Verdict.BACKDOORED, Verdict.REJECTED)


@dataclass(frozen=True, kw_only=True)
class CopyTable:
    """One file and its copies.

    Attributes:
        name: of the file.
        rows: what was scanned, verdict, score and target classes of each, in words; "error" where there is no report.
        remark: what it means that they differ; empty where they do not.
    """

    name: str
    rows: tuple[tuple[str, str, str, str], ...]
    remark: str


def compare_copies(document: ScanDocument) -> tuple[CopyTable, ...]:
    """One table for each file of which copies were scanned too; none where one stands alone."""
    names = [report.model.path for report in document.reports] + [failure.path for failure in document.failures]
    originals = dict.fromkeys(name_original(name) for name in names if name_original(name) != name)
    tables = (_compare(document, original) for original in originals)
    return tuple(table for table in tables if len(table.rows) > 1)


def _compare(document: ScanDocument, original: str) -> CopyTable:
    reports = [report for report in document.reports if name_original(report.model.path) == original]
    failures = [failure for failure in document.failures if name_original(failure.path) == original]
    rows = [(_name(one.model.path), one.verdict.value, f"{one.score:.2f}", _name_targets(one)) for one in reports]
    rows += [(_name(failure.path), "error", "–", "–") for failure in failures]
    return CopyTable(name=original, rows=tuple(rows), remark=" ".join(_remark(reports)))


def _name(path: str) -> str:
    """`the file`, or `int8, static`."""
    return path.removeprefix(name_original(path)).strip(" ()") or FILE


def _name_targets(report: ScanReport) -> str:
    return ", ".join(name_label(label, report.class_names) for label in report.target_labels) or "–"


def _remark(reports: list[ScanReport]) -> Iterator[str]:
    """A backdoor that rounding wakes, or puts to sleep."""
    # By their names, which are given here: what else a report says is a worker's word.
    files = [one for one in reports if _name(one.model.path) == FILE]
    guilty = [_name(one.model.path) for one in reports if one not in files and one.verdict in GUILTY]
    if files and files[0].verdict not in GUILTY and guilty:
        yield (
            f"Only in 8-bit integers ({'; '.join(guilty)}) is this model not what it seems: in floats the backdoor is "
            "asleep, and rounding wakes it. Do not deploy it quantized, and do not trust the file."
        )
    if files and files[0].verdict in GUILTY and any(one.verdict is Verdict.CLEAN for one in reports):
        yield "A copy that is called clean is made of a file that is not: do not use either."
