"""A headless Chromium behind the DevTools protocol over a pipe: no driver and no further package."""

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
OPTIONS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"),
    *("--no-first-run", "--disable-extensions", "--disable-background-networking", "--disable-component-update"),
)
PIPE = "--remote-debugging-pipe"  # commands come in as file descriptor 3, answers and events leave as 4
LAUNCH = """
import fcntl, os, sys
ends = [fcntl.fcntl(int(end), fcntl.F_DUPFD_CLOEXEC, 10) for end in sys.argv[1:3]]
for place, end in enumerate(ends, start=3):
    os.dup2(end, place)
os.execv(sys.argv[3], sys.argv[3:])
"""


def find_chromium() -> str | None:
    """The browser's program, or None."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class Browser:
    """One page in one browser."""

    def __init__(self, commands: int, events: int) -> None:
        self._commands, self._events, self._number, self._rest = commands, events, 0, b""
        self._session: str | None = None
        self.messages: list[str] = []
        self.requests: list[str] = []
        self._attach()

    def open(self, file: Path, width: int, height: int = 900, *, dark: bool = False, media: str = "screen") -> None:
        """Load a file and wait for it; `messages` and `requests` begin anew."""
        self.messages, self.requests = [], []
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._ask("Emulation.setEmulatedMedia", media=media, features=[scheme])
        self._resize(width, height)
        self._ask("Page.navigate", url=file.resolve().as_uri())
        self._wait("Page.loadEventFired")
        self._ask("Runtime.evaluate", expression="0")  # what was said before this answer has been read

    def evaluate(self, expression: str) -> Any:
        """The value of an expression of JavaScript."""
        answer = self._ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def shoot(self, file: Path, width: int, most: int = 16000) -> None:
        """A picture of the whole page, or of its first `most` pixels."""
        height = min(most, int(self.evaluate("document.documentElement.scrollHeight")))
        self._resize(width, height)
        answer = self._ask("Page.captureScreenshot", format="png")
        file.write_bytes(base64.b64decode(answer["data"]))

    def _attach(self) -> None:
        target = self._ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "Audits"):
            self._ask(f"{domain}.enable")

    def _resize(self, width: int, height: int) -> None:
        self._ask(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )

    def _ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self._number:
                assert "error" not in answer, (method, answer["error"])
                result: dict[str, Any] = answer["result"]
                return result

    def _wait(self, method: str) -> None:
        while self._read().get("method") != method:
            pass

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            chunk = os.read(self._events, 1 << 20)
            assert chunk, "the browser has ended"
            self._rest += chunk
        text, self._rest = self._rest.split(b"\0", 1)
        message: dict[str, Any] = json.loads(text)
        self._note(message)
        return message

    def _note(self, message: dict[str, Any]) -> None:
        match message.get("method"):
            case "Runtime.consoleAPICalled" | "Runtime.exceptionThrown" | "Log.entryAdded" | "Audits.issueAdded":
                self.messages.append(json.dumps(message["params"]))
            case "Network.requestWillBeSent":
                self.requests.append(message["params"]["request"]["url"])


@contextmanager
def run_browser(folder: Path) -> Iterator[Browser]:
    """A browser with its profile in `folder`, ended afterwards."""
    program = find_chromium()
    assert program is not None
    command_end, commands = os.pipe()
    events, event_end = os.pipe()
    arguments = [str(command_end), str(event_end), program, *OPTIONS, PIPE, f"--user-data-dir={folder}", "about:blank"]
    with subprocess.Popen(  # noqa: S603, a browser that lies on the path
        [sys.executable, "-c", LAUNCH, *arguments],
        pass_fds=(command_end, event_end),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        os.close(command_end)
        os.close(event_end)
        try:
            yield Browser(commands, events)
        finally:
            os.close(commands)  # the browser ends with its pipe
            os.close(events)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, 9)
