"""Which files the words of a command line mean: files themselves, folders, patterns, and lists in text files."""

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from onnxaudit.conversion.kinds import is_convertible
from onnxaudit.errors import UsageError
from onnxaudit.regular_files import read_regular
from onnxaudit.remote.address import is_remote

LIST = ".txt"
MOST_IN_LIST = 2**24  # bytes
ONNX = ".onnx"
SIGNS = "*?["
Item = TypeVar("Item")


def find_models(named: Sequence[Path]) -> tuple[Path, ...]:
    """The files in their order; of folders and patterns sorted by name. One named again by another word counts once.

    Raises:
        UsageError: a folder, pattern or list means no file.
    """
    found: list[Path] = []
    for word in named:
        within, known = list(_expand(word)), set(found)
        found += within if within == [word] else [model for model in within if model not in known]
    return tuple(found)


def choose_shard(models: Sequence[Item], shard: tuple[int, int] | None) -> tuple[Item, ...]:
    """The third of ten parts for `(3, 10)`, in one piece, so that parts one after the other are the whole.

    Raises:
        UsageError: there are fewer models than parts, and this one holds none.
    """
    if shard is None:
        return tuple(models)
    number, count = shard
    part = tuple(models[len(models) * (number - 1) // count : len(models) * number // count])
    if not part:
        raise UsageError(f"part {number} of {count} holds none of the {len(models)} models; make fewer parts")
    return part


def digest_names(models: Sequence[Path]) -> str:
    """SHA-256 of the names of models below the folder that holds them all, which may differ between machines."""
    paths = [model.absolute() for model in models]
    try:
        folder = os.path.commonpath([path.parent for path in paths])
        names = [path.relative_to(folder).as_posix() for path in paths]
    except ValueError:  # on different drives
        names = [path.as_posix() for path in paths]
    return hashlib.sha256(json.dumps(names).encode()).hexdigest()


def is_list(word: Path) -> bool:
    """Whether this is a text file that names models."""
    return word.suffix == LIST and word.is_file()


def _expand(word: Path) -> Iterator[Path]:
    if is_remote(word) or is_convertible(word):
        yield word
    elif word.is_dir():
        yield from _refuse_none(sorted(_walk(word)), f"{word} holds no .onnx file")
    elif is_list(word):
        yield from _refuse_none(list(_read_list(word)), f"{word} names no model")
    elif any(sign in str(word) for sign in SIGNS) and not word.exists():
        yield from _refuse_none(_match(word), f"no file is {str(word)!r}")
    else:
        yield word


def _walk(folder: Path) -> Iterator[Path]:
    """What is called a model in a folder and those below it: of a pipe or a broken link the scan says what is wrong.

    Raises:
        UsageError: one of the folders cannot be read, so that models in it would be left out.
    """

    def refuse(error: OSError) -> None:
        raise UsageError(f"{error.filename} cannot be searched for models: {error.strerror or error}") from error

    for place, _, names in os.walk(folder, onerror=refuse):
        yield from (Path(place, name) for name in names if name.endswith(ONNX))


def _match(pattern: Path) -> list[Path]:
    try:
        return sorted(path for path in Path(pattern.anchor).glob(str(pattern.relative_to(pattern.anchor))))
    except (ValueError, NotImplementedError, OSError) as error:
        raise UsageError(f"{str(pattern)!r} is no pattern of files: {error}") from error


def _read_list(file: Path) -> Iterator[Path]:
    """One model a line, as seen from the list's folder, or an address; lines that begin with # are passed over."""
    try:
        lines = read_regular(file, MOST_IN_LIST).decode().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} cannot be read as a list of models: {error}") from error
    for line in map(str.strip, lines):
        if line and not line.startswith("#"):
            yield Path(line) if is_remote(line) else file.parent / line


def _refuse_none(models: list[Path], words: str) -> list[Path]:
    if not models:
        raise UsageError(f"{words}, so that nothing would be scanned")
    return models
