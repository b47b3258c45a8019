"""What a policy made of a run, for people at a terminal."""

from rich.console import Console

from onnxaudit.findings.finding import describe_waiver
from onnxaudit.records import Gate, WaiverUse
from onnxaudit.report.terminal.lines import Detail, print_field, print_line
from onnxaudit.text import format_setting

DIGITS_SHOWN = 16  # of a hash


def render_gate(gate: Gate, console: Console, detail: Detail = "usual") -> None:
    """The policy, what it changed and why, and every waiver; softeners however little is to be told."""
    for softener in gate.softeners:
        print_line(console, ("SOFTENED", "bold yellow"), f"  {softener}")
    if detail == "brief":
        return
    print_field(console, "policy", f"sha256 {gate.policy_sha256[:DIGITS_SHOWN]}…, {_name_origins(gate)}")
    for decision in gate.decisions:
        if decision.reasons:
            print_field(console, "outcome", f"{decision.outcome}: {' '.join(decision.reasons)}")
        if detail == "full":
            for fingerprint in decision.fingerprints:
                print_field(console, "fingerprint", fingerprint)
    for use in gate.waivers:
        print_field(console, "waiver", _describe_waiver(use))
    if detail == "full":
        for setting in gate.settings:
            locked = "" if setting.locked is None else f", locked by {setting.locked}"
            print_field(console, "key", f"{setting.key} = {format_setting(setting.value)}  ({setting.origin}{locked})")


def _name_origins(gate: Gate) -> str:
    origins = dict.fromkeys(setting.origin for setting in gate.settings if setting.origin != "default")
    return f"from {', '.join(origins)}" if origins else "all defaults"


def _describe_waiver(use: WaiverUse) -> str:
    waiver = use.waiver
    return (
        f"{use.state}: {waiver.fingerprint[:DIGITS_SHOWN]}… of model {waiver.model_sha256[:DIGITS_SHOWN]}…, "
        f"{describe_waiver(waiver)}"
    )
