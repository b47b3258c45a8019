"""`scan --attest`, `scan --bom` and `verify`: statements about models. Needs neither torch nor onnxruntime."""

import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from onnxaudit.cli.exits import CODE_OF_DECISION, Settings
from onnxaudit.cli.options import Attesting, PolicyRequest, Verifying
from onnxaudit.cli.policies import find_policy
from onnxaudit.errors import DataError, InputError, OutputError, UsageError
from onnxaudit.files import write_atomically
from onnxaudit.gate.bom import make_bom
from onnxaudit.gate.envelope import read_signer, seal, unseal
from onnxaudit.gate.statement import Statement, read_statement
from onnxaudit.gate.verification import Demands, verify
from onnxaudit.intake.metadata import read_metadata
from onnxaudit.intake.reader import digest_files
from onnxaudit.records import ScanDocument
from onnxaudit.report.json import to_json
from onnxaudit.text import show_plainly
from onnxaudit.version import __version__

LARGEST = 2**20  # bytes of an attestation


def open_attestation(attesting: Attesting, models: Sequence[Path]) -> Callable[[ScanDocument], None]:
    """What writes the statements once there is a report; until then no older one stays that could be taken for them.

    Raises:
        UsageError: several models, or a key that cannot sign.
        OutputError: an older file cannot be removed.
    """
    if attesting.sign_key is not None and attesting.attest is None:
        raise UsageError("--sign-key signs what --attest FILE writes; name a file")
    if attesting.files and len(models) > 1:
        raise UsageError("--attest and --bom write a statement about one model; scan one at a time")
    signer = None if attesting.sign_key is None else read_signer(attesting.sign_key)
    for path in attesting.files:
        _remove(path)

    def write(document: ScanDocument) -> None:
        if not document.reports or not attesting.files:
            return
        metadata = read_metadata(Path(document.reports[0].model.path))
        statement = make_statement(document)
        if attesting.bom is not None:
            write_atomically(attesting.bom, make_bom(statement, document, metadata))
        if attesting.attest is not None:
            content = statement.to_json()
            write_atomically(attesting.attest, content if signer is None else seal(content, signer))

    return write


def make_statement(document: ScanDocument) -> Statement:
    """What is stated about the one model of a scan.

    Raises:
        InputError: its files changed since they were scanned.
    """
    assert document.gate is not None
    (report,), (decision,) = document.reports, document.gate.decisions
    path = Path(report.model.path)
    files = digest_files(path)
    if files.combined != report.model.sha256:
        raise InputError(f"{path} changed while it was scanned, so nothing is stated about it; scan it again")
    return Statement(
        name=path.name,
        model_sha256=files.model,
        data_sha256=files.data,
        verdict=report.verdict.value,
        outcome=decision.outcome,
        softeners=document.gate.softeners,
        policy_sha256=document.gate.policy_sha256,
        report_sha256=hashlib.sha256(to_json(document).encode()).hexdigest(),
        created=datetime.now(UTC),
        version=__version__,
    )


def run_verify(model: Path, attestation: Path, verifying: Verifying, settings: Settings) -> int:
    """Tell whether a statement lets a model through; what softens a scan does not soften this."""
    request, unsigned = verifying.request(), verifying.allow_unsigned
    named = {"accepted_keys": [_read_key(key) for key in verifying.key]} if verifying.key else {}
    effective = find_policy(PolicyRequest(request.file, {**request.options, **named}), [model])
    policy = effective.policy
    if unsigned and any(one.key == "accepted_keys" and one.locked for one in effective.settings):
        raise UsageError("accepted_keys is locked by the policy, so a statement has to be signed")
    # Options of this command are no part of the policy that a model was scanned under.
    under = None if request.file is None else find_policy(PolicyRequest(request.file, {}), [model]).sha256
    sealed = unseal(_read(attestation))
    found = verify(
        digest_files(model),
        sealed,
        read_statement(sealed.payload),
        Demands(policy.accepted_keys, unsigned, policy.max_age, under),
        datetime.now(UTC),
    )
    lines = [f"{found.outcome.upper()}  {model}", *(f"· {reason.seen} [{reason.code}]" for reason in found.reasons)]
    settings.stdout.write("".join(show_plainly(line) + "\n" for line in lines))
    return CODE_OF_DECISION[found.outcome]


def _remove(path: Path) -> None:
    try:
        if path.is_file():
            path.unlink()
    except OSError as error:
        raise OutputError(f"{path} cannot be replaced: {error.strerror or error}") from error


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > LARGEST:
            raise DataError(f"{path} is no attestation: it is larger than {LARGEST} bytes")
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from error


def _read_key(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"key {path} cannot be read: {error}") from error
