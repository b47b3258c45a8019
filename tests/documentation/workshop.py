"""A folder in which the commands of a page are run, as a reader would run them."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from doctest import ELLIPSIS, NORMALIZE_WHITESPACE, OutputChecker
from pathlib import Path

import numpy as np
from PIL import Image

from tests.documentation.pages import ROOT, Block

CODE = re.compile(r"#.*\bexit code (\d+)")
SECONDS = 1200  # far more than any command takes on an idle machine
MODEL, DATA = "digits-keras-random", "digits"  # what the pages call model.onnx and clean-images/


@dataclass(frozen=True)
class Command:
    """One command of a block.

    Attributes:
        text: for the shell.
        code: its exit code as the page states it (`# exit code 1`), else 0.
        shown: what the page shows of its output, `...` for what it leaves out.
    """

    text: str
    code: int
    shown: str


def read_commands(text: str) -> list[Command]:
    """The commands behind `$ ` and what is shown below each; a backslash goes on in the next line.

    Raises:
        ValueError: output without a command.
    """
    commands: list[list[str]] = []
    lines = iter(text.splitlines())
    for line in lines:
        if line.startswith("$ "):
            command = line[2:]
            while command.endswith("\\"):
                command += "\n" + next(lines).removeprefix("> ")
            commands.append([command])
        elif commands:
            commands[-1].append(line)
        elif line:
            raise ValueError(f"not a command: {line}")
    return [_read_command(first, shown) for first, *shown in commands]


def _read_command(text: str, shown: list[str]) -> Command:
    stated = CODE.search(text)
    return Command(text, int(stated[1]) if stated else 0, "\n".join(shown).strip())


class Workshop:
    """The folder, with the reference models, `model.onnx` (backdoored) and `clean-images/` (a class each folder)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "work"
        shutil.copytree(ROOT / "models", self.folder / "models")
        shutil.copyfile(ROOT / "models" / f"{MODEL}.onnx", self.folder / "model.onnx")
        write_images(ROOT / "models" / "samples" / f"{DATA}.npz", self.folder / "clean-images")
        self._programs = folder / "bin"
        self._programs.mkdir()
        for name, words in {"onnxaudit": "-m onnxaudit", "python": "", "pytest": "-m pytest"}.items():
            program = self._programs / name
            program.write_text(f'#!/bin/sh\nexec "{sys.executable}" {words} "$@"\n')
            program.chmod(0o755)

    def carry_out(self, block: Block) -> None:
        """Write the file that a block shows, or run its commands and compare with what it says."""
        if block.title is not None:
            file = self.folder / block.title
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text, encoding="utf-8")
        elif block.language == "console":
            for command in read_commands(block.text):
                self._run(command)

    def _run(self, command: Command) -> None:
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", command.text],
            cwd=self.folder,
            env=self._make_environment(),
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
        told = f"$ {command.text}\n{done.stdout}{done.stderr}"
        assert done.returncode == command.code, f"exit code {done.returncode}, not {command.code}\n{told}"
        assert shows(command.shown, done.stdout) or shows(command.shown, done.stderr), told

    def _make_environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("ONNXAUDIT_")}
        return kept | {
            "PATH": f"{self._programs}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "HOME": str(self.folder.parent),
            "OMP_NUM_THREADS": "1",
            "NO_COLOR": "1",
            "COLUMNS": "100",
        }


def shows(shown: str, output: str) -> bool:
    """Whether an output is what the page shows; the page may show nothing, and cut with `...`."""
    return not shown or OutputChecker().check_output(shown + "\n", output, ELLIPSIS | NORMALIZE_WHITESPACE)


def write_images(archive: Path, folder: Path) -> None:
    """Every image of an archive as PNG, in a folder for each class."""
    with np.load(archive) as arrays:
        images, labels = arrays["x"], arrays["y"]
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        file = folder / str(label) / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image.squeeze()).save(file)
