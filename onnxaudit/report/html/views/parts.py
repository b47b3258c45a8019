"""Parts that several views share."""

from dataclasses import dataclass

from markupsafe import Markup

from onnxaudit.records import Rate
from onnxaudit.report.html.charts.interval import draw_interval
from onnxaudit.report.html.wording import ANSWERS, split_lead
from onnxaudit.text import format_count, format_rate


@dataclass(frozen=True)
class Answer:
    """The answer in a word and a sentence.

    Attributes:
        word: of the verdict.
        kind: "good", "bad" or "open": which accent and which sign.
        lead: one sentence.
        rest: what follows it.
    """

    word: str
    kind: str
    lead: str
    rest: str


@dataclass(frozen=True)
class Fact:
    """A figure with its name, and what explains it."""

    name: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class RateCell:
    """A rate as a table shows it: text with interval, counts, and a drawing."""

    text: str
    count: str
    drawing: Markup


def make_answer(answer: str, summary: str) -> Answer:
    """The answer under its word; what was found needs no repetition of it."""
    word, kind = ANSWERS[answer]
    return Answer(word, kind, *split_lead(summary))


def make_rate(rate: Rate | None) -> RateCell:
    """A cell; a dash where nothing was measured."""
    return RateCell(
        format_rate(rate), "" if rate is None or not rate.trials else format_count(rate), draw_interval(rate)
    )
