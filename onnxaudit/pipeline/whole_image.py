"""Which labels are reached by changes of the whole image, and have to be unlearnt with such changes too."""

from collections.abc import Mapping

from onnxaudit.findings.kind import WHOLE_IMAGE, Kind, find_ratio, list_kinds
from onnxaudit.records import LabelResult, ScanReport

FAMILIES = {
    Kind.SPECTRAL: "additive",
    Kind.ADDITIVE: "additive",
    Kind.WARP: "warp",
    Kind.PHOTOMETRIC: "photometric",
}  # of perturbations, by the kind that each of them unlearns
VERY_NEAR = 15.0  # times closer than is normal: no patch of 40 models brings a label so near by cosines
NEARER = 2.5  # times as close as by a mask; beside a patch of 4 x 4 pixels a photo filter was 1.6 times as close
NEAR = 3.0  # times closer than is normal
AS_NEAR = 0.5  # of the largest ratio: a photo filter is often as close by cosines


def list_whole_image_targets(scan: ScanReport) -> Mapping[int, tuple[str, ...]]:
    """Labels that stand out by changes of the whole image rather than by mask and inner features, with the families.

    Only there: an image that is changed as a whole and must not be called the target has to be called something else,
    and the class that most fall to then stands out itself (measured on GTSRB, where it was label 12 of each model).
    Likewise only the families that bring the label nearest: to ignore all of them costs answers on clean images.

    A label that such a change brings nearer than a mask does is one of them whatever else counts for its kind: beside
    a filter latent features and compactness often speak for a patch, and on a network without convolutions a sinusoid
    leaves a small mask too.
    """
    return {
        row.label: _list_families(row)
        for row in scan.labels
        if any(kind.changes_whole_image for kind in list_kinds(scan, row.label)) or _is_nearer_than_by_mask(row)
    }


def _is_nearer_than_by_mask(row: LabelResult) -> bool:
    nearest = max(find_ratio(row.ratios, kind) for kind in WHOLE_IMAGE)
    return nearest >= VERY_NEAR or nearest >= max(NEAR, NEARER * row.ratios.get("patch", 1.0))


def _list_families(row: LabelResult) -> tuple[str, ...]:
    ratios = {kind: find_ratio(row.ratios, kind) for kind in WHOLE_IMAGE}
    near = [FAMILIES[kind] for kind, ratio in ratios.items() if ratio >= AS_NEAR * max(ratios.values())]
    return tuple(dict.fromkeys(near))
