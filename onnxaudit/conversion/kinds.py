"""Which files of other frameworks can be converted, told by their names and members; nothing of them is loaded."""

import json
import zipfile
from dataclasses import dataclass
from pathlib import Path

from onnxaudit.errors import ModelError
from onnxaudit.files import SAVED_MODEL_FILE

SUFFIXES = (".keras", ".h5", ".hdf5", ".tflite", ".pt2", ".pt", ".ts", ".torchscript")
PICKLED = (".pth", ".pkl", ".pickle", ".joblib")
MOST_OF_CONFIG = 2**24  # bytes
NEVER = (
    "is a pickle, which runs code when it is loaded, and is never opened here; in the program that made it, with "
    "PyTorch write `torch.onnx.export(model.eval(), (images,), 'model.onnx')`, with scikit-learn "
    "`skl2onnx.to_onnx(model, inputs)`"
)


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A format that can be converted.

    Attributes:
        name: for people.
        program: the module of `programs/` that does.
        packages: what it needs: the name to import, and that to install.
    """

    name: str
    program: str
    packages: dict[str, str]


_TORCH = {"torch": "torch", "onnx": "onnx", "onnxscript": "onnxscript"}
_TENSORFLOW = {"tensorflow": "tensorflow", "tf2onnx": "tf2onnx", "onnx": "onnx"}
EXPORTED = Kind(name="a program of torch.export", program="torch_exported", packages=_TORCH)
SCRIPT = Kind(name="a TorchScript file", program="torch_script", packages={"torch": "torch", "onnx": "onnx"})
KERAS = Kind(name="a Keras file", program="keras_file", packages={"keras": "keras", **_TENSORFLOW})
SAVED_MODEL = Kind(name="a TensorFlow SavedModel", program="tensorflow_saved", packages=_TENSORFLOW)
LITE = Kind(name="a TensorFlow Lite file", program="tensorflow_lite", packages=_TENSORFLOW)


def is_convertible(path: Path) -> bool:
    """Whether a path looks like another framework's model, pickles among them, by its name alone."""
    if path.suffix.lower() in (*SUFFIXES, *PICKLED):
        return path.is_file()
    return (path / SAVED_MODEL_FILE).is_file()


def find_kind(path: Path) -> Kind:
    """What a file or folder is.

    Raises:
        ModelError: nothing that can be converted; a pickle; or it cannot be read.
    """
    suffix = path.suffix.lower()
    if (path / SAVED_MODEL_FILE).is_file():
        return SAVED_MODEL
    if not path.is_file():
        raise ModelError(f"{path}: no such file or folder of a model")
    if suffix in PICKLED:
        raise ModelError(f"{path} {NEVER}")
    if suffix in (".keras", ".h5", ".hdf5"):
        return KERAS
    if suffix == ".tflite":
        return LITE
    return _look_into(path)


def _look_into(path: Path) -> Kind:
    """What a file of PyTorch is: an archive of a program, of TorchScript, or of pickles."""
    try:
        with zipfile.ZipFile(path) as archive:
            within = {name.partition("/")[2]: name for name in archive.namelist()}
            if "models/model.json" in within:
                _refuse_pickles(path, archive, within)
                return EXPORTED
            if "constants.pkl" in within and any(name.startswith("code/") for name in within):
                return SCRIPT
    except (OSError, zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
        if path.suffix.lower() == ".pt2":
            raise ModelError(f"{path} is no program of torch.export: {error}") from error
    raise ModelError(f"{path} {NEVER}")


def _refuse_pickles(path: Path, archive: zipfile.ZipFile, within: dict[str, str]) -> None:
    """Such a program may hold weights as pickles, which torch.export would load."""
    for name in within:
        if name.endswith("_config.json"):
            if archive.getinfo(within[name]).file_size > MOST_OF_CONFIG:
                raise ModelError(f"{path} is damaged: {name} is larger than {MOST_OF_CONFIG} bytes")
            try:
                config = json.loads(archive.read(within[name]))
            except (ValueError, RecursionError) as error:
                raise ModelError(f"{path} is damaged: {name} is no JSON") from error
            if _says_pickle(config):
                raise ModelError(f"{path} holds tensors as pickles ({name}); save the program with plain tensors")


def _says_pickle(config: object) -> bool:
    entries = config.get("config") if isinstance(config, dict) else None
    if not isinstance(entries, dict):
        return True
    return any(not isinstance(one, dict) or one.get("use_pickle") is not False for one in entries.values())
