"""SHA-256 of a model's files, taken without a library that parses models: what they are called has to be known."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from onnxaudit.errors import ModelError
from onnxaudit.staging import MOST_OF_DATA, MOST_OF_MODEL, Read, Span, hash_named, read_beside


@dataclass(frozen=True)
class FileDigests:
    """SHA-256 of a model's files.

    Attributes:
        model: of the file itself.
        data: of each external data file, by its location.
        combined: of the file, followed by the SHA-256 of each data file in the order of their locations.
    """

    model: str
    data: Mapping[str, str]
    combined: str


def digest_named(path: Path, locations: Collection[str]) -> FileDigests:
    """The digests of a model file and of its external data.

    Args:
        path: the model.
        locations: of the files of external data, below its folder.

    Raises:
        ModelError: one cannot be read, is no regular file or too large, or lies elsewhere.
    """
    try:
        hashed = hash_named(path, MOST_OF_MODEL)
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror or error}") from error
    alone = hashed.hexdigest()
    data = {location: read_data(path, location, set()).digest for location in sorted(locations)}
    for digest in data.values():
        hashed.update(digest)
    return FileDigests(alone, {location: digest.hex() for location, digest in data.items()}, hashed.hexdigest())


def digest_again(path: Path, known: str, locations: Collection[str]) -> FileDigests:
    """The digests of what may be a file that was read before; the data of another one are not looked at.

    Args:
        path: the model.
        known: SHA-256 of that file.
        locations: of its external data.

    Raises:
        ModelError: as for `digest_named`.
    """
    alone = digest_named(path, ())
    return digest_named(path, locations) if locations and alone.model == known else alone


def read_data(path: Path, location: str, spans: set[Span]) -> Read:
    """Spans of bytes of a file of external data, and its digest.

    Raises:
        ModelError: missing, outside the model's folder, behind a link, no regular file, or too large.
    """
    try:
        return read_beside(path.parent, location, spans, MOST_OF_DATA)
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ModelError(f"{path}: external data {location!r} are missing; put the file beside the model") from error
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise ModelError(f"{path}: external data {location!r} cannot be read: {why}") from error
