"""The detectors that there are.

Each file of this package is one; its name, with hyphens, is the detector's id. Those of other packages are entry points
of the group `onnxaudit.detectors`, likewise named after the id. To list names imports none of them. Only detectors
that are asked for by name run, and only then is another package's code imported: what happens to be installed beside
onnxaudit changes no scan.
"""

import pkgutil
import re
from collections.abc import Iterable, Mapping
from importlib import import_module, metadata
from typing import Any, TypeVar

from onnxaudit import detectors
from onnxaudit.detectors.base import STAGES, Detector
from onnxaudit.errors import PluginError, UsageError
from onnxaudit.records import DetectorInfo
from onnxaudit.version import __version__

GROUP = "onnxaudit.detectors"
STANDARD = "standard"  # stands for all of onnxaudit's own
OWN_PACKAGE = f"onnxaudit {__version__}"
_NO_DETECTORS = {"base", "comparison", "family", "pair_comparison", "registry"}
_ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_WORDS = ("title", "explanation", "words", "stage")

Kind = TypeVar("Kind", bound=type[Detector])

_REGISTRY: dict[str, type[Detector]] = {}


def detector(kind: Kind) -> Kind:
    """Register a class as a detector.

    Raises:
        PluginError: it is none, or another one has its id.
    """
    name, missing = getattr(kind, "id", None), [word for word in _WORDS if not hasattr(kind, word)]
    place = f"{kind.__module__}.{kind.__qualname__}"
    if not isinstance(name, str) or not _ID.fullmatch(name) or name == STANDARD:
        raise PluginError(f"{place}: {name!r} is no id of a detector; take lower case, words joined by hyphens")
    if missing or kind.stage not in STAGES:
        needed = ", ".join(missing) or f"a stage out of {', '.join(STAGES)}"
        raise PluginError(f"{place}: a detector needs {needed}")
    known = _REGISTRY.get(name)
    if known is not None and (known.__module__, known.__qualname__) != (kind.__module__, kind.__qualname__):
        raise PluginError(f"{place}: {known.__module__} has a detector with the id {name} already")
    _REGISTRY[name] = kind
    return kind


def list_own() -> tuple[str, ...]:
    """Ids of onnxaudit's own detectors, sorted; imports none."""
    names = {module.name for module in pkgutil.iter_modules(detectors.__path__)} - _NO_DETECTORS
    return tuple(sorted(name.replace("_", "-") for name in names))


def list_installed() -> tuple[str, ...]:
    """Ids of other packages' detectors, sorted; imports none."""
    return tuple(sorted({point.name for point in metadata.entry_points(group=GROUP)} - set(list_own())))


def list_known() -> tuple[str, ...]:
    """Ids of all detectors, onnxaudit's own first; imports none."""
    return (*list_own(), *list_installed())


def check_names(names: Iterable[str], where: str) -> None:
    """Refuse names that no detector has: a misspelled demand would be none.

    Raises:
        UsageError: there is one.
    """
    known = (STANDARD, *list_known())
    for name in names:
        if name not in known:
            raise UsageError(f"{where}: {name!r} is not one of {', '.join(known)} (`onnxaudit detectors` lists them)")


def choose(names: Iterable[str] = (STANDARD,)) -> tuple[type[Detector], ...]:
    """The detectors of these names and those that they require, in the order in which they run.

    Raises:
        UsageError: there is no such detector.
        PluginError: one of another package cannot be loaded.
    """
    names = tuple(names)
    check_names(names, "detectors")
    wanted = [one for name in names for one in (list_own() if name == STANDARD else (name,))]
    found: dict[str, type[Detector]] = {}
    while wanted:
        name = wanted.pop()
        if name not in found:
            found[name] = load(name)
            wanted += found[name].requires
    stages = list(STAGES)
    return tuple(
        sorted(found.values(), key=lambda kind: (stages.index(kind.stage), _count_steps(kind, found), kind.id))
    )


def all_detectors() -> tuple[type[Detector], ...]:
    """Every detector, other packages' ones included, in the order in which they run.

    Raises:
        PluginError: one of another package cannot be loaded.
    """
    return choose((STANDARD, *list_installed()))


def load(name: str) -> type[Detector]:
    """The detector with this id.

    Raises:
        PluginError: another package's one cannot be loaded, or is none.
    """
    if name in list_own():
        import_module(f"{detectors.__name__}.{name.replace('-', '_')}")
        return _REGISTRY[name]
    points = metadata.entry_points(group=GROUP, name=name)
    if not points:
        raise PluginError(f"no detector has the id {name}; is its package installed?")
    point = next(iter(points))
    try:
        kind: Any = point.load()
    except Exception as error:  # whatever a stranger's module does when it is imported
        raise PluginError(f"detector {name} ({point.value}) cannot be loaded: {describe(error)}") from error
    if kind is None or _REGISTRY.get(name) is not kind:
        raise PluginError(f"detector {name} ({point.value}) is no class with @detector and the id {name}")
    return _REGISTRY[name]


def is_own(kind: type[Detector]) -> bool:
    """Whether a detector comes with onnxaudit."""
    return kind.__module__.startswith(f"{detectors.__name__}.")


def describe_progress(stage: str) -> str | None:
    """What is done while a loaded detector runs, for people; None for what is none."""
    kind = _REGISTRY.get(stage)
    return None if kind is None else kind.words.progress


def describe_detector(kind: type[Detector], *, weighed: bool = False) -> DetectorInfo:
    """A detector in words, for reports; the score knows whether its evidence is `weighed`."""
    return DetectorInfo(
        id=kind.id,
        title=kind.title,
        explanation=kind.explanation,
        stage=kind.stage,
        subject=kind.words.subject,
        closer=kind.words.closer,
        farther=kind.words.farther,
        rule=kind.rule,
        package=OWN_PACKAGE if is_own(kind) else _find_package(kind.id),
        weighed=weighed,
    )


def describe(error: BaseException) -> str:
    """One line about another package's error."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:500]


def _find_package(name: str) -> str:
    for point in metadata.entry_points(group=GROUP, name=name):
        if point.dist is not None:
            return f"{point.dist.name} {point.dist.version}"
    return "unknown"


def _count_steps(kind: type[Detector], found: Mapping[str, type[Detector]], limit: int = 20) -> int:
    """How many detectors have to run one after the other before this one.

    Raises:
        PluginError: it requires itself, perhaps by way of others.
    """
    if not limit:
        raise PluginError(f"detector {kind.id} requires itself, perhaps by way of others")
    return max((1 + _count_steps(found[name], found, limit - 1) for name in kind.requires), default=0)
