"""Whether onnxruntime can run a stranger's graph at all, found out where it can do no harm.

A graph of a few hundred bytes can ask for terabytes, or for a loop of 2^62 turns. So its first run is in a worker
process under hard limits of memory, processor time and wall clock; what does not come back from there is refused before
this process runs it. The worker also tells which batch sizes the graph takes: many are declared free and are not.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from onnxaudit.deadline import Deadline
from onnxaudit.errors import ModelError
from onnxaudit.intake.model import Model
from onnxaudit.runtime import shorten_failure
from onnxaudit.trial_worker import RESULT

GIB = 2**30
MEMORY = 2 * GIB  # for a single image, beside what weights take
WEIGHTS = 6  # times the file: protobuf, its copy, the session's own, and what is folded and packed
SECONDS = 20  # of processor time, for loading and small batches
WALL = 50.0  # seconds; a busy machine needs longer than processor time
PATIENCE = 600.0  # seconds, where by then not even the libraries were imported, which no model can help
LEAST = 15.0  # seconds that any model has, whatever the time budget: a busy machine needs some to begin at all
BATCHES = (1, 2, 7)


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What became of the first run.

    Attributes:
        ran: batch sizes that came back.
        failed: those that onnxruntime refused, with its words.
        peak: bytes in memory at most.
    """

    ran: tuple[int, ...]
    failed: dict[int, str]
    peak: int


def try_model(model: Model, deadline: Deadline = Deadline()) -> Model:
    """The model once it has been run, its batch fixed where it takes one size only.

    Raises:
        ModelError: it cannot be loaded or run, within limits, or needs too long.
        OutOfTimeError: the deadline came first.
    """
    trial = run_trial(model, deadline)
    batch = model.info.input.batch
    if batch is None and trial.failed and 1 in trial.ran:
        return replace(model, info=replace(model.info, input=replace(model.info.input, batch=1)))
    if not trial.ran:
        size, words = next(iter(trial.failed.items()))
        image = "a single image" if size == 1 else f"a batch of {size}"
        raise ModelError(f"{model.info.path}: onnxruntime fails on {image}: {words}")
    return model


def run_trial(model: Model, deadline: Deadline = Deadline()) -> Trial:
    """Run the model on a few made images in a worker process.

    Raises:
        ModelError: it cannot be loaded, the worker came to its limits, or it crashed.
        OutOfTimeError: the worker came to no end before the deadline.
    """
    data = model.to_working().SerializeToString()
    request = _describe(model, len(data))
    head, left = json.dumps(request).encode() + b"\n", max(LEAST, deadline.left)
    given = min(WALL, left)
    steps, code = _run(head, data, given)
    if code is None and not steps and deadline.left > WALL:  # the model was not touched: the machine is that busy
        given = min(PATIENCE, deadline.left)
        steps, code = _run(head, data, given)
    path, last = model.info.path, steps[-1] if steps else {"step": "nothing"}
    if last["step"] == "error":
        raise ModelError(f"{path}: {_explain_error(last)}")
    failed = {step["batch"]: step["error"] for step in steps if step["step"] == "failed"}
    ran = tuple(step["batch"] for step in steps if step["step"] == "ran")
    skipped = sum(step["step"] == "skipped" for step in steps)
    if len(ran) + len(failed) + skipped < len(request["batches"]):
        if code is None:
            deadline.check()
        raise ModelError(f"{path}: {_explain_stop(last, code, given)}")
    peak = max((step["peak"] for step in steps if step["step"] == "ran"), default=0)
    return Trial(ran=ran, failed={size: _say(words) for size, words in failed.items()}, peak=peak)


def _describe(model: Model, size: int) -> dict[str, Any]:
    spec, info = model.info.input, model.info
    outputs = [value.name for value in model.computed.graph.output]
    return {
        "bytes": size,
        "parent": os.getpid(),
        "memory": MEMORY + WEIGHTS * size,
        "seconds": SECONDS,
        "input": spec.name,
        "shape": spec.shape(1)[1:],
        "dtype": spec.dtype.value,
        "high": 100.0 if spec.dtype.integral else 1.0,
        "outputs": outputs if outputs else [info.output.name],
        "batches": BATCHES if spec.batch is None else (spec.batch,),
    }


def _run(head: bytes, data: bytes, seconds: float) -> tuple[list[dict[str, Any]], int | None]:
    """What the worker told, and its exit code; None where its time was up."""
    command = [sys.executable, "-P", "-m", "onnxaudit.trial_worker"]
    try:
        worker = subprocess.Popen(  # noqa: S603 - this interpreter, a module of ours
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    except OSError as error:
        raise ModelError(f"no worker process could be started to try the model in: {error}") from error
    try:
        told, _ = worker.communicate(head + data, timeout=seconds)
        return list(_read(told)), worker.returncode
    except subprocess.TimeoutExpired:
        worker.kill()
        told, _ = worker.communicate()
        return list(_read(told)), None
    except BaseException:
        worker.kill()
        worker.wait()
        raise


def _read(told: bytes) -> Iterator[dict[str, Any]]:
    for line in told.decode("utf-8", "replace").splitlines():
        if line.startswith(RESULT):
            yield json.loads(line.removeprefix(RESULT))


def _explain_error(last: dict[str, Any]) -> str:
    if last["kind"] == "MemoryError":
        return _TOO_MUCH
    return f"onnxruntime cannot load the model: {_say(last['error'])}"


_TOO_MUCH = f"onnxruntime needs more than {MEMORY // GIB} GiB for a single image; no classifier in use does, refused"


def _say(words: str) -> str:
    lowered = words.lower()
    if any(
        sign in lowered for sign in ("bad allocation", "bad_alloc", "allocat", "out of memory", "std::length_error")
    ):
        return f"{_TOO_MUCH} ({shorten_failure(words)[:120]})"
    return shorten_failure(words)


def _explain_stop(last: dict[str, Any], code: int | None, given: float) -> str:
    """Why the worker ended before its last batch.

    Args:
        last: step that it told.
        code: its exit code; None where its time was up.
        given: seconds by the clock that it had.
    """
    doing = {
        "nothing": "before it was loaded",
        "begun": "while the model was loaded",
        "loaded": "on a single image",
    }.get(last["step"], f"on a batch after that of {last.get('batch')}")
    if code is None and last["step"] == "nothing":
        return f"onnxruntime was not ready within {given:.0f} seconds, {doing}; this machine is too busy, try again"
    if code is None or -code in _SLOW:
        limit = f"{given:.0f} seconds" if code is None else f"{SECONDS} seconds of processor time"
        return f"onnxruntime came to no end {doing} within {limit}: stopped, refused"
    if code < 0:
        return f"onnxruntime crashed {doing} (signal {-code}); refused"
    return f"onnxruntime ended {doing}, perhaps for want of memory; refused"


_SLOW = (24, 9)  # SIGXCPU, and SIGKILL where the hard limit is reached
