"""What a case is: files, the answer that is right, and what the answer may cost."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx
from onnx import helper

from tools.testbed.gray_networks import honest, make_samples, model

Answer = Literal["rejected", "refused", "opened"]
Maker = Callable[..., Any]
CASES: dict[str, "Case"] = {}
SECONDS, MEMORY = 60.0, 2 * 2**30  # that an answer may take, whatever the machine has else to do
CODES: Mapping[Answer, tuple[int, int]] = {"rejected": (1, 1), "refused": (2, 2), "opened": (0, 3)}  # inspect, scan


@dataclass(frozen=True, kw_only=True)
class Case:
    """One case.

    Attributes:
        name: what it is, in words.
        kind: which kind of attack or fault, the module that it stands in.
        make: the model; or writes files into the folder that it is given.
        answer: "rejected" (exit 1), "refused" (exit 2) or "opened": detection may begin; a scan without time then ends
            without a verdict (exit 3).
        says: the rule where it is rejected, else words of the one line.
        doubted: whether it opens, but is never called clean.
        sound: whether the model itself is, so that only a scan can find the fault; `inspect` then says that it can be
            scanned.
        options: of `scan`.
        seconds: that the answer may take.
        memory: bytes that it may take.
    """

    name: str
    kind: str
    make: Maker
    answer: Answer
    says: str = ""
    doubted: bool = False
    sound: bool = False
    options: tuple[str, ...] = ()
    seconds: float = SECONDS
    memory: int = MEMORY

    @property
    def codes(self) -> tuple[int, int]:
        """Exit codes of `inspect` and of `scan`."""
        told, scanned = CODES[self.answer]
        return (0 if self.sound else told), scanned

    def content(self) -> bytes:
        """The bytes of a model that needs no other file."""
        made = self.make()
        assert isinstance(made, bytes | onnx.ModelProto)
        return made if isinstance(made, bytes) else made.SerializeToString()

    def place(self, folder: Path) -> tuple[Path, Path]:
        """The model and the clean samples, written into `folder`; honest ones where the case has none of its own."""
        path, data = folder / "model.onnx", folder / "data.npz"
        if takes_folder(self.make):
            data = self.make(folder) or data
        else:
            path.write_bytes(self.content())
        if not path.exists() and not path.is_symlink():
            path.write_bytes(model([honest()]).SerializeToString())
        if data == folder / "data.npz" and not data.exists():
            images, labels = make_samples()
            np.savez(data, x=images, y=labels)
        return path, data


def takes_folder(make: Maker) -> bool:
    """Whether a maker writes into a folder that it is given."""
    return any(one.default is one.empty for one in inspect.signature(make).parameters.values())


def case(answer: Answer, says: str = "", **more: Any) -> Callable[[Maker], Maker]:
    """Put what a function makes into the corpus under the function's name."""

    def add(make: Maker) -> Maker:
        name, kind = make.__name__, make.__module__.rpartition(".")[2]
        assert name not in CASES, name
        CASES[name] = Case(name=name, kind=kind, make=make, answer=answer, says=says, **more)
        return make

    return add


def add_case(name: str, make: Maker, answer: Answer, says: str = "", **more: Any) -> None:
    """Put what `make` makes into the corpus under a name of its own."""
    assert name not in CASES, name
    kind = more.pop("kind", make.__module__.rpartition(".")[2])
    CASES[name] = Case(name=name, kind=kind, make=make, answer=answer, says=says, **more)


def with_domain(made: onnx.ModelProto, domain: str) -> onnx.ModelProto:
    """The model with one more domain declared."""
    made.opset_import.append(helper.make_opsetid(domain, 1))
    return made
