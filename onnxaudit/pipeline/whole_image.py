"""Which labels are reached by changes of the whole image, and have to be unlearnt with such changes too."""

from onnxaudit.findings.kind import list_kinds
from onnxaudit.records import ScanReport


def list_whole_image_targets(scan: ScanReport) -> tuple[int, ...]:
    """Labels that stand out by changes of the whole image rather than by mask and inner features.

    Only there: an image that is changed as a whole and must not be called the target has to be called something else,
    and the class that most fall to then stands out itself (measured on GTSRB, where it was label 12 of each model).
    """
    return tuple(
        row.label for row in scan.labels if any(kind.changes_whole_image for kind in list_kinds(scan, row.label))
    )
