"""Signatures on statements: DSSE envelopes through securesystemslib, which the extra `sign` brings.

An envelope may stand in a Sigstore bundle, version 0.3, for tools that take nothing else: with the hint of a public key
in place of a certificate, so that no service had a part in it and the key alone is trusted.

Differs from securesystemslib's own check: each accepted key is tried on each signature, as DSSE has it, because not
every signer names keys as that library does.
"""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from onnxaudit.errors import DataError, UsageError

PAYLOAD_TYPE = "application/vnd.in-toto+json"
BUNDLE = ".sigstore.json"  # ends the names of bundles, by Sigstore's own custom
BUNDLE_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
_NOT_INSTALLED = (
    "signatures need securesystemslib: install onnxaudit with its extra `sign` from where you have it (in a checkout: "
    "pip install '.[sign]')"
)


@dataclass(frozen=True)
class Sealed:
    """A payload with its signatures, none where it was not in an envelope."""

    payload: bytes
    signatures: tuple[bytes, ...] = ()


def read_signer(path: Path) -> Any:
    """The signer with an Ed25519 private key, PEM without a passphrase.

    Raises:
        UsageError: it cannot be read, is another kind of key, or securesystemslib is not installed.
    """
    try:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key
        from securesystemslib.signer import CryptoSigner
    except ImportError as error:
        raise UsageError(_NOT_INSTALLED) from error
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise UsageError(f"key {path} cannot be read: {error.strerror or error}") from error
    except (ValueError, TypeError) as error:
        raise UsageError(f"key {path} is no private key in PEM without a passphrase") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise UsageError(f"key {path} is no Ed25519 key; make one with: openssl genpkey -algorithm ed25519")
    return CryptoSigner(key)


def seal(payload: bytes, signer: Any, *, bundled: bool = False) -> bytes:
    """The payload in a signed envelope, in a Sigstore bundle where that is wanted; JSON with a newline at its end."""
    from securesystemslib.dsse import Envelope

    envelope = Envelope(payload, PAYLOAD_TYPE, {})
    envelope.sign(signer)
    plain = envelope.to_dict()
    if bundled:
        (signature,) = envelope.signatures.values()
        material = {"publicKey": {"hint": signature.keyid}, "tlogEntries": []}  # in no public log
        plain = {"mediaType": BUNDLE_TYPE, "verificationMaterial": material, "dsseEnvelope": plain}
    return (json.dumps(plain, indent=2) + "\n").encode()


def unseal(content: bytes) -> Sealed:
    """What an attestation file holds, an envelope, one in a bundle, or a bare statement; nothing is checked yet.

    Raises:
        DataError: it is no JSON object, a damaged envelope, or a bundle of something else.
    """
    try:
        plain = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise DataError("no attestation, or cut short: it is not JSON") from error
    if not isinstance(plain, dict):
        raise DataError("no attestation: it is no JSON object")
    if "mediaType" in plain:
        plain = _unwrap(plain)
    if "payload" not in plain:
        return Sealed(content)
    try:
        if plain["payloadType"] != PAYLOAD_TYPE:
            raise ValueError(f"its payload is {plain['payloadType']!r}")
        signatures = tuple(_decode(one["sig"]) for one in plain["signatures"])
        return Sealed(_decode(plain["payload"]), signatures)
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"the envelope is damaged: {type(error).__name__}: {error}") from error


def _unwrap(bundle: dict[str, Any]) -> dict[str, Any]:
    """The envelope in a bundle."""
    envelope = bundle.get("dsseEnvelope")
    if not isinstance(envelope, dict) or "payload" not in envelope:
        raise DataError("the bundle holds no statement in a DSSE envelope")
    return envelope


def is_signed(sealed: Sealed, keys: Sequence[str]) -> bool:
    """Whether one of the public keys (PEM) made one of the signatures.

    Raises:
        UsageError: a key is none, or securesystemslib is not installed.
    """
    if not keys:
        return False
    try:
        from securesystemslib.dsse import Envelope
        from securesystemslib.exceptions import UnverifiedSignatureError
        from securesystemslib.signer import Signature
    except ImportError as error:
        raise UsageError(_NOT_INSTALLED) from error
    signed = Envelope(sealed.payload, PAYLOAD_TYPE, {}).pae()
    for key in [_read_key(pem) for pem in keys]:
        for signature in sealed.signatures:
            try:
                key.verify_signature(Signature(key.keyid, signature.hex()), signed)
            except UnverifiedSignatureError:
                continue
            return True
    return False


def _read_key(pem: str) -> Any:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_public_key
    from securesystemslib.signer import SSlibKey

    try:
        return SSlibKey.from_crypto(load_pem_public_key(pem.encode()))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise UsageError("an accepted key is no public key in PEM; openssl pkey -in KEY -pubout writes one") from error


def _decode(text: Any) -> bytes:
    if not isinstance(text, str):
        raise TypeError(f"{type(text).__name__} in place of text")
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(f"not base64: {error}") from error
