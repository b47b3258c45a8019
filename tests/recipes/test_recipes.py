"""The recipes' own commands, from their pages, on a backdoored and on a clean vendor's model."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pytest

from tests.documentation.pages import ROOT, Block, read_blocks
from tests.documentation.workshop import Workshop, read_commands, write_images
from tests.recipes.drawing import write_clean_images, write_training_sets

FOLDER = os.environ.get("RECIPES_FOLDER")
MAKING = Path(__file__).parent / "making"
REASON = "run by tests/recipes"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(FOLDER is None, reason="RECIPES_FOLDER names no folder for the exporters' environments"),
    pytest.mark.xdist_group("recipes"),
]


@dataclass(frozen=True)
class Recipe:
    """A page, the environment that its first commands make, and the program that makes what the vendor sends."""

    page: str
    environment: str
    vendor: str

    @property
    def blocks(self) -> list[Block]:
        """What the page shows, other than what needs a network."""
        text = (ROOT / "docs" / "how-to" / f"{self.page}.md").read_text(encoding="utf-8")
        return [block for block in read_blocks(text) if block.not_run is None or REASON in block.not_run]


EXPORTERS = [
    Recipe("tensorflow-savedmodel", "tf-env", "vendor_keras.py"),
    Recipe("keras", "tf-env", "vendor_keras.py"),
    Recipe("pytorch", "torch-env", "vendor_torch.py"),
]
REGISTRIES = Recipe("registries", "mlflow-env", "")


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a reader's shell keeps from one command to the next, and what keeps quiet."""
    monkeypatch.setenv("PIP_CACHE_DIR", str(Path("~/.cache/pip").expanduser()))
    for name, value in {
        "MLFLOW_TRACKING_URI": "sqlite:///mlflow.db",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="module")
def training(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `clean.npz`, `poisoned.npz` and the user's `samples.npz`."""
    folder = tmp_path_factory.mktemp("training")
    write_training_sets(folder)
    write_clean_images(folder / "samples.npz")
    return folder


class Bench(Workshop):
    """A workshop with the user's images of signs, and with an environment that `RECIPES_FOLDER` keeps."""

    def __init__(self, folder: Path, recipe: Recipe, samples: Path | None = None) -> None:
        super().__init__(folder)
        assert FOLDER is not None
        self.kept = Path(FOLDER).expanduser().resolve() / recipe.environment
        self.environment = self.folder / recipe.environment
        if samples is not None:
            shutil.rmtree(self.folder / "clean-images")
            (self.folder / "model.onnx").unlink()
            write_images(samples, self.folder / "clean-images")
            shutil.copyfile(MAKING / "network.py", self.folder / "network.py")

    def __enter__(self) -> Self:
        """Lend the environment to the page: venv refuses links."""
        if self.kept.exists():
            shutil.move(self.kept, self.environment)
        return self

    def __exit__(self, *error: object) -> None:
        if self.environment.exists():
            self.kept.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(self.environment, self.kept)

    def receive(self, vendor: str, training: Path) -> None:
        """What the vendor hands over, trained on an archive."""
        command = [self.environment / "bin" / "python", MAKING / vendor, training, self.folder]
        subprocess.run(command, check=True, env=os.environ | {"OMP_NUM_THREADS": "1"})


def split(blocks: list[Block]) -> Iterator[Block]:
    """Each command as a block of its own; files as they are."""
    for block in blocks:
        if block.language != "console" or block.title is not None:
            yield block
            continue
        for part in ("\n" + block.text).split("\n$ ")[1:]:
            yield Block(block.line, "console", f"$ {part}\n")


def is_called(block: Block, word: str) -> bool:
    """Whether a block is one command that holds `word`."""
    return block.language == "console" and block.title is None and word in read_commands(block.text)[0].text


def follow(recipe: Recipe, bench: Bench, training: Path, until: str | None = None) -> None:
    """Carry a page out up to the command `until`; the vendor's files come once the environment stands."""
    received = False
    for block in split(recipe.blocks):
        if until is not None and is_called(block, until):
            return
        if not received and not is_called(block, "-m venv") and not is_called(block, "pip install"):
            bench.receive(recipe.vendor, training)
            received = True
        bench.carry_out(block)


@pytest.mark.parametrize("recipe", EXPORTERS, ids=lambda recipe: recipe.page)
def test_a_backdoored_model_is_converted_found_and_repaired(recipe: Recipe, training: Path, tmp_path: Path) -> None:
    with Bench(tmp_path, recipe, training / "samples.npz") as bench:
        follow(recipe, bench, training / "poisoned.npz")
    assert (bench.folder / "fixed.onnx").exists()


@pytest.mark.parametrize("recipe", EXPORTERS, ids=lambda recipe: recipe.page)
def test_a_clean_model_is_converted_and_judged(recipe: Recipe, training: Path, tmp_path: Path) -> None:
    with Bench(tmp_path, recipe, training / "samples.npz") as bench:
        follow(recipe, bench, training / "clean.npz", until="onnxaudit scan")
    # Which verdict is the detector's matter: such small networks give false alarms (the Keras one: 0.53).
    scan = "onnxaudit scan model.onnx --data clean-images/ || test $? -ne 2"
    bench.carry_out(Block(0, "console", f"$ {scan}\n"))


def test_a_registry_is_gated(tmp_path: Path) -> None:
    with Bench(tmp_path, REGISTRIES) as bench:
        for block in sorted(REGISTRIES.blocks, key=lambda block: block.title is None):  # a page may show a file last
            if block.slow is None:
                bench.carry_out(block)
        show = (
            "import mlflow; models = mlflow.MlflowClient().search_registered_models(); "
            "print(sorted((model.name, *sorted(model.aliases)) for model in models))"
        )
        told = "[('digits', 'candidate'), ('signs', 'candidate', 'production')]"
        bench.carry_out(Block(0, "console", f'$ mlflow-env/bin/python -c "{show}"\n{told}\n'))
