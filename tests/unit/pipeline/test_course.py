"""Detectors are given what others found, and what they measure is checked and kept."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from onnxaudit.detectors.base import Context, Detector, Words
from onnxaudit.detectors.comparison import Role
from onnxaudit.errors import PluginError
from onnxaudit.pipeline.course import Course
from onnxaudit.records import Event, Evidence, Samples
from tests.unit.conftest import Planted


@dataclass(frozen=True)
class Sonar(Detector):
    """Measures what it is told to."""

    id = "sonar"
    title = "Sonar"
    explanation = "What it is told to"
    stage = "screening"
    words = Words(subject="it is", closer="nearer", farther="farther", progress="pinging")

    config: Any = None

    def measure(self, context: Context, labels: Sequence[int]) -> Evidence:
        """Whatever."""
        found: Evidence = self.config(context, labels)
        return found


@pytest.fixture
def context(planted: Callable[..., Planted], make_samples: Callable[..., Samples]) -> Context:
    samples = make_samples()
    return Context(classifier=planted(), known=samples, unseen=samples, classes=8, seed=0)


def run(
    context: Context, measure: Callable[[Context, Sequence[int]], Any], drawn: Sequence[int] = range(8)
) -> Evidence:
    (found,) = Course([Sonar(measure)], context).measure("screening", range(8), drawn)
    return found


def test_ratios_follow_from_the_labels_that_were_drawn(context: Context) -> None:
    distances = {label: float(label + 1) for label in range(8)}
    found = run(context, lambda *_: Evidence(detector="sonar", distances=distances), drawn=(3, 5))
    assert found.ratios[0] == 5.0
    assert found.ratios[4] == 1.0


def test_ratios_that_are_given_stay(context: Context) -> None:
    found = run(context, lambda *_: Evidence(detector="sonar", distances={0: 1.0}, ratios={0: 9.0}))
    assert found.ratios == {0: 9.0}


def test_a_detector_of_the_refinement_sees_suspects_and_controls_alone(context: Context) -> None:
    class Later(Sonar):
        stage = "refinement"  # type: ignore[assignment]

    seen: list[tuple[int, ...]] = []

    def measure(given: Context, labels: Sequence[int]) -> Evidence:
        seen.append(tuple(labels))
        assert given.roles == roles
        return Evidence(detector="sonar", distances={label: float(label + 1) for label in labels})

    roles: dict[int, Role] = {2: "suspect", 5: "control"}
    course = Course([Later(measure)], context)
    course.evidence["patch"] = Evidence(detector="patch", ratios=dict.fromkeys(range(8), 1.0))
    course.refine(roles)
    assert seen == [(2, 5)]
    assert course.ratios["sonar"] == {2: 2.0, 5: 1.0}


def test_progress_is_told_under_the_name_of_the_detector(context: Context) -> None:
    events: list[Event] = []
    given = replace(context, on_event=events.append)

    def measure(given: Context, labels: Sequence[int]) -> Evidence:
        given.tell("half", len(labels) // 2, len(labels))
        return Evidence(detector="sonar")

    run(given, measure)
    assert [(event.stage, event.done, event.total) for event in events] == [("sonar", 0, 0), ("sonar", 4, 8)]


@pytest.mark.parametrize(
    ("measured", "message"),
    [
        (None, "measured no evidence of its own"),
        (Evidence(detector="patch"), "measured no evidence of its own"),
        (Evidence(detector="sonar", distances={9: 1.0}), "9, which is no label"),
        (Evidence(detector="sonar", ratios={0: -1.0}), "-1.0 for label 0"),
        (Evidence(detector="sonar", ratios={0: float("inf")}), "inf for label 0"),
    ],
)
def test_evidence_of_another_package_is_checked(context: Context, measured: Any, message: str) -> None:
    with pytest.raises(PluginError, match=f"detector sonar .*{message}"):
        run(context, lambda *_: measured)


def test_an_error_in_another_package_is_one_that_names_it(context: Context) -> None:
    def fail(*_: Any) -> Any:
        raise ZeroDivisionError("by\nzero")

    with pytest.raises(PluginError, match="detector sonar failed: ZeroDivisionError: by zero"):
        run(context, fail)
