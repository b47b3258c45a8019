"""Which kind of backdoor the evidence about a label shows: decided here, read by report, gate and repair.

Each detector says how many times closer than is normal for this model a label is by one family of changes. The family
by which it is closest gives the kind. For a patch the ratios of mask size, latent inversion and compactness count
together, as they do in the verdict (a mask less compact than usual takes nothing away); where no mask was found at all,
latent inversion stands alone. A family that brings a label no closer than is normal shows nothing.

A label that an all-to-all trigger leads to is of that kind, and of a second one only where it stands out by itself.
"""

from collections.abc import Mapping
from enum import StrEnum

from onnxaudit.records import Detection, LabelResult, ScanReport


class Kind(StrEnum):
    """A family of triggers."""

    PATCH = "patch"  # few pixels, blended or replaced
    ADDITIVE = "additive"  # one faint pattern added to the whole image
    SPECTRAL = "spectral"  # a pattern of few cosines added to the whole image
    WARP = "warp"  # pixels moved
    PHOTOMETRIC = "photometric"  # brightness, contrast and colors changed
    SOURCE_SPECIFIC = "source-specific"  # few pixels, on images of some classes alone
    LATENT = "latent"  # inner features alone: no change of the image was found
    ALL_TO_ALL = "all-to-all"  # one trigger, each class to a class of its own

    @property
    def changes_whole_image(self) -> bool:
        """Whether no mask bounds the trigger: a repair then has to train against such changes as well."""
        return self in WHOLE_IMAGE


TITLES = {
    Kind.PATCH: "patch (BadNets, TrojanNN)",
    Kind.ADDITIVE: "additive pattern (Blended)",
    Kind.SPECTRAL: "spectral perturbation (SIG, Blended)",
    Kind.WARP: "warp (WaNet)",
    Kind.PHOTOMETRIC: "photometric change (filters)",
    Kind.SOURCE_SPECIFIC: "source-specific (TaCT)",
    Kind.LATENT: "latent inversion alone",
    Kind.ALL_TO_ALL: "all-to-all",
}  # with attacks that look so
WHOLE_IMAGE = (Kind.SPECTRAL, Kind.ADDITIVE, Kind.WARP, Kind.PHOTOMETRIC)
BY_ONE_RATIO = (*WHOLE_IMAGE, Kind.SOURCE_SPECIFIC)
DETECTORS = {
    Kind.SPECTRAL: "spectral",
    Kind.ADDITIVE: "additive",
    Kind.WARP: "warp",
    Kind.PHOTOMETRIC: "photometric",
    Kind.SOURCE_SPECIFIC: "source-specific",
    Kind.LATENT: "latent-inversion",
}  # that measure each

NATURAL = {Kind.WARP: 1.85, Kind.PHOTOMETRIC: 5.8, Kind.SOURCE_SPECIFIC: 2.28}
"""Ratios up to which the nearest label of 95 % of the clean models in the table of evidence comes by itself."""


def list_kinds(report: ScanReport | Detection, label: int) -> tuple[Kind, ...]:
    """The kinds that a report's evidence about one label shows; what is no target may be asked for too.

    Returns:
        One, or two where an all-to-all trigger leads to a label that stands out by itself too; all-to-all first.
    """
    row = next((row for row in report.labels if row.label == label), None)
    if report.universal is None or label not in report.universal.destinations:
        return (_tell(row),)
    stands_out = row is not None and row.log_odds is not None and row.log_odds > 0
    return (Kind.ALL_TO_ALL, _tell(row)) if stands_out else (Kind.ALL_TO_ALL,)


def _tell(row: LabelResult | None) -> Kind:
    return Kind.LATENT if row is None else tell_kind(row.ratios, mask_found=row.mask_l1 is not None)


def tell_kind(ratios: Mapping[str, float], *, mask_found: bool) -> Kind:
    """The kind that ratios show.

    Args:
        ratios: by detector, how many times closer than is normal the label is.
        mask_found: whether some mask sends enough samples to the label.
    """
    start = Kind.PATCH if mask_found else Kind.LATENT
    closeness = {start: max(1.0, find_ratio(ratios, start))}
    closeness |= {kind: find_ratio(ratios, kind) / NATURAL.get(kind, 1.0) for kind in BY_ONE_RATIO}
    return max(closeness, key=lambda kind: closeness[kind])  # of equal ones the first


def find_ratio(ratios: Mapping[str, float], kind: Kind) -> float:
    """How many times closer than is normal a label is by the family of `kind`; 1 where it was not measured."""
    measured = {str(detector): ratio for detector, ratio in ratios.items()}
    if kind is Kind.PATCH:
        compactness = max(1.0, measured.get("compactness", 1.0))
        return measured.get("patch", 1.0) * measured.get("latent-inversion", 1.0) * compactness
    return measured.get(DETECTORS[kind], 1.0)
