"""A folder as a repository of a hub: what huggingface_hub asks for, answered on this machine."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.parse import unquote

COMMIT = "0123456789abcdef0123456789abcdef01234567"
REPOSITORY = "vendor/signs"


class Answers(BaseHTTPRequestHandler):
    """Files of `main` and of its one commit."""

    folder: ClassVar[Path]
    asked: ClassVar[list[str]]

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def log_message(self, *told: object) -> None:
        del told

    def _answer(self) -> None:
        path = unquote(self.path.partition("?")[0])
        self.asked.append(f"{self.command} {path}")
        start = f"/{REPOSITORY}/resolve/"
        revision, _, name = path.removeprefix(start).partition("/")
        file = self.folder / name
        if not path.startswith(start) or revision not in ("main", COMMIT) or not file.is_file():
            self.send_response(404)
            self.send_header("X-Error-Code", "EntryNotFound")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        content = file.read_bytes()
        self.send_response(200)
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)


@contextmanager
def serve(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """The address of a hub with one repository, and what it is asked."""
    asked: list[str] = []
    kind = type("Answers", (Answers,), {"folder": folder, "asked": asked})
    with ThreadingHTTPServer(("127.0.0.1", 0), kind) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", asked
        finally:
            server.shutdown()
