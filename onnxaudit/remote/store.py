"""What a place elsewhere offers: one revision of a model's files, measured before they are fetched."""

from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from onnxaudit.errors import MissingPackageError
from onnxaudit.packages import is_installed
from onnxaudit.remote.address import Address

PACKAGES = {"hf": "huggingface_hub", "models": "mlflow", "s3": "s3fs"}
DISTRIBUTIONS = {"mlflow": "mlflow-skinny"}  # the small one has all that a registry needs
CLASSES = {"hf": ("hub", "HubStore"), "models": ("registry", "RegistryStore"), "s3": ("objects", "ObjectStore")}


class Store(Protocol):
    """One revision of a place; paths are parted by slashes.

    Attributes:
        revision: which, for good.
        model: the path of the model's file.
    """

    revision: str
    model: str

    def measure(self, path: str) -> int | None:
        """Bytes of a file; None where the place does not tell.

        Raises:
            FileNotFoundError: there is none.
        """
        ...

    def fetch(self, path: str, target: Path, most: int) -> None:
        """Copy a file; more than `most` bytes may be left undone."""
        ...


def open_store(address: Address) -> Store:
    """The place that an address names; asks it which revision is meant.

    Raises:
        MissingPackageError: the package that talks to it is not installed.
        UsageError: the address lacks a part.
        Exception: whatever that package raises.
    """
    package = PACKAGES[address.scheme]
    if not is_installed(package):
        name = DISTRIBUTIONS.get(package, package)
        raise MissingPackageError(f"{address.uri}: {package} is not installed here; `pip install {name}` brings it")
    module, name = CLASSES[address.scheme]
    store: Any = getattr(import_module(f"onnxaudit.remote.{module}"), name)
    opened: Store = store(address)
    return opened
