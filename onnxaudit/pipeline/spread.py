"""Which labels are reached by changes of the whole image, and have to be unlearnt with such changes too."""

import torch

from onnxaudit.findings.kind import list_kinds
from onnxaudit.mitigation.distortions import DistortionConfig, leads_best
from onnxaudit.pipeline.measuring import classify
from onnxaudit.pipeline.subject import Subject
from onnxaudit.records import Samples, ScanReport
from onnxaudit.workers import Workers


def find_spread(
    subject: Subject,
    scan: ScanReport,
    named: int | None,
    fitting: Samples,
    config: DistortionConfig,
    seed: int,
) -> tuple[int, ...]:
    """Labels whose evidence in the scan is of this kind; of one that only the caller has `named`, it is looked for.

    Args:
        subject: the original.
        scan: of it.
        named: the label that the caller wants repaired, if one.
        fitting: the samples to look with.
        config: of distortions.
        seed: of all randomness.
    """
    spread = list_spread(scan)
    if named is None or named in (*spread, *scan.target_labels) or not config.number:
        return spread
    classes = classify(subject.runtime, fitting) if fitting.labels is None else fitting.labels
    draw = torch.Generator().manual_seed(seed)
    with Workers(torch.device(subject.device)) as workers:
        leads = leads_best(subject.classifier, fitting.images, classes, named, config, draw, workers)
    return (*spread, named) if leads else spread


def list_spread(scan: ScanReport) -> tuple[int, ...]:
    """Labels that stand out by changes of the whole image rather than by mask and inner features.

    Only there: an image that is changed as a whole and must not be called the target has to be called something else,
    and the class that most fall to then stands out itself (measured on GTSRB, where it was label 12 of each model).
    """
    return tuple(
        row.label for row in scan.labels if any(kind.changes_whole_image for kind in list_kinds(scan, row.label))
    )
