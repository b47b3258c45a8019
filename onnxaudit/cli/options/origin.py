"""How models are brought here that lie elsewhere or are another framework's, and which content they are to have."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

import typer

from onnxaudit.cli.options.conversion import Python
from onnxaudit.cli.values import read_bytes

Sha256 = Annotated[
    str | None,
    typer.Option(
        metavar="HEX", help="The SHA-256 that the model is to have, as reports tell it; of an address also #sha256=HEX."
    ),
]
FetchInto = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="Keep what is fetched or converted there; else it is gone after the run.",
        show_default=False,
    ),
]
FetchLimit = Annotated[
    Any,
    typer.Option(
        parser=read_bytes, metavar="4GiB", show_default="4GiB", help="Fetch no model that is larger, with its data."
    ),
]


@dataclass(frozen=True)
class Locating:
    """What is asked for of a model that lies elsewhere."""

    PANEL: ClassVar[str] = "Models from elsewhere"
    sha256: Sha256 = None
    fetch_into: FetchInto = None
    fetch_limit: FetchLimit = None


@dataclass(frozen=True)
class Fetching(Locating):
    """What is asked for of models that lie elsewhere, or are no ONNX files yet."""

    PANEL: ClassVar[str] = "Models from elsewhere and other frameworks"
    python: Python = None
