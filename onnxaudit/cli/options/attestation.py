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
    typer.Option(metavar="FILE", help="Write a statement about the model there, for `onnxaudit verify` (in-toto)."),
]
SignKey = Annotated[
    Path | None, typer.Option(metavar="KEY.pem", help="Ed25519 private key that signs the statement (DSSE).")
]
Bom = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Write a bill of materials there: CycloneDX 1.6, JSON (ML-BOM).")
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
    """Whether a statement about the model is written, and by whom it is signed."""

    PANEL: ClassVar[str] = "Statements"

    attest: Attest = None
    sign_key: SignKey = None

    @property
    def files(self) -> list[Path]:
        """The statements that were asked for."""
        return [] if self.attest is None else [self.attest]


@dataclass(frozen=True)
class Attesting(RepairAttesting):
    """Which statements about the model are written, and by whom they are signed."""

    bom: Bom = None

    @property
    def files(self) -> list[Path]:
        """The statements that were asked for."""
        return [path for path in (self.attest, self.bom) if path is not None]


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
