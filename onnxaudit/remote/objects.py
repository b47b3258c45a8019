"""Objects of S3, through fsspec and s3fs, which take credentials, region and endpoint from the usual places of AWS."""

from pathlib import Path
from typing import Any

import fsspec

from onnxaudit.errors import UsageError
from onnxaudit.remote.address import FORMS, Address

BLOCK = 2**23  # bytes


class ObjectStore:
    """A bucket, as it was when the model's object was looked up, where the bucket keeps versions."""

    def __init__(self, address: Address) -> None:
        """Ask for the model's object."""
        bucket, _, key = address.place.partition("/")
        if not bucket or not key or key.endswith("/"):
            raise UsageError(f"{address.uri} does not name a bucket and a key; give {FORMS}")
        self._bucket, self.model = bucket, key
        self._files = _open_files(versions=False)
        self._version, tag = self._look_up()
        self.revision = self._version or tag

    def measure(self, path: str) -> int | None:
        """Bytes of an object.

        Raises:
            FileNotFoundError: there is none.
        """
        size = self._files.info(f"{self._bucket}/{path}").get("size")
        return None if size is None else int(size)

    def fetch(self, path: str, target: Path, most: int) -> None:
        """Copy an object, no more of it than one byte above the limit."""
        files, options, left = self._files, {}, most + 1
        if self._version is not None and path == self.model:
            files, options = _open_files(versions=True), {"version_id": self._version}
        with files.open(f"{self._bucket}/{path}", "rb", **options) as source, target.open("wb") as copy:
            while left and (block := source.read(min(BLOCK, left))):
                copy.write(block)
                left -= len(block)

    def _look_up(self) -> tuple[str | None, str]:
        """The version of the model's object, or None, and its tag."""
        info = self._files.info(f"{self._bucket}/{self.model}")
        version = info.get("VersionId")
        return None if version in (None, "null") else str(version), str(info.get("ETag") or "").strip('"')


def _open_files(*, versions: bool) -> Any:
    """All buckets; asking for versions takes rights that not everybody has who may read."""
    options = {"version_aware": True} if versions else {}
    return fsspec.filesystem("s3", skip_instance_cache=True, use_listings_cache=False, **options)
