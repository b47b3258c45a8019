"""Files of a repository on the Hugging Face hub, through huggingface_hub; nothing but the files named is fetched."""

import shutil
import tempfile
from pathlib import Path

from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url
from huggingface_hub.errors import EntryNotFoundError
from huggingface_hub.utils.tqdm import disable_progress_bars

from onnxaudit.errors import UsageError
from onnxaudit.remote.address import FORMS, Address


class HubStore:
    """One commit of a repository: a branch or tag that moves meanwhile changes nothing."""

    def __init__(self, address: Address) -> None:
        """Ask which commit is meant."""
        disable_progress_bars()
        self._repository, self.model, wanted = split_place(address)
        found = get_hf_file_metadata(hf_hub_url(self._repository, self.model, revision=wanted))
        if found.commit_hash is None:
            raise UsageError(f"{address.uri}: the hub does not tell the commit")
        self.revision = found.commit_hash

    def measure(self, path: str) -> int | None:
        """Bytes of a file, large ones (LFS) as they are behind their pointers.

        Raises:
            FileNotFoundError: there is none.
        """
        try:
            return get_hf_file_metadata(hf_hub_url(self._repository, path, revision=self.revision)).size
        except EntryNotFoundError as error:
            raise FileNotFoundError(path) from error

    def fetch(self, path: str, target: Path, most: int) -> None:
        """Copy a file, by way of a folder beside it: no cache is made, and nothing is a link."""
        del most  # the hub told the size, and the package holds it to that
        with tempfile.TemporaryDirectory(dir=target.parent) as folder:
            got = hf_hub_download(self._repository, path, revision=self.revision, local_dir=folder)
            shutil.move(got, target)


def split_place(address: Address) -> tuple[str, str, str | None]:
    """Repository, path of the file, and revision or None.

    The revision stands behind the file, or behind the repository, as huggingface_hub's own addresses have it.

    Raises:
        UsageError: a part is missing.
    """
    parts = address.place.split("/", 2)
    if len(parts) < 3 or not all(parts):
        raise UsageError(f"{address.uri} does not name a repository and a file; give {FORMS}")
    name, at, wanted = parts[1].partition("@")
    path = parts[2]
    if not at:
        path, at, wanted = path.rpartition("@") if "@" in path else (path, "", "")
    if not path or not name or (at and not wanted):
        raise UsageError(f"{address.uri} lacks a repository, a file or a revision; give {FORMS}")
    return f"{parts[0]}/{name}", path, wanted.replace("%2F", "/") or None
