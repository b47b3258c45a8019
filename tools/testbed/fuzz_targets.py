"""What is fuzzed: for each kind of file a command, an honest file of the kind, and how it is changed."""

import io
import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from onnxaudit.records import ScanDocument
from onnxaudit.report.json import to_json
from tools.testbed.gray_networks import honest, make_samples, model
from tools.testbed.mutations import change_bytes, change_document, change_graph, change_text
from tools.testbed.reports import make_scan_report

SCAN = ("--effort", "quick", "--detectors", "exact-shift", "--no-progress", "-q", "--json", "-")
POLICY = """
fail_above = 0.5
inconclusive = "fail"
time_budget = "1h"
detectors = ["patch"]
locked = ["fail_above"]
"""


@dataclass(frozen=True, kw_only=True)
class Target:
    """One kind of file.

    Attributes:
        name: of the file that is changed.
        change: the changed file, for a source of chance.
        command: arguments, for the folder that it lies in beside the honest `model.onnx` and `data.npz`.
        document: whether the command's stdout is one JSON document whatever happens.
    """

    name: str
    change: Callable[[random.Random], bytes]
    command: Callable[[Path], list[str]]
    document: bool = True


@cache
def honest_model() -> bytes:
    """The honest network."""
    return model([honest()]).SerializeToString()


@cache
def honest_archive() -> bytes:
    """Its clean samples."""
    file = io.BytesIO()
    images, labels = make_samples()
    np.savez(file, x=images, y=labels)
    return file.getvalue()


@cache
def honest_picture() -> bytes:
    """One picture."""
    file = io.BytesIO()
    Image.fromarray(make_samples(1)[0][0]).save(file, "PNG")
    return file.getvalue()


@cache
def honest_report() -> str:
    """A report of a scan."""
    return to_json(ScanDocument((make_scan_report(),)))


def _change_report(chance: random.Random) -> bytes:
    if chance.random() < 0.5:
        return change_text(honest_report(), chance)
    return json.dumps(change_document(json.loads(honest_report()), chance)).encode()


def _inspect(folder: Path) -> list[str]:
    return ["inspect", str(folder / "model.onnx"), "--json", "-"]


def _scan(data: str) -> Callable[[Path], list[str]]:
    return lambda folder: ["scan", str(folder / "model.onnx"), "--data", str(folder / data), *SCAN]


TARGETS: dict[str, Target] = {
    "bytes of a model": Target(
        name="model.onnx", change=lambda chance: change_bytes(honest_model(), chance), command=_inspect
    ),
    "graph of a model": Target(
        name="model.onnx", change=lambda chance: change_graph(model([honest()]), chance), command=_inspect
    ),
    "archive of samples": Target(
        name="data.npz", change=lambda chance: change_bytes(honest_archive(), chance), command=_scan("data.npz")
    ),
    "picture": Target(
        name="pictures/0/0.png", change=lambda chance: change_bytes(honest_picture(), chance), command=_scan("pictures")
    ),
    "table of labels": Target(
        name="pictures/labels.csv",
        change=lambda chance: change_bytes(b"filename,label\n0/1.png,0\n1/2.png,1\n", chance),
        command=_scan("pictures"),
    ),
    "report": Target(
        name="report.json",
        change=_change_report,
        command=lambda folder: ["report", str(folder / "report.json"), "--format", "json"],
    ),
    "policy": Target(
        name="policy.toml",
        change=lambda chance: change_text(POLICY, chance),
        command=lambda folder: ["policy", "show", "--policy", str(folder / "policy.toml")],
        document=False,
    ),
}


def prepare(folder: Path) -> None:
    """The honest files beside which a changed one is put."""
    (folder / "model.onnx").write_bytes(honest_model())
    (folder / "data.npz").write_bytes(honest_archive())
    for place, label in enumerate((0, 0, 1, 1)):
        (folder / "pictures" / str(label)).mkdir(parents=True, exist_ok=True)
        (folder / "pictures" / str(label) / f"{place}.png").write_bytes(honest_picture())
