"""A server of objects (moto's S3) on this machine, for as long as a test needs it."""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PATIENCE = 120.0  # seconds until it answers, on a busy machine


@contextmanager
def serve_objects(python: str, folder: Path) -> Iterator[dict[str, str]]:
    """The variables by which AWS's clients find it; `python` is the interpreter of an environment with moto."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [python, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with (
        (folder / "objects.log").open("wb") as log,
        subprocess.Popen(command, stdout=log, stderr=log, cwd=folder) as server,
    ):
        try:
            until = time.monotonic() + PATIENCE
            while not _answers(port) and time.monotonic() < until:
                time.sleep(0.2)
            account = dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "any")
            yield {**account, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "AWS_DEFAULT_REGION": "us-east-1"}
        finally:
            server.terminate()


def _answers(port: int) -> bool:
    with socket.socket() as knock:
        return knock.connect_ex(("127.0.0.1", port)) == 0
