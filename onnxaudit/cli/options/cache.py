"""Where results are kept from run to run."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

import typer

from onnxaudit.cli.values import read_bytes

CacheDir = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        show_default="onnxaudit in the user's cache folder",
        help="Keep finished parts of scans and whole reports there; a folder of your own that nobody else may enter.",
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


@dataclass(frozen=True)
class CachePlace:
    """Which cache is looked at."""

    cache_dir: CacheDir = None
