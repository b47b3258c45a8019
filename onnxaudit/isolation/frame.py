"""Messages through a pipe, one behind the other: eight bytes with the length, then the content."""

from typing import IO

HEAD = 8  # bytes
MOST = 2**30  # bytes of one message


def send(stream: IO[bytes], content: bytes) -> None:
    """Write a message at once.

    Raises:
        OSError: nobody reads any more.
    """
    stream.write(len(content).to_bytes(HEAD) + content)
    stream.flush()


def receive(stream: IO[bytes]) -> bytes | None:
    """The next message; None where there is none, or none in whole."""
    head = stream.read(HEAD)
    length = int.from_bytes(head)
    if len(head) < HEAD or length > MOST:
        return None
    content = stream.read(length)
    return content if len(content) == length else None
