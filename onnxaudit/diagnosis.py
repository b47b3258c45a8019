"""`diagnose`: does everything that an audit needs work here?

Imports what it checks within the checks alone, so that what is missing or broken is found and told.
"""

import platform
import sys
from collections.abc import Callable, Iterator, Mapping
from importlib import metadata
from typing import Any

from onnxaudit.isolation.box import Box
from onnxaudit.isolation.bubblewrap import find_program, try_program
from onnxaudit.isolation.landlock import find_abi
from onnxaudit.isolation.limits import Limits
from onnxaudit.isolation.seccomp import is_known_machine
from onnxaudit.isolation.worker import can_fork, run
from onnxaudit.packages import ADVICE, NAMES
from onnxaudit.records import Check
from onnxaudit.version import __version__

PYTHON = (3, 11)
REINSTALL = "install onnxaudit again in a fresh environment"
# Distributions that hold one and the same package: the one installed last has overwritten the others in part.
RUNTIMES = ("onnxruntime", "onnxruntime-gpu", "onnxruntime-directml", "onnxruntime-openvino", "onnxruntime-silicon")
CONTAIN = "scan files of strangers in a container without network and secrets"
NEEDED = ("numpy", "onnx", "onnx-graphsurgeon", "pillow", "pydantic", "rich", "torch", "typer")


def diagnose() -> tuple[Check, ...]:
    """Every check, whatever the others find."""
    versions = _list_versions()
    checks = [_check_python(), _check_packages(versions), _check_runtimes(versions)]
    checks += [_check_isolation(), _check_bubblewrap()]
    checks += [_guard(name, check) for name, check in (("PyTorch", _try_torch), ("ONNX Runtime", _try_runtime))]
    return (*checks, *_guard_devices())


def _list_versions() -> dict[str, str]:
    """Versions of what is installed, of the packages that matter."""
    versions = {}
    for package in (*NEEDED, *RUNTIMES):
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return versions


def _check_python() -> Check:
    detail = f"onnxaudit {__version__}, Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    if sys.version_info < PYTHON:
        return Check("Python", "error", detail, f"use Python {'.'.join(map(str, PYTHON))} or newer")
    return Check("Python", "ok", detail)


def _check_packages(versions: Mapping[str, str]) -> Check:
    missing = [package for package in NEEDED if package not in versions]
    listed = ", ".join(f"{package} {versions[package]}" for package in NEEDED if package in versions)
    if missing:
        slim = {*missing} <= {name.replace("_", "-") for name in NAMES}
        return Check("packages", "error", f"missing: {', '.join(missing)}", ADVICE if slim else REINSTALL)
    return Check("packages", "ok", listed)


def _check_runtimes(versions: Mapping[str, str]) -> Check:
    found = [f"{package} {versions[package]}" for package in RUNTIMES if package in versions]
    if not found:
        return Check("ONNX Runtime packages", "error", "none is installed", "pip install onnxruntime")
    if len(found) > 1:
        names = " ".join(package for package in RUNTIMES if package in versions)
        return Check(
            "ONNX Runtime packages",
            "error",
            f"{' and '.join(found)} stand side by side and overwrite each other's files",
            f"pip uninstall {names}, then install one of them again",
        )
    return Check("ONNX Runtime packages", "ok", found[0])


def _guard(name: str, check: Callable[[], str]) -> Check:
    """What a trial says, or how it failed: a broken installation fails in ways that nobody foresees."""
    try:
        return Check(name, "ok", check())
    except ModuleNotFoundError as error:
        if error.name not in NAMES:
            return Check(name, "error", str(error), REINSTALL)
        return Check(name, "error", "not installed: inspect, report, verify, diff and policy do without", ADVICE)
    except Exception as error:
        return Check(name, "error", f"{type(error).__name__}: {error}", REINSTALL)


def _try_torch() -> str:
    import torch

    weight = torch.ones(3, requires_grad=True)
    (2 * weight).sum().backward()  # type: ignore[no-untyped-call]
    if weight.grad is None or weight.grad.tolist() != [2.0, 2.0, 2.0]:
        raise ArithmeticError("the gradient of a sum is wrong")
    return f"computes gradients, on {torch.get_num_threads()} threads"


def _try_runtime() -> str:
    from onnxaudit.runtime import try_session

    providers = try_session()
    return f"runs a model; providers: {', '.join(providers)}"


def _guard_devices() -> Iterator[Check]:
    try:
        yield _check_devices()
    except Exception as error:
        yield Check("devices", "warning", f"could not be listed, {type(error).__name__}: {error}")


def _check_isolation() -> Check:
    """What holds the process that opens strangers' files; tried in one."""
    if not can_fork():
        return Check("isolation", "warning", "no worker process on this system", CONTAIN)
    tried = run(lambda _: b"", Box(limits=Limits(cpu=60, memory=2**40, file_size=2**40)).shut, 30.0)
    if tried.result is None:
        return Check("isolation", "warning", f"a worker process {tried.words}", CONTAIN)
    complete = find_abi() >= 1 and is_known_machine()
    return Check("isolation", "ok" if complete else "warning", tried.held, "" if complete else CONTAIN)


def _check_bubblewrap() -> Check:
    """Whether there can be a second wall."""
    program = find_program()
    if program is None:
        return Check("bubblewrap", "ok", "not installed; needed for --sandbox bwrap alone")
    if why := try_program(program):
        return Check("bubblewrap", "warning", f"makes no namespaces here: {why}", CONTAIN)
    return Check("bubblewrap", "ok", "makes namespaces: --sandbox bwrap can be had")


def _check_devices() -> Check:
    import torch

    from onnxaudit.runtime import CUDA, try_session

    runtime_has_cuda = CUDA in try_session()
    if not torch.cuda.is_available():
        return Check("devices", "ok", "CPU; no CUDA device for PyTorch, none is needed")
    names = ", ".join(_name_devices(torch))
    if not runtime_has_cuda:
        return Check("devices", "warning", f"CUDA for PyTorch alone: {names}", "pip install onnxruntime-gpu instead")
    return Check("devices", "ok", f"CUDA: {names}")


def _name_devices(torch: Any) -> list[str]:
    return [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
