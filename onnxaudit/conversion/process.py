"""The framework's own process, from the request to an ONNX file that computes the same."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from onnxaudit.conversion.order import Order
from onnxaudit.conversion.parity import Parity, measure_parity
from onnxaudit.errors import MissingPackageError, ModelError
from onnxaudit.text import show_plainly

MAIN = Path(__file__).parent / "programs" / "main.py"
LONGEST_WORDS = 400


@dataclass(frozen=True, kw_only=True, eq=False)
class Converted:
    """An ONNX file's bytes, the packages that made it, and how far it computes the same."""

    model: bytes
    packages: dict[str, str]
    parity: Parity


def convert(order: Order, folder: Path) -> Converted:
    """Convert in a process of its own, and compare.

    Args:
        order: what.
        folder: an empty one for what lies between.

    Raises:
        MissingPackageError: the framework is not installed there; says what is missing.
        ModelError: it cannot be converted.
        ParityError: what came of it computes something else.
    """
    target, arrays, answer = folder / "model.onnx", folder / "arrays.npz", folder / "answer.json"
    request = {
        "program": order.kind.program,
        "source": str(order.source),
        "target": str(target),
        "arrays": str(arrays),
        "answer": str(answer),
        "packages": list(order.kind.packages),
        "shape": None if order.shape is None else list(order.shape),
        "size": None if order.size is None else list(order.size),
        "signature": order.signature,
    }
    told = _run(order, request, answer)
    model = target.read_bytes()
    return Converted(model=model, packages=told["packages"], parity=measure_parity(model, arrays, told["batch"]))


def _run(order: Order, request: dict[str, Any], answer: Path) -> dict[str, Any]:
    """What the framework's process answered."""
    program = [sys.executable, "-P"] if order.python is None else [str(order.python), "-I"]
    try:
        done = subprocess.run(  # noqa: S603 - an interpreter that the user names, a program of ours
            [*program, str(MAIN)],
            input=json.dumps(request).encode(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            check=False,
        )
    except OSError as error:
        raise ModelError(f"{program[0]} cannot be started: {error.strerror or error}; name an interpreter") from error
    try:
        told: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        last = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
        said = f": {show_plainly(last[0])}" if last else ""
        raise ModelError(f"{order.source}: what converts it ended with code {done.returncode}{said}") from error
    if "missing" in told:
        raise _name_missing(order, told)
    if "error" in told:
        raise ModelError(f"{order.source} cannot be converted: {show_plainly(told['error'])[:LONGEST_WORDS]}")
    return told


def _name_missing(order: Order, told: dict[str, Any]) -> MissingPackageError:
    missing = str(told["missing"]).partition(".")[0]
    names = order.kind.packages
    if missing not in names:
        return MissingPackageError(f"{order.source}: {show_plainly(told['error'])[:LONGEST_WORDS]}")
    where = "here" if order.python is None else f"where {order.python} looks"
    return MissingPackageError(
        f"{order.source} is {order.kind.name}, and {missing} is not installed {where}; `pip install "
        f"{' '.join(dict.fromkeys(names.values()))}` in an environment of its own, and name its interpreter by --python"
    )
