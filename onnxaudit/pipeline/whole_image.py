"""Which labels are reached by changes of the whole image, and have to be unlearnt with such changes too."""

import torch

from onnxaudit.findings.kind import list_kinds
from onnxaudit.mitigation.distortions import leads_best
from onnxaudit.mitigation.evaluation import ReferenceSamples
from onnxaudit.pipeline.context import RepairContext
from onnxaudit.records import ScanReport
from onnxaudit.workers import Workers


def find_whole_image_targets(context: RepairContext, fitting: ReferenceSamples) -> tuple[int, ...]:
    """Labels whose evidence in the scan is of this kind; of one that only the caller has named, it is looked for.

    Args:
        context: the repair.
        fitting: the samples to look with.
    """
    subject, named, config = context.subject, context.target, context.config.fine_tuning.distortion
    evident = list_whole_image_targets(context.scan)
    if named is None or named in (*evident, *context.scan.target_labels) or not config.number:
        return evident
    draw = torch.Generator().manual_seed(context.seed)
    with Workers(torch.device(subject.device)) as workers:
        leads = leads_best(
            subject.classifier, fitting.images, fitting.classes, named, config, draw=draw, workers=workers
        )
    return (*evident, named) if leads else evident


def list_whole_image_targets(scan: ScanReport) -> tuple[int, ...]:
    """Labels that stand out by changes of the whole image rather than by mask and inner features.

    Only there: an image that is changed as a whole and must not be called the target has to be called something else,
    and the class that most fall to then stands out itself (measured on GTSRB, where it was label 12 of each model).
    """
    return tuple(
        row.label for row in scan.labels if any(kind.changes_whole_image for kind in list_kinds(scan, row.label))
    )
