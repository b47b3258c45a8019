"""The page of coded reasons, from `findings.reasons`."""

from onnxaudit.findings.cause import Cause
from onnxaudit.findings.reasons import CATALOG, LEFT_OUT, NOT_MEASURED, left_out, not_measured
from onnxaudit.findings.statement_reasons import STATEMENT_CATALOG
from onnxaudit.scoring.label_evidence import WEIGHED
from tools.reference.markdown import write_table

HEADING = f"""# Reasons

Whatever leaves a verdict open, or makes it less sure, stands in the report under a code: in JSON as `caveats`, each
with what was seen, its numbers and what to do; in SARIF in the properties of the result; on the page, in Markdown and
in the terminal beside its sentence. Codes are stable: what one means never changes. A
[policy](../how-to/write-a-policy.md) can decide by them what a missing verdict comes to.

What a reason does to the verdict:

- *no verdict*: the evidence means little, whatever it says;
- *never clean*: a backdoor may have been missed; one that was found stays found, and the reason is a caveat;
- *score*: nothing went wrong, the evidence alone does not decide.

`{NOT_MEASURED}` and `{LEFT_OUT}` end with the identifier of a [detector](detectors.md).
"""
STATEMENTS = """## Reasons against a statement

`onnxaudit verify` names these, for which a [statement](../how-to/sign-and-verify.md) does not let its model through. A
policy cannot soften them.
"""


def write_page() -> str:
    """The whole page in Markdown."""
    causes = (*CATALOG.values(), *map(not_measured, WEIGHED), *map(left_out, WEIGHED))
    rows = [(f"[`{cause.code}`](#{cause.code})", _start(cause.title), cause.effect) for cause in causes]
    table = write_table(("code", "what happened", "effect"), rows)
    statements = [(f"[`{code}`](#{code})", _start(cause.title)) for code, cause in STATEMENT_CATALOG.items()]
    return "\n".join(
        [
            *(HEADING, table, *map(write_cause, causes)),
            *(STATEMENTS, write_table(("code", "what happened"), statements)),
            *(write_cause(cause, "###") for cause in STATEMENT_CATALOG.values()),
        ]
    )


def write_cause(cause: Cause, heading: str = "##") -> str:
    """One entry in full."""
    return f"{heading} {cause.code}\n\n{_start(cause.title)}. {cause.meaning}\n\n{cause.advice}\n"


def _start(clause: str) -> str:
    return clause[0].upper() + clause[1:]
