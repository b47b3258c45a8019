"""Which labels are reached by changes of the whole image, and have to be unlearnt with such changes too."""

from collections.abc import Iterator, Mapping

from onnxaudit.findings.kind import DETECTORS, WHOLE_IMAGE, Kind, find_ratio, list_kinds
from onnxaudit.pipeline.nearness import list_unusual
from onnxaudit.records import LabelResult, ScanReport
from onnxaudit.text import join_words

Families = Mapping[int, tuple[str, ...]]
"""Ids of families of perturbations, by label."""

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


def list_whole_image_targets(scan: ScanReport) -> Families:
    """Labels that stand out by changes of the whole image rather than by mask and inner features, with the families.

    Only there: an image that is changed as a whole and must not be called the target has to be called something else,
    and the class that most fall to then stands out itself (measured on GTSRB, where it was label 12 of each model).
    Likewise only the families that bring the label nearest: to ignore all of them costs answers on clean images.

    A label that such a change brings nearer than a mask does is one of them whatever else counts for its kind: beside
    a filter latent features and compactness often speak for a patch, and on a network without convolutions a sinusoid
    leaves a small mask too.
    """
    return {row.label: families for row in scan.labels if (families := _list_families(scan, row))}


def join(known: Families, further: Families) -> Families:
    """By label the families of both."""
    both = {label: (*known.get(label, ()), *further.get(label, ())) for label in (*known, *further)}
    return {label: tuple(dict.fromkeys(families)) for label, families in both.items()}


def list_near(scan: ScanReport, label: int) -> tuple[str, ...]:
    """The families of changes of the whole image by which a label is unusually near."""
    near = set(list_unusual(scan, label))
    return tuple(dict.fromkeys(FAMILIES[kind] for kind in WHOLE_IMAGE if DETECTORS[kind] in near))


def describe_unlearned(unlearned: Families) -> Iterator[str]:
    """For each target what was unlearned beside masks, one sentence."""
    for label, families in unlearned.items():
        yield f"fine-tuning unlearned changes of the whole image for label {label}: {join_words(families)}"


def _list_families(scan: ScanReport, row: LabelResult) -> tuple[str, ...]:
    """Those that the evidence about a label speaks for."""
    ratios = {kind: find_ratio(row.ratios, kind) for kind in WHOLE_IMAGE}
    found = []
    if any(kind.changes_whole_image for kind in list_kinds(scan, row.label)) or _is_nearer_than_by_mask(row):
        found += [FAMILIES[kind] for kind, ratio in ratios.items() if ratio >= AS_NEAR * max(ratios.values())]
    return tuple(dict.fromkeys(found))


def _is_nearer_than_by_mask(row: LabelResult) -> bool:
    nearest = max(find_ratio(row.ratios, kind) for kind in WHOLE_IMAGE)
    return nearest >= VERY_NEAR or nearest >= max(NEAR, NEARER * row.ratios.get("patch", 1.0))
