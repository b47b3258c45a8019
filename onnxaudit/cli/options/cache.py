"""Where results are kept from run to run."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

import typer

from onnxaudit.cli.values import read_bytes, read_place
from onnxaudit.errors import UsageError

CacheDir = Annotated[
    Any,
    typer.Option(
        parser=read_place,
        metavar="DIR",
        show_default="onnxaudit in the user's cache folder",
        help="Keep finished parts of scans and whole reports there; a folder of your own that nobody else may enter, "
        "or a store that several machines share: s3://BUCKET/FOLDER.",
    ),
]
NoCache = Annotated[bool, typer.Option("--no-cache", help="Neither use nor keep results of other runs.")]
CacheLimit = Annotated[
    Any,
    typer.Option(
        parser=read_bytes,
        metavar="1GiB",
        show_default="1GiB",
        help="Keep no more than this; what was not used for the longest time goes first.",
    ),
]


@dataclass(frozen=True)
class Caching:
    """What is kept from run to run, and where."""

    PANEL: ClassVar[str] = "Cache"

    cache_dir: CacheDir = None
    no_cache: NoCache = False
    cache_limit: CacheLimit = None

    @property
    def folder(self) -> Path | None:
        """The folder that was named, if it is one of this machine."""
        return self.cache_dir if isinstance(self.cache_dir, Path) else None

    def check(self, sandbox: str) -> None:
        """Refuse what cannot be done together.

        Raises:
            UsageError: options contradict each other.
        """
        if sandbox == "bwrap" and self.cache_dir is not None and self.folder is None:
            raise UsageError(
                f"inside bubblewrap there is no network to {self.cache_dir}; name a folder of this machine"
            )


@dataclass(frozen=True)
class CachePlace:
    """Which cache is looked at."""

    cache_dir: CacheDir = None
