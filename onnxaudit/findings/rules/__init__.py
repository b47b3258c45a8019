"""The rules: one for each kind of finding.

Identifiers are stable: what a number means never changes, and a number that is no longer used is not given again.
1xx: a backdoor; 2xx: no verdict; 3xx: a repair that is not complete; 4xx: a file that works
against its audit.
"""

from onnxaudit.errors import UsageError
from onnxaudit.findings.rules.backdoors import (
    ALL_TO_ALL,
    INNER_SHIFT,
    PHOTOMETRIC,
    SOURCE_SPECIFIC,
    TRIGGER,
    WARP,
    WHOLE_IMAGE,
)
from onnxaudit.findings.rules.files import (
    AMBIGUOUS,
    BATCH_DEPENDENT,
    DORMANT_GATE,
    OTHER_ANSWERS,
    READS_ELSEWHERE,
)
from onnxaudit.findings.rules.open_questions import SUSPICION, SYNTHETIC, UNDECIDED, UNFINISHED
from onnxaudit.findings.rules.repairs import REPAIR_INCOMPLETE, REPAIR_REMEMBERED, REPAIR_STILL_BACKDOORED
from onnxaudit.findings.rules.rule import Rule, SarifKind

__all__ = [
    "ALL_TO_ALL",
    "AMBIGUOUS",
    "BATCH_DEPENDENT",
    "DORMANT_GATE",
    "INNER_SHIFT",
    "OLD_NAMES",
    "OTHER_ANSWERS",
    "PHOTOMETRIC",
    "READS_ELSEWHERE",
    "REPAIR_INCOMPLETE",
    "REPAIR_REMEMBERED",
    "REPAIR_STILL_BACKDOORED",
    "RULES",
    "SOURCE_SPECIFIC",
    "SUSPICION",
    "SYNTHETIC",
    "TRIGGER",
    "UNDECIDED",
    "UNFINISHED",
    "WARP",
    "WHOLE_IMAGE",
    "Rule",
    "SarifKind",
    "explain_rule",
    "find_rule",
    "is_waivable",
    "list_rules",
]

RULES: tuple[Rule, ...] = (
    *(TRIGGER, ALL_TO_ALL, WHOLE_IMAGE, INNER_SHIFT, WARP, PHOTOMETRIC, SOURCE_SPECIFIC),
    *(UNFINISHED, SYNTHETIC, SUSPICION, UNDECIDED),
    *(REPAIR_INCOMPLETE, REPAIR_STILL_BACKDOORED, REPAIR_REMEMBERED),
    *(OTHER_ANSWERS, BATCH_DEPENDENT, AMBIGUOUS, DORMANT_GATE, READS_ELSEWHERE),
)
OLD_NAMES = {"OA103": "whole-image-change", "OA104": "inner-shift"}  # of before 0.1


def find_rule(text: str) -> Rule:
    """The rule with that identifier or name, in any case.

    Raises:
        UsageError: there is none.
    """
    for rule in RULES:
        if text.casefold() in (rule.id.casefold(), rule.name, OLD_NAMES.get(rule.id)):
            return rule
    raise UsageError(f"there is no rule {text}; `onnxaudit rules` lists them")


def is_waivable(identifier: str) -> bool:
    """Whether a waiver may speak of findings under this rule; of a rule that nobody knows here none may."""
    return any(rule.id == identifier and rule.waivable for rule in RULES)


def list_rules() -> str:
    """One line a rule, for people."""
    width = max(len(rule.name) for rule in RULES)
    return "".join(f"{rule.id}  {rule.name:<{width}}  {rule.short}\n" for rule in RULES)


def explain_rule(rule: Rule) -> str:
    """Everything about a rule, for people."""
    sections = "".join(f"\n{heading}\n  {text}\n" for heading, text in rule.sections.items())
    return f"{rule.id} {rule.name}\n{rule.short}.\n{sections}"
