"""The page of rules, from `findings.rules`."""

from onnxaudit.findings.rules import RULES, Rule
from tools.reference.markdown import write_table

HEADING = """# Rules

Each finding of a scan or a repair stands under a rule. Identifiers are stable: what a number means never changes, and a
number that is no longer used is not given again. 1xx is a backdoor, 2xx no verdict, 3xx a repair that is not complete.
`onnxaudit rules OA101` tells the same in a terminal; SARIF carries these texts as each rule's help.
"""
KINDS = {"fail": "a finding", "open": "a question left open"}


def write_page() -> str:
    """The whole page in Markdown."""
    rows = [
        (f"[{rule.id}](#{rule.id.lower()}-{rule.name})", rule.short, KINDS[rule.kind], f"{rule.severity:g}")
        for rule in RULES
    ]
    table = write_table(("rule", "says", "kind", "severity in SARIF"), rows)
    return "\n".join([HEADING, table, *map(write_rule, RULES)])


def write_rule(rule: Rule) -> str:
    """One rule in full."""
    waivable = "can" if rule.waivable else "cannot"
    sections = [f"**{heading}**\n\n{text}\n" for heading, text in rule.sections.items()]
    head = f"## {rule.id} {rule.name}\n\n{rule.short}. It {waivable} be [waived](policy.md#waivers).\n"
    return "\n".join([head, *sections])
