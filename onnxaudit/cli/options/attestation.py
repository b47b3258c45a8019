"""Statements about models: those that a scan writes, and what one that is verified has to meet."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

import typer

from onnxaudit.cli.options.given import keep_given
from onnxaudit.cli.options.policy import PolicyFile, PolicyRequest
from onnxaudit.cli.values import read_duration

Attest = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Write a statement about the model there, for `onnxaudit verify` (in-toto); signed, in a file named "
        "*.sigstore.json, as a Sigstore bundle.",
    ),
]
SignKey = Annotated[
    Path | None, typer.Option(metavar="KEY.pem", help="Ed25519 private key that signs the statement (DSSE).")
]
Bom = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Write a bill of materials there: CycloneDX 1.6, JSON (ML-BOM).")
]
Vex = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Write there what vulnerability tools are to know of the model: OpenVEX 0.2.0."),
]
VexAuthor = Annotated[
    str | None,
    typer.Option(
        metavar="TEXT", show_default="Unknown Author", help="Who makes the statements of --vex: a name or an address."
    ),
]
Attested = Annotated[
    Path,
    typer.Option("--attest", metavar="FILE", help="What --attest of a scan or a repair wrote.", show_default=False),
]
Key = Annotated[
    list[Path] | None, typer.Option(metavar="KEY.pem", help="A public key whose signature counts.", show_default=False)
]
AllowUnsigned = Annotated[bool, typer.Option("--allow-unsigned", help="Let a statement without a signature count.")]
MaxAge = Annotated[
    Any, typer.Option(parser=read_duration, metavar="30d", help="Longest time for which a statement holds.")
]


@dataclass(frozen=True)
class RepairAttesting:
    """Which statements about the model are written, and by whom they are made."""

    PANEL: ClassVar[str] = "Statements"

    attest: Attest = None
    sign_key: SignKey = None
    vex: Vex = None
    vex_author: VexAuthor = None

    @property
    def files(self) -> list[Path]:
        """The statements that were asked for."""
        return [path for path in (self.attest, self.vex) if path is not None]


@dataclass(frozen=True)
class Attesting(RepairAttesting):
    """The same, with a bill of materials, which there is none of a repair."""

    bom: Bom = None

    @property
    def files(self) -> list[Path]:
        """The statements that were asked for."""
        return [*super().files, *([] if self.bom is None else [self.bom])]


@dataclass(frozen=True)
class Verifying:
    """What a statement has to meet."""

    max_age: MaxAge = None
    policy: PolicyFile = None
    key: Key = None
    allow_unsigned: AllowUnsigned = False

    def request(self) -> PolicyRequest:
        """What was given of the policy."""
        return PolicyRequest(self.policy, keep_given(max_age=self.max_age))
