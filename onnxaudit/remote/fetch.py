"""A model's files copied here: sizes asked before, digests taken after, nothing loaded."""

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from onnxaudit.digests import digest_named
from onnxaudit.errors import FetchError, InputError, MissingPackageError, UsageError
from onnxaudit.isolation.reach import lies_below, read_locations
from onnxaudit.records import Origin
from onnxaudit.remote.address import Address
from onnxaudit.remote.store import Store, open_store

MOST = 4 * 2**30  # bytes of a model with its data, where nothing else was said
LONGEST_WORDS = 300  # of another package's error
MOST_FILES = 1000  # of external data


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """A model that was copied here: its file, and where it is from."""

    path: Path
    origin: Origin


def fetch(address: Address, folder: Path, most: int = MOST) -> Fetched:
    """Copy a model and the files of external data that it names.

    Args:
        address: where it lies.
        folder: a folder of its own, which exists.
        most: bytes of all files together.

    Raises:
        MissingPackageError: the package is not installed that talks to such a place.
        FetchError: it cannot be had, is too large, or has another digest than was asked for.
        UsageError: the address lacks a part.
    """
    try:
        store = open_store(address)
        path = folder / PurePosixPath(store.model).name
        names = _copy_all(store, path, most, address)
    except (InputError, MissingPackageError):
        raise
    except Exception as error:  # packages for networks have errors of many kinds
        raise FetchError(f"{address.uri} cannot be fetched: {describe(error)}") from error
    files = digest_named(path, names)
    if address.sha256 is not None and files.combined != address.sha256:
        raise FetchError(f"{address.uri} has another content: {explain_mismatch(address.sha256, files.combined)}")
    origin = Origin(uri=address.uri, revision=store.revision, sha256=files.combined, pinned=address.sha256 is not None)
    return Fetched(path=path, origin=origin)


def check_pin(path: Path, sha256: str) -> None:
    """Make sure that a model here, with its external data, has the digest that was asked for.

    Raises:
        FetchError: it has another one.
        ModelError: it cannot be read.
    """
    found = digest_named(path, [one for one in read_locations(path) if lies_below(path.parent, one)]).combined
    if found != sha256:
        raise FetchError(f"{path} has another content: {explain_mismatch(sha256, found)}")


def explain_mismatch(wanted: str, found: str) -> str:
    """Both digests, in words."""
    return f"SHA-256 {wanted} was asked for, {found} is there (of the file, followed by that of its external data)"


def describe(error: Exception) -> str:
    """The first line of another package's error, or its kind."""
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else type(error).__name__)[:LONGEST_WORDS]


def _copy_all(store: Store, path: Path, most: int, address: Address) -> list[str]:
    """Copy the model and then what it names; the locations of data that were there."""
    left = most - _copy(store, store.model, path, most, address)
    base, names = PurePosixPath(store.model).parent, []
    locations = sorted(one for one in read_locations(path) if lies_below(path.parent, one))
    for location in locations[:MOST_FILES]:
        target = path.parent / location
        if target == path:
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            left -= _copy(store, str(base / location), target, left, address)
        except FileNotFoundError:  # the scan says so, of what it needs
            continue
        names.append(location)
    return names


def _copy(store: Store, source: str, target: Path, most: int, address: Address) -> int:
    size = store.measure(source)
    if size is not None and size > most:
        raise _refuse(address, size, most)
    store.fetch(source, target, most)
    size = target.stat().st_size
    if size > most:
        raise _refuse(address, size, most)
    return size


def _refuse(address: Address, size: int, most: int) -> UsageError:
    return UsageError(
        f"{address.uri} has a file of {size / 2**20:.1f} MiB where {most / 2**20:.1f} MiB are allowed; "
        "give a larger --fetch-limit"
    )
