"""When a run was, how much work it did, by which policy, and the one line that does it again."""

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from onnxaudit.records import Gate, RunInfo
from onnxaudit.report.html.settings import find_setting
from onnxaudit.report.html.views.parts import Fact
from onnxaudit.report.html.views.scan import Provenance

DIGITS_SHOWN = 16  # of a hash
ON_THE_LINE = ("default", "command line", "policy ")  # beginnings of origins that the command itself names


def tell_run(made: Provenance, config: Mapping[str, Any], run: RunInfo | None, gate: Gate | None) -> Provenance:
    """The same with what only the run itself knows; a report from Python, or of 0.1, has none of that."""
    facts = (*_list_facts(config, run, gate), *made.facts)
    if run is None:
        return replace(made, facts=facts)
    line = shlex.join(["onnxaudit", *run.arguments])
    return replace(made, facts=facts, command=(line,), gaps=tuple(_list_gaps(gate)))


def _list_facts(config: Mapping[str, Any], run: RunInfo | None, gate: Gate | None) -> Iterator[Fact]:
    if run is not None:
        yield Fact("Date", run.started)
    effort = find_setting(config, "detection", "effort") or find_setting(config, "scan", "detection", "effort")
    if effort is not None:
        yield Fact("Effort", str(effort))
    if gate is not None:
        origins = dict.fromkeys(one.origin for one in gate.settings if one.origin != "default")
        yield Fact("Policy", ", ".join(origins) or "all defaults", f"SHA-256 {gate.policy_sha256[:DIGITS_SHOWN]}…")


def _list_gaps(gate: Gate | None) -> Iterator[str]:
    settings = () if gate is None else gate.settings
    elsewhere = dict.fromkeys(one.origin for one in settings if not one.origin.startswith(ON_THE_LINE))
    if elsewhere:
        yield f"The policy came from {', '.join(elsewhere)} too."
