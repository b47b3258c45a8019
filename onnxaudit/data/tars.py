"""Clean samples from WebDatasets: tar files in which all that belongs to a sample shares its name up to the first dot.

A picture (`000017.png`) is read; its class is in a file of text (`.cls`, a whole number or a name) or in an object
(`.json`) under one of the usual names. What lies beside these, such as captions, is left out.
"""

import json
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from onnxaudit.data.label_tables import LABEL_COLUMNS
from onnxaudit.data.picture_kinds import OTHER_PICTURES, SUFFIXES
from onnxaudit.data.picture_sets import PictureSet
from onnxaudit.data.pictures import Picture, StoredPicture
from onnxaudit.errors import DataError
from onnxaudit.records import Ints
from onnxaudit.regular_files import open_regular

MOST_MEMBERS = 2_000_000
MOST_BYTES = 2**27  # of one picture as it is stored
MOST_LABEL = 2**20  # bytes of what says the class
CLASS, OBJECT = ".cls", ".json"
OBJECT_LABELS = ("cls", *LABEL_COLUMNS)


@dataclass(frozen=True, kw_only=True)
class Member:
    """A file within a tar file: where its bytes lie."""

    tar: Path
    name: str
    offset: int
    size: int

    def read(self) -> bytes:
        """Its bytes.

        Raises:
            OSError: the tar file cannot be read.
        """
        with open_regular(self.tar) as file:
            file.seek(self.offset)
            return file.read(self.size)


def open_tars(source: Path, tars: Sequence[Path]) -> PictureSet:
    """The samples of tar files, one after the other.

    Raises:
        DataError: damaged, compressed, no pictures, or a sample without a class where others have one.
    """
    samples = [sample for tar in tars for sample in _group(tar)]
    if not samples:
        raise DataError(f"{source}: no pictures in it ({', '.join(sorted(SUFFIXES))})")
    pictures = [_find_picture(members) for members in samples]
    found = [_read_label(members) for members in samples]
    labels = [label for label in found if label is not None]
    if labels and len(labels) < len(found):
        raise DataError(f"{pictures[found.index(None)]}: no class, where other pictures have one")

    def take(rows: Ints) -> list[Picture]:
        return [pictures[row] for row in rows.tolist()]

    return PictureSet(source=source, count=len(pictures), labels=labels or None, take=take)


def _group(tar: Path) -> Iterator[dict[str, Member]]:
    """What belongs together, by the rest of its name."""
    groups: dict[str, dict[str, Member]] = {}
    for member in _list_members(tar):
        path = PurePosixPath(member.name)
        stem, _, rest = path.name.partition(".")
        group = groups.setdefault(str(path.parent / stem), {})
        suffix = f".{rest.lower()}"
        if suffix in group:
            raise DataError(f"{tar}: two files are called {member.name!r}; refused")
        group[suffix] = member
    yield from groups.values()


def _list_members(tar: Path) -> Iterator[Member]:
    try:
        with open_regular(tar) as file, tarfile.open(fileobj=file, mode="r:") as archive:
            for place, entry in enumerate(archive):
                if place >= MOST_MEMBERS:
                    raise DataError(f"{tar}: more than {MOST_MEMBERS:,} files in it; give fewer")
                if entry.isreg() and not PurePosixPath(entry.name).name.startswith("."):
                    yield Member(tar=tar, name=entry.name, offset=entry.offset_data, size=entry.size)
    except tarfile.TarError as error:
        raise DataError(f"{tar}: no tar file, compressed, or damaged; unpack a compressed one first") from error
    except OSError as error:
        raise DataError(f"{tar}: cannot be read: {error.strerror or error}") from error


def _find_picture(members: dict[str, Member]) -> StoredPicture:
    """The one picture of a sample."""
    found = [member for suffix, member in members.items() if suffix in SUFFIXES]
    any_member = next(iter(members.values()))
    other = next((suffix for suffix in members if suffix in OTHER_PICTURES), None)
    if len(found) != 1:
        what = f"a picture of a kind that is not read ({other})" if other else f"{len(found) or 'no'} pictures"
        raise DataError(f"{any_member.tar}: {any_member.name!r}: {what} in this sample, where one is expected")
    (member,) = found
    if member.size > MOST_BYTES:
        raise DataError(f"{member.tar}: {member.name!r} is larger than {MOST_BYTES // 2**20} MiB; refused")
    return StoredPicture(name=f"{member.tar}: {member.name}", load=partial(Member.read, member))


def _read_label(members: dict[str, Member]) -> str | None:
    member = members.get(CLASS) or members.get(OBJECT)
    if member is None:
        return None
    if member.size > MOST_LABEL:
        raise DataError(f"{member.tar}: {member.name!r} is too large for a class")
    try:
        text = member.read().decode("utf-8").strip()
        return text if CLASS in members else _read_object(text)
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{member.tar}: {member.name!r} says no class") from error


def _read_object(text: str) -> str | None:
    """The class that an object names; None where it names none."""
    found = json.loads(text)
    values = [found[name] for name in OBJECT_LABELS if name in found] if isinstance(found, dict) else []
    plain = [value for value in values if isinstance(value, str | int) and not isinstance(value, bool)]
    return str(plain[0]).strip() if plain else None
