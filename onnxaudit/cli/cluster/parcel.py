"""Files on their way to another machine: packed with the names that they need there, known by the digest of all."""

import contextlib
import hashlib
import io
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from onnxaudit.cache.key import list_parts
from onnxaudit.cli.output import list_data_paths
from onnxaudit.errors import DataError, ModelError, WorkerError
from onnxaudit.isolation.reach import list_model_files
from onnxaudit.regular_files import open_regular
from onnxaudit.staging import IRREGULAR, MISSING, MOST_OF_DATA

FOLDER = 0o700


@dataclass(frozen=True, kw_only=True, eq=False)
class Parcel:
    """Files in one piece.

    Attributes:
        digest: SHA-256 of the content, in hexadecimal digits.
        content: a tar file without times and owners, so that equal files have an equal one.
    """

    digest: str
    content: bytes


def pack_model(model: Path) -> Parcel:
    """A model, and what it names as external data below its folder.

    Raises:
        ModelError: a file cannot be read; the words are those of a scan on this machine.
    """
    if not model.exists():
        raise ModelError(f"{model}: {MISSING}")
    if not (model.is_file() or model.is_dir()):
        raise ModelError(f"{model}: {IRREGULAR}")
    try:
        files = [one for one in list_model_files(model) if one == model or one.is_file()]
        return pack((str(one.relative_to(model.parent)), one) for one in files)
    except OSError as error:
        raise ModelError(f"{model}: cannot be read: {error.strerror or error}") from error


def pack_source(source: str) -> Parcel:
    """What a source of samples names: a file, several arrays, or a folder with all that is in it.

    Raises:
        DataError: something cannot be read.
    """
    try:
        paths = [path for path in list_data_paths(source) if path.exists()]  # what is missing is told by the scan
        return pack((str(Path(path.name) / one.relative_to(path)), one) for path in paths for one in list_parts(path))
    except OSError as error:
        raise DataError(f"{source}: cannot be read: {error.strerror or error}") from error


def place_source(source: str, folder: Path) -> str:
    """The same source where its parcel was unpacked into a folder."""
    paths = list_data_paths(source)
    return source if not paths else f"{folder / paths[0].name}{source.removeprefix(str(paths[0]))}"


def pack(files: Iterable[tuple[str, Path]]) -> Parcel:
    """Files and folders under the names that they are to have.

    Raises:
        OSError: one cannot be read, is neither file nor folder, or is larger than any scan reads.
    """
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, path in files:
            entry = tarfile.TarInfo(name)
            if path.is_dir():
                entry.type, entry.mode = tarfile.DIRTYPE, FOLDER
                tar.addfile(entry)
                continue
            with open_regular(path) as file:
                entry.size = os.fstat(file.fileno()).st_size
                if entry.size > MOST_OF_DATA:
                    raise OSError(f"{path} is larger than {MOST_OF_DATA // 2**30} GiB")
                tar.addfile(entry, file)
    content = stream.getvalue()
    return Parcel(digest=hashlib.sha256(content).hexdigest(), content=content)


def unpack(content: memoryview, digest: str, shelf: Path) -> Path:
    """The folder with what was packed, which whoever comes first makes.

    Args:
        content: what arrived.
        digest: of what was sent.
        shelf: the folder of all parcels of this machine.

    Raises:
        WorkerError: something else arrived.
        OSError: it cannot be written.
    """
    folder = shelf / digest
    if folder.is_dir():
        return folder
    if hashlib.sha256(content).hexdigest() != digest:
        raise WorkerError("files arrived damaged on a machine of the cluster")
    draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=shelf))
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as tar:
            tar.extractall(draft, filter="data")
        with contextlib.suppress(OSError):
            draft.rename(folder)
        if not folder.is_dir():  # else another job was faster
            raise OSError(f"{folder} cannot be made")
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return folder
