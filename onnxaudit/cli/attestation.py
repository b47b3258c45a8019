"""Statements about models: those of `scan` and `repair`, and `verify`. Models are parsed in a worker alone."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from onnxaudit.cli.exits import CODE_OF_DECISION, Settings, report_notice
from onnxaudit.cli.options import Attesting, PolicyRequest, RepairAttesting, Verifying
from onnxaudit.cli.policies import find_policy
from onnxaudit.cli.project import Job
from onnxaudit.cli.questions import check_domains, read_metadata
from onnxaudit.digests import FileDigests, digest_again, digest_named
from onnxaudit.errors import DataError, InputError, OutputError, UsageError
from onnxaudit.files import write_atomically
from onnxaudit.gate.bom import make_bom
from onnxaudit.gate.envelope import BUNDLE, read_signer, seal, unseal
from onnxaudit.gate.grounds import gather
from onnxaudit.gate.statement import Original, Statement, read_statement
from onnxaudit.gate.verification import Demands, verify
from onnxaudit.gate.vex import NOBODY, make_vex
from onnxaudit.records import Origin, RepairDocument, RepairReport, ScanDocument, ScanReport
from onnxaudit.regular_files import read_regular
from onnxaudit.remote.address import is_remote
from onnxaudit.report.json import to_json
from onnxaudit.text import show_plainly
from onnxaudit.version import __version__

LARGEST = 2**20  # bytes of an attestation
NOTHING: Mapping[str, Path] = {}


def open_attestation(
    attesting: RepairAttesting,
    models: Sequence[Path],
    settings: Settings,
    created: datetime | None = None,
    *,
    named: Mapping[str, Path] = NOTHING,
) -> Callable[[ScanDocument | RepairDocument], None]:
    """What writes the statements once there is a report; until then no older one stays that could be taken for them.

    Args:
        attesting: what was asked for.
        models: that were looked at.
        settings: of the command.
        created: when that was; None is now.
        named: files that reports call otherwise.

    Raises:
        UsageError: several models, or a key that cannot sign.
        OutputError: an older file cannot be removed.
    """
    if attesting.sign_key is not None and attesting.attest is None:
        raise UsageError("--sign-key signs what --attest FILE writes; name a file")
    bundled = attesting.attest is not None and attesting.attest.name.endswith(BUNDLE)
    if bundled and attesting.sign_key is None:
        raise UsageError(f"{attesting.attest} is to be a bundle, which holds a signature; give --sign-key")
    if attesting.vex_author is not None and attesting.vex is None:
        raise UsageError("--vex-author makes the statements that --vex FILE writes; name a file")
    if attesting.files and len(models) > 1:
        raise UsageError("--attest, --bom and --vex write a statement about one model; scan one at a time")
    signer = None if attesting.sign_key is None else read_signer(attesting.sign_key)
    for path in attesting.files:
        _remove(path)

    def write(document: ScanDocument | RepairDocument) -> None:
        if not attesting.files or not document.reports:
            return
        if not any(find_subject(report) for report in document.reports):
            report_notice("No model was written, so nothing is stated about one.")
            return
        statement = make_statement(document, created or datetime.now(UTC), settings, named)
        _write_lists(statement, document, attesting, settings, named)
        if attesting.attest is not None:
            content = statement.to_json()
            write_atomically(attesting.attest, content if signer is None else seal(content, signer, bundled=bundled))

    return write


def _write_lists(
    statement: Statement,
    document: ScanDocument | RepairDocument,
    attesting: RepairAttesting,
    settings: Settings,
    named: Mapping[str, Path],
) -> None:
    """Write what inventories and vulnerability tools read of what is stated."""
    bom = attesting.bom if isinstance(attesting, Attesting) else None
    if bom is not None and isinstance(document, ScanDocument):
        metadata = read_metadata(_find(document.reports[0].model.path, named), settings)
        write_atomically(bom, make_bom(statement, document, metadata))
    if attesting.vex is not None:
        write_atomically(attesting.vex, make_vex(statement, document, attesting.vex_author or NOBODY))


def find_subject(report: ScanReport | RepairReport) -> tuple[str, str] | None:
    """The file that a report makes a statement about, and its digest; None where a repair wrote none."""
    if isinstance(report, ScanReport):
        return report.model.path, report.model.sha256
    if report.output is None or report.output_sha256 is None:
        return None
    return report.output, report.output_sha256


def make_statement(
    document: ScanDocument | RepairDocument, created: datetime, settings: Settings, named: Mapping[str, Path] = NOTHING
) -> Statement:
    """What is stated about the one model of a scan, or about the one that a repair wrote.

    Raises:
        InputError: its files changed since they were looked at, or those of the original did.
    """
    assert document.gate is not None
    (report,), (decision,) = document.reports, document.gate.decisions
    subject = find_subject(report)
    assert subject is not None
    path, files = _digest(_find(subject[0], named), subject[1], settings)
    grounds = gather(report)
    return Statement(
        name=_escape(path.name),
        model_sha256=files.model,
        data_sha256=files.data,
        verdict=grounds.verdict.value,
        outcome=decision.outcome,
        softeners=document.gate.softeners,
        policy_sha256=document.gate.policy_sha256,
        report_sha256=hashlib.sha256(to_json(document).encode()).hexdigest(),
        created=created,
        version=__version__,
        waivers=tuple(use.waiver for use in document.gate.waivers if use.state == "used"),
        grounds=grounds,
        original=_name_original(report, settings, named) if isinstance(report, RepairReport) else None,
    )


def _name_original(report: RepairReport, settings: Settings, named: Mapping[str, Path]) -> Original:
    path, files = _digest(_find(report.scan.model.path, named), report.scan.model.sha256, settings)
    return Original(name=_escape(path.name), model_sha256=files.model, data_sha256=files.data)


def _escape(name: str) -> str:
    """A name of a file that need be no UTF-8, as reports have it."""
    return name.encode("utf-8", "backslashreplace").decode()


def _find(name: str, named: Mapping[str, Path]) -> Path:
    """The file that a report speaks of.

    Raises:
        UsageError: it was fetched, and is gone.
    """
    if name not in named and is_remote(name):
        raise UsageError(f"{name} lies elsewhere, so nothing is stated about it here; state it when it is scanned")
    return named.get(name, Path(name))


def _digest(path: Path, sha256: str, settings: Settings) -> tuple[Path, FileDigests]:
    files = digest_named(path, ())
    if files.combined != sha256:  # it has external data, or another content by now
        files = digest_named(path, read_metadata(path, settings).locations)
    if files.combined != sha256:
        raise InputError(f"{path} changed while it was scanned, or since, so nothing is stated about it; scan it again")
    return path, files


def run_verify(job: Job, attestation: Path, verifying: Verifying, settings: Settings) -> int:
    """Tell whether a statement lets a model through; what softens a scan does so here only in a named policy."""
    model, request, unsigned = job.model, verifying.request(), verifying.allow_unsigned
    named = {"accepted_keys": [_read_key(key) for key in verifying.key]} if verifying.key else {}
    effective = find_policy(PolicyRequest(request.file, {**request.options, **named}), [model])
    policy = effective.policy
    if unsigned and any(one.key == "accepted_keys" and one.locked for one in effective.settings):
        raise UsageError("accepted_keys is locked by the policy, so a statement has to be signed")
    # Options of this command are no part of the policy that a model was scanned under.
    under = None if request.file is None else find_policy(PolicyRequest(request.file, {}), [model])
    if under is not None and under.policy.domains is not None:
        check_domains(model, under.policy.domains, settings)
    sealed = unseal(_read(attestation))
    statement = read_statement(sealed.payload)
    found = verify(
        digest_again(model, statement.model_sha256, statement.data_sha256),
        sealed,
        statement,
        Demands(
            keys=policy.accepted_keys,
            allow_unsigned=unsigned,
            max_age=policy.max_age,
            policy=None if under is None else under.policy,
            policy_sha256=None if under is None else under.sha256,
        ),
        datetime.now(UTC),
    )
    told = [*(f"{reason.seen} [{reason.code}]" for reason in found.reasons), *found.notes, *describe_origin(job.origin)]
    lines = [f"{found.outcome.upper()}  {job.name}", *(f"· {line}" for line in told)]
    settings.stdout.write("".join(show_plainly(line) + "\n" for line in lines))
    return CODE_OF_DECISION[found.outcome]


def describe_origin(origin: Origin | None) -> Iterator[str]:
    """What an address stood for; nothing of a model that was here."""
    if origin is not None:
        pinned = ", as was asked for" if origin.pinned else ""
        yield f"Fetched as {origin.revision}: SHA-256 {origin.sha256}{pinned}."


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
        return read_regular(path)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from error


def _read_key(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"key {path} cannot be read: {error}") from error
