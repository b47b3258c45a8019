"""Addresses of models that lie elsewhere, and the digest that may stand behind one."""

import re
from dataclasses import dataclass
from pathlib import PurePath
from typing import Literal, cast

from onnxaudit.errors import UsageError

Scheme = Literal["hf", "models", "s3"]
FORMS = "hf://ORGANIZATION/REPOSITORY/FILE.onnx[@REVISION], models:/NAME/VERSION, models:/NAME@ALIAS, s3://BUCKET/KEY"
# A path has lost one of two slashes.
ADDRESS = re.compile(r"(?:(hf|s3):/+|(models):/)([^/].*)", re.DOTALL)
OTHERS = re.compile(r"(?:https?|ftp|file|gs|gcs|az|abfss?|runs|dbfs|git\+\w+):/", re.IGNORECASE)
PIN = "#sha256="
DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where a model lies.

    Attributes:
        scheme: what kind of place that is.
        place: what stands behind the scheme.
        sha256: the digest that it is to have, or None.
    """

    scheme: Scheme
    place: str
    sha256: str | None = None

    @property
    def uri(self) -> str:
        """The address without the digest."""
        return f"models:/{self.place}" if self.scheme == "models" else f"{self.scheme}://{self.place}"


def is_remote(word: str | PurePath) -> bool:
    """Whether this is no file here but an address, of whatever kind."""
    text = _spell(word)
    return ADDRESS.fullmatch(text) is not None or OTHERS.match(text) is not None


def read_address(word: str | PurePath) -> Address:
    """The address that a word of the command line is.

    Raises:
        UsageError: it is none, one of another kind, or asks for what is no digest.
    """
    text, pin, digest = _spell(word).partition(PIN)
    found = ADDRESS.fullmatch(text)
    if found is None:
        whole = re.sub(r"^([\w+]+):/(?!/)", r"\1://", text)
        raise UsageError(f"{whole} is no address of a model that can be fetched; give {FORMS}")
    scheme = cast(Scheme, found[1] or found[2])
    return Address(scheme=scheme, place=found[3], sha256=read_digest(digest) if pin else None)


def read_digest(text: str) -> str:
    """A SHA-256 in hexadecimal digits.

    Raises:
        UsageError: it is none.
    """
    digest = text.strip().lower().removeprefix("sha256:")
    if DIGEST.fullmatch(digest) is None:
        raise UsageError(f"{text!r} is no SHA-256; give its 64 hexadecimal digits")
    return digest


def _spell(word: str | PurePath) -> str:
    return word.as_posix() if isinstance(word, PurePath) else word
