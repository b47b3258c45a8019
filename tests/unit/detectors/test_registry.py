"""Detectors are found by name, run in their order, and refused where they are none."""

import importlib.metadata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import pytest

from onnxaudit.detectors import registry
from onnxaudit.detectors.base import STAGES, Context, Detector, Words
from onnxaudit.errors import PluginError, UsageError
from onnxaudit.findings.rules import RULES
from onnxaudit.records import Evidence
from onnxaudit.scoring.label_evidence import WEIGHED

OWN = registry.choose()


@pytest.fixture(autouse=True)
def kept() -> Iterator[None]:
    """What a test registers is forgotten."""
    known = dict(registry._REGISTRY)
    yield
    registry._REGISTRY.clear()
    registry._REGISTRY.update(known)


def make_detector(**changes: Any) -> Any:
    words = Words(subject="it is", closer="nearer", farther="farther")
    told = {"id": "sonar", "title": "Sonar", "explanation": "What", "stage": "screening", "words": words, **changes}

    def measure(self: Any, context: Context, labels: Sequence[int]) -> Evidence:
        del self, context, labels
        return Evidence(detector="sonar")

    return dataclass(frozen=True)(type("Sonar", (Detector,), {**told, "config": None, "measure": measure}))


def install(monkeypatch: pytest.MonkeyPatch, kind: Any, name: str = "sonar") -> None:
    """An entry point that leads to `kind`."""

    class Point:
        value, dist = "somewhere:Sonar", None

        def __init__(self) -> None:
            self.name = name

        def load(self) -> Any:
            if isinstance(kind, BaseException):
                raise kind
            return kind

    def find(group: str, name: str | None = None) -> list[Any]:
        point = Point()
        return [point] if group == registry.GROUP and name in (None, point.name) else []

    monkeypatch.setattr(importlib.metadata, "entry_points", find)


def test_what_the_score_weighs_exists() -> None:
    assert set(WEIGHED) <= {kind.id for kind in OWN}


@pytest.mark.parametrize("kind", OWN, ids=lambda kind: kind.id)
def test_every_detector_says_what_belongs_to_it(kind: type[Detector]) -> None:
    info = registry.describe_detector(kind)
    assert all((info.title, info.explanation, info.subject, info.closer, info.farther))
    assert not info.explanation.endswith(".")
    assert info.rule in {"", *(rule.id for rule in RULES)}
    assert info.package == registry.OWN_PACKAGE
    make: Any = kind
    assert is_dataclass(make().config)
    assert kind.__doc__ is not None
    assert all(isinstance(one, type(make().config)) for one in kind.efforts.values())
    assert fields(make())[0].name == "config"


def test_detectors_run_by_stage_and_after_what_they_require() -> None:
    stages, names = [list(STAGES).index(kind.stage) for kind in OWN], [kind.id for kind in OWN]
    assert stages == sorted(stages)
    assert names.index("patch") < names.index("compactness")


def test_what_is_required_is_chosen_too() -> None:
    assert [kind.id for kind in registry.choose(["compactness"])] == ["patch", "compactness"]


def test_a_name_that_nobody_has_is_refused() -> None:
    with pytest.raises(UsageError, match="'sonar' is not one of standard"):
        registry.choose(["sonar"])


def test_a_detector_of_another_package_runs_where_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, registry.detector(make_detector()))
    assert "sonar" in registry.list_installed()
    assert "sonar" not in {kind.id for kind in registry.choose()}
    assert "sonar" in {kind.id for kind in registry.choose(["standard", "sonar"])}
    assert "sonar" in {kind.id for kind in registry.all_detectors()}


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (ImportError("no module named sonar"), "cannot be loaded: ImportError: no module named sonar"),
        (SyntaxError("what?"), "cannot be loaded: SyntaxError"),
        (make_detector(), "no class with @detector and the id sonar"),
        (None, "no class with @detector"),
    ],
)
def test_a_broken_package_is_an_error_that_names_it(monkeypatch: pytest.MonkeyPatch, kind: Any, message: str) -> None:
    install(monkeypatch, kind)
    with pytest.raises(PluginError, match=f"detector sonar \\(somewhere:Sonar\\) .*{message}"):
        registry.choose(["sonar"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"id": "Sonar"}, "no id of a detector"),
        ({"id": "standard"}, "no id of a detector"),
        ({"id": None}, "no id of a detector"),
        ({"stage": "later"}, "a stage out of survey"),
        ({"id": "patch"}, "has a detector with the id patch already"),
    ],
)
def test_what_is_no_detector_is_not_registered(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(PluginError, match=message):
        registry.detector(make_detector(**changes))


def test_a_detector_that_requires_itself_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, registry.detector(make_detector(requires=("sonar",))))
    with pytest.raises(PluginError, match="requires itself"):
        registry.choose(["sonar"])


def test_the_package_of_onnxaudit_cannot_be_taken_over(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, make_detector(id="patch"), name="patch")
    assert registry.list_installed() == ()
    assert registry.is_own(registry.load("patch"))
