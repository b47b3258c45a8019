"""Packages that some work needs and other work does without: a slim install leaves them out."""

import gc
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

from onnxaudit.errors import MissingPackageError

NAMES = {"torch": "PyTorch", "onnx_graphsurgeon": "onnx-graphsurgeon"}  # what an audit needs beyond a slim install
ADVICE = "`pip install torch onnx-graphsurgeon` brings both; README, Install, has the smaller set for CPUs"


def list_missing() -> tuple[str, ...]:
    """Names, for people, of the packages that an audit needs and that are not installed; imports none of them."""
    return tuple(name for module, name in NAMES.items() if not is_installed(module))


def require_all(work: str) -> None:
    """Make sure that what an audit needs is installed.

    Args:
        work: what is to be done, as the subject of a sentence.

    Raises:
        MissingPackageError: something is missing; says what, and how to get it.
    """
    missing = describe_missing()
    if missing:
        raise MissingPackageError(f"{work} needs more than a slim install: {missing}; {ADVICE}")


def describe_missing() -> str:
    """What an audit needs and is not installed, as a clause; "" where all is there."""
    missing = list_missing()
    verb = "is" if len(missing) == 1 else "are"
    return f"{' and '.join(missing)} {verb} not installed here" if missing else ""


def load(module: str) -> ModuleType:
    """Import a module of ours and with it PyTorch, which takes longer than all the rest of a start.

    There is no garbage in modules, and looking for it takes a seventh of that time.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        return import_module(module)
    finally:
        if collects:
            gc.enable()


def is_installed(module: str) -> bool:
    """Whether a module can be found; imports none."""
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):  # a finder that refuses, or a module that was put in place by hand
        return False
