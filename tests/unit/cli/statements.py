"""A small model with external data, keys, and what was stated about it."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

MODEL, DATA, ATTESTED, BOM = Path("models/m.onnx"), Path("models/w.bin"), Path("a.json"), Path("bom.json")
FIXED, VEX = Path("models/fixed.onnx"), Path("vex.json")
VERIFY = ("verify", str(MODEL), "--attest", str(ATTESTED))
SIGNED, OURS = ("--sign-key", "ours.pem"), ("--key", "ours.pub")


def write_model() -> None:
    """A model whose one weight lies in a file of its own."""
    MODEL.parent.mkdir(exist_ok=True)
    save_model(MODEL, DATA.name)


def save_model(path: Path, data: str) -> None:
    weight = onnx.numpy_helper.from_array(np.arange(400, dtype=np.float32), "w")
    graph = onnx.helper.make_graph([onnx.helper.make_node("Relu", ["w"], ["y"])], "g", [], [], [weight])
    model = onnx.helper.make_model(graph)
    onnx.save(model, path, save_as_external_data=True, location=data, size_threshold=0)


def write_keys(name: str) -> None:
    key = Ed25519PrivateKey.generate()
    Path(f"{name}.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    Path(f"{name}.pub").write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


def read_payload() -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(ATTESTED.read_text())
    if "payload" in plain:
        plain = json.loads(base64.b64decode(plain["payload"]))
    return plain


def forge(change: Callable[[dict[str, Any]], None]) -> None:
    """Change what is stated, within its envelope if it has one, and leave the signatures."""
    plain = json.loads(ATTESTED.read_text())
    payload = read_payload()
    change(payload)
    if "payload" in plain:
        payload = {**plain, "payload": base64.b64encode(json.dumps(payload).encode()).decode()}
    ATTESTED.write_text(json.dumps(payload))
