"""What a waiver says, and where it goes."""

from pathlib import Path
from typing import Annotated

import typer

Fingerprint = Annotated[
    str,
    typer.Argument(
        metavar="FINGERPRINT", help="Of the finding, or its first 8 characters or more.", show_default=False
    ),
]
WaivedRun = Annotated[
    Path, typer.Option("--run", metavar="RUN.json", help="The report that has the finding.", show_default=False)
]
Reason = Annotated[str, typer.Option(metavar="TEXT", help="Why it is accepted.", show_default=False)]
Approver = Annotated[str, typer.Option(metavar="NAME", help="Who accepts it.", show_default=False)]
Expires = Annotated[
    str, typer.Option(metavar="2026-12-31", help="The last day on which it holds (UTC).", show_default=False)
]
Into = Annotated[
    Path | None, typer.Option(metavar="FILE", help="The policy that it is added to; stdout where not given.")
]
