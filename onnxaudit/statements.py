"""What was stated about a model, looked at from Python: as `onnxaudit verify` does, without a scan."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from onnxaudit.digests import digest_again
from onnxaudit.errors import DataError, UsageError
from onnxaudit.gate import verification
from onnxaudit.gate.domains import check_domains
from onnxaudit.gate.envelope import unseal
from onnxaudit.gate.layers import EffectivePolicy, lies_with_subject, read_policy_file, resolve
from onnxaudit.gate.policy import Policy
from onnxaudit.gate.statement import read_statement
from onnxaudit.gate.verification import Demands, Verification
from onnxaudit.regular_files import read_regular

LARGEST = 2**20  # bytes of a statement


def verify(
    model: str | Path,
    statement: str | Path,
    *,
    keys: Sequence[str] = (),
    policy: str | Path | Policy | None = None,
    max_age: float | None = None,
    allow_unsigned: bool = False,
) -> Verification:
    """Tell whether what an earlier scan or repair stated lets a model through; nothing is scanned.

    Args:
        model: the ONNX file.
        statement: what `--attest` wrote.
        keys: public keys in PEM whose signatures count, beside those that the policy accepts.
        policy: decides anew on the grounds that the statement tells: a file, not in the model's folder, or a policy.
        max_age: seconds for which a statement holds; where None as the policy says.
        allow_unsigned: let a statement without a signature count.

    Raises:
        InputError: the statement or the policy cannot be used. A model that is not there is told as another one.
    """
    effective = None if policy is None else _find_policy(policy, Path(model))
    demanded = Policy() if effective is None else effective.policy
    if demanded.domains is not None:
        check_domains(Path(model), demanded.domains)
    try:
        sealed = unseal(_read(Path(statement)))
    except OSError as error:
        raise DataError(f"{statement} cannot be read: {error.strerror or error}") from error
    stated = read_statement(sealed.payload)
    demands = Demands(
        keys=(*demanded.accepted_keys, *keys),
        allow_unsigned=allow_unsigned,
        max_age=demanded.max_age if max_age is None else max_age,
        policy=None if effective is None else effective.policy,
        policy_sha256=None if effective is None else effective.sha256,
    )
    files = digest_again(Path(model), stated.model_sha256, stated.data_sha256)
    return verification.verify(files, sealed, stated, demands, datetime.now(UTC))


def _find_policy(policy: str | Path | Policy, model: Path) -> EffectivePolicy:
    if isinstance(policy, Policy):
        return replace(resolve(), policy=policy)
    if lies_with_subject(Path(policy), [model], None):
        raise UsageError(f"policy {policy} lies with the model; keep it where the model's author cannot write")
    return resolve([read_policy_file(Path(policy))])


def _read(path: Path) -> bytes:
    if path.stat().st_size > LARGEST:
        raise DataError(f"{path} is no statement: it is larger than {LARGEST} bytes")
    return read_regular(path)
