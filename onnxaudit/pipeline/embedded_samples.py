"""A few clean samples for a report's pictures, with what the model answers to them without and with each trigger."""

from dataclasses import replace

import numpy as np

from onnxaudit.pipeline.subject import Subject
from onnxaudit.records import EmbeddedSamples, Floats, Ints, ScanReport

COUNT = 4  # as many as stand beside each other in a report
OF_TARGET, TARGETS = (
    2,
    3,
)  # samples of each flagged class, to see whether the trigger is a feature of it; so many classes


def embed(report: ScanReport, subject: Subject) -> ScanReport:
    """The report with samples of `subject`: some of no target label where there are such, then some of targets."""
    images = subject.samples.images
    predicted = _predict(subject, images)
    chosen = choose_samples(predicted, report.target_labels)
    chosen += [one for one in choose_of_targets(predicted, report.target_labels) if one not in chosen]
    shown = (np.rint(255 * images[chosen]) / 255).astype(np.float32)
    triggered = {finding.label: _predict(subject, finding.trigger.apply(shown)) for finding in report.triggers}
    return replace(
        report,
        embedded=EmbeddedSamples(
            shown,
            _list(_predict(subject, shown)),
            {label: _list(answers) for label, answers in triggered.items()},
        ),
    )


def choose_samples(predicted: Ints, targets: tuple[int, ...]) -> list[int]:
    """Positions of at most `COUNT` samples, the first of each of some classes spread over all, targets left out.

    Args:
        predicted: the model's answers `(n,)`.
        targets: labels that triggers lead to.
    """
    classes, first = np.unique(predicted, return_index=True)
    others = first[~np.isin(classes, targets)]
    candidates = others if len(others) else first
    places = np.linspace(0, len(candidates) - 1, min(COUNT, len(candidates))).round().astype(int)
    return [int(position) for position in candidates[places]]


def choose_of_targets(predicted: Ints, targets: tuple[int, ...]) -> list[int]:
    """Positions of the first `OF_TARGET` samples of each of the first `TARGETS` targets, surest first."""
    found = (np.flatnonzero(predicted == label)[:OF_TARGET] for label in targets[:TARGETS])
    return [int(position) for positions in found for position in positions]


def _predict(subject: Subject, images: Floats) -> Ints:
    answers: Ints = subject.runtime.predict(images).argmax(axis=1)
    return answers


def _list(answers: Ints) -> tuple[int, ...]:
    return tuple(int(answer) for answer in answers)
