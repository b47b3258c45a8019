"""The page of detectors, from the registry."""

import dataclasses
from typing import Any

from onnxaudit.detectors.base import STAGES, Detector
from onnxaudit.detectors.registry import GROUP, STANDARD, choose
from onnxaudit.scoring.label_evidence import WEIGHED
from tools.reference.api import write_default
from tools.reference.docstrings import read_docstring
from tools.reference.markdown import start_sentence, write_code, write_table

HEADING = f"""# Detectors

A detector measures, for each class, how near it is to what the target class of a backdoor looks like; the report says
how many times closer than is normal for the model that is. What it comes to is decided
[elsewhere](../explanation/how-it-decides.md), from the evidence of the detectors that the score weighs; that of the
others is told and decides nothing. Detectors of other packages are entry points of the group `{GROUP}`, and run where
`--detectors` or a [policy](policy.md) names them; `{STANDARD}` stands for all of these:
"""


def write_page() -> str:
    """The whole page in Markdown: a table, the stages, and each detector with its settings."""
    kinds = choose()
    rows = [
        (
            f"[`{kind.id}`](#{kind.id})",
            start_sentence(kind.explanation),
            kind.stage,
            "yes" if kind.id in WEIGHED else "no",
        )
        for kind in kinds
    ]
    table = write_table(("detector", "what it measures", "stage", "weighed"), rows)
    stages = write_table(("stage", "what is measured"), [(name, start_sentence(said)) for name, said in STAGES.items()])
    return "\n".join([HEADING, table, "Stages run in this order:\n", stages, *map(write_detector, kinds)])


def write_detector(kind: type[Detector]) -> str:
    """A detector: what it measures, its rule, and its settings."""
    parts = [f"## {kind.id}\n", f"{kind.title}: {kind.explanation[0].lower()}{kind.explanation[1:]}.\n"]
    if kind.requires:
        parts.append(f"It reads the evidence of {', '.join(map(write_code, kind.requires))}, which then runs too.\n")
    if kind.rule:
        parts.append(f"A class that it alone singles out is reported under [{kind.rule}](rules.md).\n")
    make: Any = kind
    return "\n".join([*parts, _write_settings(make().config)])


def _write_settings(config: Any) -> str:
    said: dict[str, str] = {}
    for parent in reversed(type(config).__mro__):
        said |= read_docstring(parent.__doc__ or "").describe("Attributes") if dataclasses.is_dataclass(parent) else {}
    rows = [
        (write_code(one.name), write_default(one), start_sentence(said.get(one.name, "")))
        for one in dataclasses.fields(config)
    ]
    return f"Settings ({write_code(type(config).__name__)}):\n\n{write_table(('field', 'default', 'meaning'), rows)}"
