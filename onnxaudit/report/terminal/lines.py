"""Lines and tables on a console, of texts that strangers wrote."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from rich.console import Console
from rich.text import Text

from onnxaudit.findings.caveats import Ground
from onnxaudit.findings.finding import Finding
from onnxaudit.text import show_plainly

Detail = Literal["brief", "usual", "full"]  # the answer alone; the story; everything
FIELD_WIDTH = 14  # characters
FINDINGS_SHOWN = 8
TOGETHER = re.compile(r"(?<=\d) (?=%)|(?<=\bp) (?==)|(?<=\bp =) (?=\d)")  # spaces at which no line is folded
HELD = "\ue000"  # stands for such a space meanwhile; strangers' ones have been escaped
DIGITS_SHOWN = 16  # of a fingerprint: enough for `onnxaudit policy waive`


def print_field(console: Console, name: str, value: str) -> None:
    """A named value in the story's left-hand column."""
    _print_folded(console, Text(f"{name:<{FIELD_WIDTH}}", "dim"), Text(show_plainly(value)), FIELD_WIDTH)


def print_line(console: Console, *parts: str | tuple[str, str], indent: int = 2) -> None:
    """One line of parts, each a string or (string, style); what they hold is never read as markup.

    Where it is folded, the rest is indented: no stranger's name can begin a line with a verdict.
    """
    line = Text()
    for part in parts:
        text, style = (part, "") if isinstance(part, str) else part
        line.append(show_plainly(text), style)
    _print_folded(console, Text(), line, indent)


def _print_folded(console: Console, head: Text, line: Text, indent: int) -> None:
    """A line behind a head, in as many as it takes; a figure and its unit stay on one."""
    line.plain = TOGETHER.sub(HELD, line.plain)
    folded = line.wrap(console, max(1, console.width - indent))
    for part in folded:
        part.plain = part.plain.replace(HELD, " ")
    console.print(head + Text("\n" + indent * " ").join(folded))


def print_grounds(console: Console, grounds: Sequence[Ground]) -> None:
    """One a line, each with its code."""
    for ground in grounds:
        print_line(console, "· ", ground.sentence, (f" [{ground.code}]" if ground.code else "", "dim"))


def print_summary(console: Console, summary: str) -> None:
    """What was found, what it means, what to do."""
    console.print()
    print_line(console, summary)
    console.print()


def print_findings(console: Console, findings: Sequence[Finding]) -> None:
    """Under which rules: what each means is one command away."""
    for finding in findings[:FINDINGS_SHOWN]:
        place = f", {finding.place}" if finding.place else ""
        known_by = f", fingerprint {finding.fingerprint[:DIGITS_SHOWN]}" if finding.rule.waivable else ""
        print_line(console, (f"{finding.rule.id} {finding.rule.name}{place}{known_by}", "dim"))
    if findings:
        print_line(console, (f"`onnxaudit rules {findings[0].rule.id}` says what that means and what to do", "dim"))


def print_settings(console: Console, versions: Mapping[str, str], config: Mapping[str, Any]) -> None:
    """Versions, and every setting in force by its place in the configs."""
    print_field(console, "versions", ", ".join(f"{name} {value}" for name, value in versions.items()))
    for name, value in _flatten(config):
        print_field(console, "setting", f"{name} = {value}")


def _flatten(config: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in config.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def print_rest(console: Console, count: int, what: str) -> None:
    """How many more there are, if any."""
    if count > 0:
        print_line(console, (f"… and {count} more {what}; `-v` shows all, so does the JSON report", "dim"))
