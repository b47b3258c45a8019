"""A page for each model of a run, and one that lists them, the most dangerous first."""

import re
from dataclasses import replace

from onnxaudit.records import Gate, ScanDocument
from onnxaudit.report.html.page import render_html, render_overview
from onnxaudit.report.html.views.overview import Entry, list_entries

INDEX = "index.html"
KINDS = ("bad", "open", "good")  # of answers, the worst first
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def render_folder(document: ScanDocument) -> dict[str, str]:
    """Pages by the names of their files."""
    names = [_name(number, report.model.path) for number, report in enumerate(document.reports, start=1)]
    pages = {name: render_html(_pick(document, number)) for number, name in enumerate(names)}
    entries = list_entries(document)
    ranked = sorted(range(len(entries)), key=lambda number: _rank(document, entries, number))
    linked = [replace(entries[one], link=names[one]) if one < len(names) else entries[one] for one in ranked]
    return {INDEX: render_overview(document, tuple(linked)), **pages}


def _rank(document: ScanDocument, entries: tuple[Entry, ...], number: int) -> tuple[int, int, float]:
    """Models that the policy lets through last; within those by the answer, and by the score; failures have none."""
    entry, score = entries[number], -1.0
    if number < len(document.reports):
        score = document.reports[number].score
    passed = document.gate is not None and number < len(document.gate.decisions)
    passed = passed and document.gate is not None and document.gate.decisions[number].outcome == "pass"
    return int(passed), KINDS.index(entry.kind) if entry.kind in KINDS else 0, -score


def _pick(document: ScanDocument, number: int) -> ScanDocument:
    gate: Gate | None = document.gate
    if gate is not None:
        gate = replace(gate, decisions=(gate.decisions[number],))
    return ScanDocument((document.reports[number],), gate=gate, run=document.run)


def _name(number: int, path: str) -> str:
    stem = re.split(r"[\\/]", path)[-1].removesuffix(".onnx")
    return f"{number:04d}-{_UNSAFE.sub('_', stem)[:80]}.html"
