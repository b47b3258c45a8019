"""The first run of a stranger's graph, in a process of its own under hard limits; started by `trial.py`.

Reads one line of JSON and the bytes of a model from stdin, runs it on made images in growing batches, and prints one
line of JSON for each step that was finished: what was printed last tells where it stopped.
"""

import json
import os
import signal
import sys
import time
from typing import Any

from onnxaudit.isolation.limits import Limits, die_with, hold

STDOUT = 1
LONG = 6.0  # seconds of processor time; a batch that would take longer is left to the scan
RESULT = "onnxaudit-trial "  # begins each line of a result: native libraries print to stdout as well


def main() -> None:
    """Try the model that stands on stdin."""
    request = json.loads(sys.stdin.buffer.readline())
    model = sys.stdin.buffer.read(request["bytes"])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started this process is asked as well, and ends it
    die_with(request["parent"])
    hold(Limits(memory=request["memory"], cpu=request["seconds"], file_size=0))
    import numpy as np

    from onnxaudit.runtime import open_bare_session

    _tell({"step": "begun"})
    session = open_bare_session(model)
    _tell({"step": "loaded"})
    rng = np.random.default_rng(0)
    each = 0.0
    for size in request["batches"]:
        if each * size > LONG:
            _tell({"step": "skipped", "batch": size})
            continue
        start = time.process_time()
        inputs = _make_inputs(np, rng, (size, *request["shape"]), request["dtype"], request["high"])
        try:
            session.run(request["outputs"], {request["input"]: inputs})
        except Exception as error:  # the libraries' own kinds; a batch that fails is an answer
            _tell({"step": "failed", "batch": size, "error": _shorten(error)})
            continue
        each = (time.process_time() - start) / size
        _tell({"step": "ran", "batch": size, "seconds": each * size, "peak": _peak()})


def _make_inputs(np: Any, rng: Any, shape: tuple[int, ...], dtype: str, high: float) -> Any:
    """Noise, of which the first image is black and the last one white."""
    noise = rng.random(shape, dtype=np.float32) * np.float32(high)
    if shape[0] > 2:
        noise[0], noise[-1] = 0.0, high
    return noise.astype(dtype)


def _peak() -> int:
    """Bytes that this process had in memory at most."""
    try:
        import resource
    except ImportError:
        return 0
    return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024))


def _shorten(error: Exception) -> str:
    return " ".join(str(error).split())[:600]


def _tell(result: dict[str, Any]) -> None:
    os.write(STDOUT, f"{RESULT}{json.dumps(result)}\n".encode())


if __name__ == "__main__":
    try:
        main()
    except Exception as error:
        _tell({"step": "error", "kind": type(error).__name__, "error": _shorten(error)})
