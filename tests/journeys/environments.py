"""Environments as the documentation makes them, kept from run to run; the wheel in them is always today's."""

import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
TORCH = "torch==2.13.0"
REMOTE = ("huggingface_hub", "mlflow-skinny==3.17.2", "sqlalchemy", "alembic", "s3fs", "moto[server]")
FURTHER = {"slim": (), "cpu": ("onnxscript==0.7.2", "securesystemslib[crypto]", *REMOTE)}
FRAMEWORK = "tensorflow-cpu==2.21.0 keras==3.15.1 tf2onnx==1.17.0 onnx==1.23.2 numpy==2.4.6 protobuf==7.36.2"
SOURCES = (
    *("pyproject.toml", "README.md", "LICENSE", "onnxaudit"),
    *("models/signs-lenet-weights.onnx", "models/samples/signs.npz"),
)
ENOUGH = 3600  # seconds for any command, on a busy machine


@dataclass(frozen=True)
class Done:
    """What came of a command."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Environment:
    """A folder with an interpreter of its own."""

    folder: Path

    @property
    def python(self) -> Path:
        """The interpreter."""
        return self.folder / "bin" / "python"

    def run(self, folder: Path, *words: str, **variables: str) -> Done:
        """Run a program of the environment, with no variable of this process but those that pip may need."""
        kept = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_"))}
        path = f"{self.folder / 'bin'}:/usr/bin:/bin"
        environment = {**kept, "PATH": path, "HOME": str(folder), "TF_CPP_MIN_LOG_LEVEL": "3", **variables}
        done = subprocess.run(
            [str(self.folder / "bin" / words[0]), *words[1:]],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=ENOUGH,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def install(self, *words: str, **variables: str) -> None:
        """Install by pip; what goes wrong is shown."""
        done = self.run(self.folder, "python", "-m", "pip", "install", "-q", *words, **variables)
        assert done.code == 0, done.err


def build_wheel(folder: Path) -> Path:
    """The wheel of the checkout, built from a copy: what a build leaves behind would be in the next one."""
    source = folder / "source"
    for name in SOURCES:
        target = source / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(ROOT / name, target)
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(folder), str(source)]
    subprocess.run(command, check=True, timeout=ENOUGH)
    (wheel,) = folder.glob("*.whl")
    return wheel


def make_environment(place: Path, kind: str, wheel: Path) -> Environment:
    """An environment, `cpu` or `slim`, pinned and hashed as "Install what fits" says, and what the ways need."""
    environment = _open(place, kind)
    if not (environment.folder / ".ready").exists():
        pins = ROOT / "requirements" / f"{kind}.txt"
        environment.install("--require-hashes", "-r", str(pins), PIP_CONSTRAINT="")
        if kind == "cpu":
            environment.install("--no-deps", TORCH, *shlex.split(os.environ.get("PIP_ARGS", "")))
        if FURTHER[kind]:
            environment.install(*FURTHER[kind])
        (environment.folder / ".ready").touch()
    environment.install("--no-deps", "--force-reinstall", str(wheel))
    return environment


def make_framework(place: Path) -> Environment:
    """TensorFlow and Keras, as the how-to page pins them."""
    environment = _open(place, "tf")
    if not (environment.folder / ".ready").exists():
        environment.install(*FRAMEWORK.split())
        (environment.folder / ".ready").touch()
    return environment


def _open(place: Path, kind: str) -> Environment:
    folder = place / kind
    if not (folder / "bin" / "python").exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, timeout=ENOUGH)
    return Environment(folder)
