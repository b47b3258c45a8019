"""The page of exit codes and variables, from `cli.exits` and the policy's keys."""

from onnxaudit.cli.exits import BACKDOORED, CLEAN, CODE_OF_DECISION, ERROR, INCONCLUSIVE, INTERRUPTED, WORST_FIRST
from onnxaudit.gate.layers import CACHE, ONLY_IN_FILES, PREFIX
from onnxaudit.gate.policy import KEYS
from onnxaudit.telemetry import SWITCHES
from tools.reference.markdown import write_code, write_table

MEANINGS = {
    CLEAN: "clean, repaired, nothing to repair, cleared by a statement; or a command without a verdict did its work",
    BACKDOORED: "backdoored; of a repair: a limit was missed (no file is written, but with `--allow-incomplete`)",
    ERROR: "one line on stderr says what, where and what to do; no verdict follows from it",
    INCONCLUSIVE: "no verdict, or a statement that does not clear the model: treat it as unchecked",
    INTERRUPTED: "interrupted from the keyboard",
}


def write_page() -> str:
    """The whole page in Markdown."""
    codes = write_table(("exit code", "meaning"), [(write_code(code), text) for code, text in MEANINGS.items()])
    decisions = ", ".join(f"{write_code(name)} is {code}" for name, code in CODE_OF_DECISION.items())
    worst = ", ".join(str(code) for code in WORST_FIRST)
    names = [PREFIX + key.upper() for key in KEYS if key not in ONLY_IN_FILES]
    rows = [(write_code(name), f"[`{name.removeprefix(PREFIX).lower()}`](policy.md)") for name in names]
    switches = ", ".join(map(write_code, SWITCHES))
    return f"""# Exit codes and variables

## Exit codes

{codes}
With several models the worst counts, in the order {worst}. The [policy](policy.md) decides what a report comes to: of
its decisions ([`gate`](report.md#gate) in the JSON report) {decisions}. The verdict in the report stays what it is.

## Variables

Each sets one key of the policy, and goes before policy files. Another name that begins with `{PREFIX}`, but `{CACHE}`,
is an error: a misspelled demand would be none.

{write_table(("variable", "key"), rows)}
`{CACHE}` names the folder, or the [store](../how-to/scan-many-models.md#a-cache-for-several-machines), in which results
are [kept from run to run](../how-to/scan-many-models.md#what-is-kept), or says `off`; else it is `onnxaudit` in
`XDG_CACHE_HOME`, or in `~/.cache`.

`TMPDIR` names where the worker process gets its empty folder; `LD_LIBRARY_PATH`, whose folders it may read.
`NO_COLOR` takes the colors out of a terminal's text. Text that goes to no terminal is 100 columns wide, whatever
`COLUMNS` says. The variables by which libraries are told to report nothing to their makers ({switches})
are set in every process. `OMP_WAIT_POLICY` is set to `PASSIVE` unless it is
set: threads that spin while they wait for each other make a scan on busy cores take many times as long.

Models that lie elsewhere are fetched by the packages of those places, which read variables of their own:
`HF_ENDPOINT` and `HF_TOKEN`, `MLFLOW_TRACKING_URI` and `MLFLOW_REGISTRY_URI`, `AWS_ENDPOINT_URL`, `AWS_PROFILE`
and others of AWS.
"""
