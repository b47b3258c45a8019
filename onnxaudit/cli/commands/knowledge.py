"""`schema` and `rules`: what reports are made of."""

import typer

from onnxaudit.cli import options as opt
from onnxaudit.cli.exits import CLEAN


def schema(context: typer.Context) -> int:
    """Print the JSON Schema of all reports."""
    from onnxaudit.report.json import schema_to_json

    context.obj.stdout.write(schema_to_json())
    return CLEAN


def rules(context: typer.Context, rule: opt.Rule = None) -> int:
    """List the kinds of findings, or explain one, or the code of a reason: what was seen, what it means, what to do."""
    from onnxaudit.findings.reasons import explain_reason, find_cause
    from onnxaudit.findings.rules import explain_rule, find_rule, list_rules

    cause = None if rule is None else find_cause(rule)
    if cause is not None:
        context.obj.stdout.write(explain_reason(cause))
    else:
        context.obj.stdout.write(list_rules() if rule is None else explain_rule(find_rule(rule)))
    return CLEAN
