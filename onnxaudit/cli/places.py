"""Files as the user names them, and where they lie: a worker process has a working folder of its own, an empty one."""

import json
import re
from pathlib import Path


class Places:
    """What is named relative to the user's working folder, for work that is done elsewhere.

    Args:
        apart: whether it is; else names stay as they are.
    """

    def __init__(self, *, apart: bool) -> None:
        self._home = str(Path.cwd()).rstrip("/") if apart else None
        self._given: dict[str, str] = {}

    def find(self, path: Path) -> Path:
        """The same file from any working folder; links and `..` stay what they are. For the process that restores."""
        return Path(self.find_source(str(path)))

    def find_source(self, source: str) -> str:
        """The same for a source of samples, which may name arrays behind the file."""
        if self._home is None or Path(source).is_absolute():
            return source
        found = f"{self._home}/{source}"
        self._given[found] = source
        return found

    def call(self, path: Path, name: str) -> None:
        """Give a file with an absolute path, which the user does not know, the name that the user knows."""
        if self._home is not None:
            self._given[str(path)] = name

    def restore(self, document: bytes) -> bytes:
        """A document in JSON that names the files as the user did."""
        if not self._given:
            return document
        names = {_quote(found): _quote(given) for found, given in self._given.items()}
        longest = sorted(names, key=len, reverse=True)
        # Not within a longer name, nor in the letters that stand for pixels.
        pattern = rb"(?<![\w/+=.-])(" + b"|".join(map(re.escape, longest)) + rb")(?![\w/+=-])"
        return re.sub(pattern, lambda match: names[match[1]], document)


def _quote(text: str) -> bytes:
    return json.dumps(text.encode("utf-8", "backslashreplace").decode())[1:-1].encode()  # as reports have it
