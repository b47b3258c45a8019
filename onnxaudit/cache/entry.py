"""One kept result as a file: a line that says what it is, and the result behind it.

The digest finds damage. It is no seal: whoever can write here can make one too, so that what comes out of an entry is
checked by whoever reads it, as anything that a stranger wrote.
"""

import hashlib
import json

FORMAT = 1
MOST_IN_ENTRY = 64 * 2**20  # bytes
_MOST_OF_HEAD = 1024  # bytes


def seal(key: str, body: bytes) -> bytes:
    """The content of the file that keeps `body` under `key`."""
    head = {"onnxaudit_cache": FORMAT, "key": key, "sha256": hashlib.sha256(body).hexdigest()}
    return json.dumps(head).encode() + b"\n" + body


def unseal(content: bytes, key: str) -> bytes | None:
    """What was kept under `key`; None where the file is damaged, of another format, or was kept under another key."""
    line, found, body = content.partition(b"\n")
    if not found or len(line) > _MOST_OF_HEAD:
        return None
    try:
        head = json.loads(line)
    except (ValueError, RecursionError):
        return None
    wanted = {"onnxaudit_cache": FORMAT, "key": key, "sha256": hashlib.sha256(body).hexdigest()}
    return body if head == wanted else None
