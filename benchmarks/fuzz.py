"""Random changes of models, samples, pictures, tables, reports and policies, each through the whole command.

    python -m benchmarks.fuzz [--calls 20000] [--first 0] [--json rows.json]

Each call runs in a fork of this process, under a limit of memory, so that a signal is seen as what it is. A call is
wrong that ends in a signal, in an exit code other than 0, 1, 2, 3 and 130, in a traceback or an error of ours that
nobody thought of, or without one JSON document where it should give one. Wrong calls are named by kind and seed, from
which `tools/testbed/fuzz_targets.py` makes the file again. What `--json` names is written every hundred calls and gone
on from.
"""

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

CODES = {0, 1, 2, 3, 130}
SECONDS = 60
MEMORY = 6 * 2**30
SAVED_EVERY = 100


def main() -> int:
    """The exit code: 1 where a call was wrong."""
    options = _read_options()
    rows = json.loads(options.json.read_text()) if options.json and options.json.exists() else []
    _warm()
    start, done = time.monotonic(), len(rows)
    for number in range(options.first + done, options.first + options.calls):
        rows.append(try_one(number))
        if options.json and len(rows) % SAVED_EVERY == 0:
            options.json.write_text(json.dumps(rows))
    if options.json:
        options.json.write_text(json.dumps(rows))
    print_table(rows)
    print(f"{len(rows) - done} calls in {time.monotonic() - start:.0f} s")
    return int(any(row["wrong"] for row in rows))


def try_one(number: int) -> dict[str, Any]:
    """One changed file through its command."""
    from tools.testbed.fuzz_targets import TARGETS, prepare

    kind = list(TARGETS)[number % len(TARGETS)]
    target = TARGETS[kind]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder)
        (folder / target.name).write_bytes(target.change(random.Random(f"{kind} {number}")))  # noqa: S311
        code, out, err = run(target.command(folder))
    return {"number": number, "kind": kind, "code": code, "wrong": find_fault(code, out, err, document=target.document)}


def find_fault(code: int, out: str, err: str, *, document: bool) -> str:
    """What is wrong with the end of a call; "" where nothing is."""
    if code < 0:
        return f"signal {-code}"
    if code not in CODES:
        return f"exit code {code}"
    for sign in ("Traceback", "internal error"):
        if sign in out + err:
            return err.strip().splitlines()[-1][:200] if err.strip() else sign
    if document:
        try:
            json.loads(out)
        except ValueError:
            return "no JSON document"
    return ""


def run(arguments: list[str]) -> tuple[int, str, str]:
    """Exit code (minus the signal), stdout and stderr of a command in a fork of this process."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = os.fork()
        if child == 0:
            _work(arguments, out.fileno(), err.fileno())
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        out.seek(0)
        err.seek(0)
        return code, out.read().decode("utf-8", "replace"), err.read().decode("utf-8", "replace")


def _work(arguments: list[str], out: int, err: int) -> None:
    import resource

    from onnxaudit.cli.app import main as command

    os.setsid()
    os.dup2(out, 1)
    os.dup2(err, 2)
    sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", closefd=False)  # noqa: SIM115
    signal.alarm(SECONDS)
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    code = 99
    try:
        code = command(arguments)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _warm() -> None:
    """Import what every call needs, once; and try models in forks, not in fresh interpreters."""
    import onnxaudit.report.formats  # noqa: F401
    from onnxaudit import trial
    from tools.testbed.forked_trials import SECONDS as TRIAL_SECONDS
    from tools.testbed.forked_trials import run_forked

    trial._run, trial.SECONDS = run_forked, TRIAL_SECONDS


def print_table(rows: list[dict[str, Any]]) -> None:
    """Calls by kind and exit code, and what was wrong."""
    for kind in dict.fromkeys(row["kind"] for row in rows):
        of_kind = [row for row in rows if row["kind"] == kind]
        codes = Counter(row["code"] for row in of_kind)
        shown = "  ".join(f"exit {code}: {count}" for code, count in sorted(codes.items()))
        wrong = sum(bool(row["wrong"]) for row in of_kind)
        print(f"{kind:<20} {len(of_kind):>6} calls  wrong: {wrong}  {shown}")
    for row in [row for row in rows if row["wrong"]][:20]:
        print(f"wrong: {row['kind']}, seed {row['number']}: {row['wrong']}")


def _read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--calls", type=int, default=20_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
