"""Versions of a model in an MLflow registry: their files alone, which MLflow copies and nothing loads."""

import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import mlflow
from mlflow.exceptions import MlflowException

from onnxaudit.errors import UsageError
from onnxaudit.remote.address import FORMS, Address

PLACE = re.compile(r"(?P<name>[^/@]+)(?:@(?P<alias>[^/]+)|/(?P<version>[^/@]+))(?:/(?P<path>.+))?")
DEEPEST, MOST_FILES = 8, 10_000


class RegistryStore:
    """One version: an alias that moves meanwhile changes nothing."""

    def __init__(self, address: Address) -> None:
        """Ask which version is meant, and what belongs to it."""
        name, version = _find_version(address)
        client = mlflow.MlflowClient()
        self.revision = f"version {version}"
        self._root = client.get_model_version_download_uri(name, version)
        self._sizes = dict(self._list("", DEEPEST))
        self.model = _choose(address, list(self._sizes))

    def measure(self, path: str) -> int | None:
        """Bytes of a file.

        Raises:
            FileNotFoundError: there is none.
        """
        if path not in self._sizes:
            raise FileNotFoundError(path)
        return self._sizes[path]

    def fetch(self, path: str, target: Path, most: int) -> None:
        """Copy a file."""
        del most  # the registry told the size; what it sends is measured again
        with tempfile.TemporaryDirectory(dir=target.parent) as folder:
            got = mlflow.artifacts.download_artifacts(artifact_uri=self._locate(path), dst_path=folder)
            shutil.move(got, target)

    def _list(self, path: str, deep: int) -> Iterator[tuple[str, int | None]]:
        """Paths below the version's root, whatever the place of the artifacts calls them."""
        for number, one in enumerate(mlflow.artifacts.list_artifacts(artifact_uri=self._locate(path))):
            if number >= MOST_FILES:
                raise UsageError(f"{self._root} holds more than {MOST_FILES} files")
            name = one.path.rstrip("/").rpartition("/")[2]
            within = f"{path}/{name}" if path else name
            if not one.is_dir:
                yield within, one.file_size
            elif deep:
                yield from self._list(within, deep - 1)

    def _locate(self, path: str) -> str:
        return f"{self._root.rstrip('/')}/{path}" if path else self._root


def _find_version(address: Address) -> tuple[str, str]:
    """Name and number; what stands behind the name may be an alias too."""
    found = PLACE.fullmatch(address.place)
    if found is None:
        raise UsageError(f"{address.uri} names no version of a model; give {FORMS}")
    name, version = found["name"], found["version"]
    if version is not None and version.isdecimal():
        return name, version
    alias = found["alias"] or version
    try:
        return name, str(mlflow.MlflowClient().get_model_version_by_alias(name, alias).version)
    except MlflowException as error:
        raise UsageError(f"{address.uri}: {error}; give a version's number or an alias") from error


def _choose(address: Address, paths: list[str]) -> str:
    """The model's file: the one that is named, or the only one."""
    found = PLACE.fullmatch(address.place)
    if found is not None and found["path"]:
        return found["path"]
    models = [path for path in paths if path.lower().endswith(".onnx")]
    if len(models) == 1:
        return models[0]
    if not models:
        raise UsageError(f"{address.uri} holds no .onnx file; log the model by mlflow.onnx. Pickles are never loaded")
    raise UsageError(f"{address.uri} holds {', '.join(models)}; write one of them behind the version")
