"""Convert one file: read a request from stdin, write the ONNX file, arrays for the comparison, and an answer.

The arrays are random inputs and what the framework makes of them. Unpickling ends this process's work: Python tells an
audit hook whenever a pickle asks for a class or function.
"""

import json
import runpy
import sys
import warnings
from pathlib import Path
from typing import Any

ROWS = 8  # of each range
SEED = 0
RANGES = (("unit", 1.0), ("byte", 255.0))


class UnpicklingError(Exception):
    """The file holds a pickle."""


def main() -> None:
    """Answer the request on stdin."""
    request = json.loads(sys.stdin.read())
    warnings.simplefilter("ignore")
    try:
        answer = convert(request)
    except ImportError as error:
        answer = {"missing": error.name or str(error), "error": describe(error)}
    except BaseException as error:  # whatever it is, it is told
        answer = {"error": describe(error)}
    Path(request["answer"]).write_text(json.dumps(answer), encoding="utf-8")


def convert(request: dict[str, Any]) -> dict[str, Any]:
    """Convert, and say by which packages."""
    import numpy as np

    program = runpy.run_path(str(Path(__file__).with_name(f"{request['program']}.py")))
    predict, shape, dtype = program["convert"](request, refuse_pickles)
    inputs = draw_inputs(np, shape, dtype)
    batch = shape[0] or 2
    outputs = [predict(inputs[start : start + batch]) for start in range(0, len(inputs), batch)]
    arrays: dict[str, Any] = {
        f"y{number}": np.concatenate(parts) for number, parts in enumerate(zip(*outputs, strict=True))
    }
    np.savez(request["arrays"], x=inputs, **arrays)
    return {"packages": list_versions(request["packages"]), "batch": batch}


def refuse_pickles() -> None:
    """From here on no pickle is loaded in this process: for after the framework was imported."""

    def hear(event: str, _: Any) -> None:
        if event == "pickle.find_class":
            raise UnpicklingError("it holds a pickle, which runs code when it is loaded; refused")

    sys.addaudithook(hear)


def draw_inputs(np: Any, shape: list[Any], dtype: str) -> Any:
    """Noise between 0 and 1, between 0 and 255, and around 0; whole multiples of the batch."""
    rng = np.random.default_rng(SEED)
    rows = -(-ROWS // (shape[0] or 1)) * (shape[0] or 1)
    size = (rows, *shape[1:])
    parts = [rng.random(size) * high for _, high in RANGES]
    if not dtype.startswith(("uint", "int")):
        parts.append(rng.normal(size=size))
    limit = np.iinfo(dtype).max if dtype.startswith(("uint", "int")) else np.inf
    return np.minimum(np.concatenate(parts), limit).astype(dtype)


def list_versions(names: list[str]) -> dict[str, str]:
    """Versions of modules, as they tell it themselves: a distribution may have another name."""
    found = {name: getattr(sys.modules.get(name), "__version__", None) for name in names}
    return {name: str(version) for name, version in found.items() if version is not None}


def describe(error: BaseException) -> str:
    """The first line of an error that says something."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


if __name__ == "__main__":
    main()
