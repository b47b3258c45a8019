"""What pages say of settings is what the settings are."""

from math import exp

import pytest

from onnxaudit.detectors.all_to_all import AllToAll
from onnxaudit.detectors.compactness import SIDE, CompactnessConfig
from onnxaudit.detectors.exact_shift import ExactShiftConfig
from onnxaudit.detectors.patch import PatchConfig, PatchDetector
from onnxaudit.mitigation.pruning_config import PruningConfig
from onnxaudit.pipeline.settings import COSTLY, SAMPLES_OF_A_CLASS, SAMPLES_OF_COSTLY, DetectionConfig
from onnxaudit.records import InputSpec, Layout
from onnxaudit.scoring.closeness import (
    FULL_SIZE,
    FULL_Z,
    HIGHEST_EXCESS,
    HIGHEST_GAP,
    HIGHEST_Z,
    LEAST_SPREAD,
    LEAST_UNIT,
    NATURAL_LEADS,
    PRIOR_LABELS,
    PRIOR_SPREAD,
)
from onnxaudit.scoring.reference import ACCURACY_SCALE
from tests.documentation.pages import ROOT

DETECTION, REPAIR = DetectionConfig(), PruningConfig()
LARGE = DETECTION.fit_to(InputSpec("x", Layout.NCHW, 3, 224, 224, None))
RACE = PatchDetector.of_large
WEIGHTS = DETECTION.verdict
FEW = WEIGHTS.weights_of_few_classes
DECIDING = [
    f"7/{7 / SIDE:.0f} of the height and width",
    f"at least {PatchConfig().screening.schedule.success * 100:.0f} % of the images",
    f"The {DETECTION.suspects} most suspicious classes and {DETECTION.controls} random controls",
    f"With more than {DETECTION.most_labels} classes",
    f"{DETECTION.shortlist} classes by latent inversion, {DETECTION.shortlist} by maximum margin",
    f"and {DETECTION.drawn} drawn at random",
    f"{RACE.screening.steps} steps of",
    f"{RACE.screening.samples_per_step} images on masks of {RACE.screening.cells // 2}x{RACE.screening.cells // 2} and "
    f"patterns of {RACE.screening.cells}x{RACE.screening.cells} cells",
    f"the {LARGE.suspects} most suspicious and {LARGE.controls} random controls run again, for "
    f"{RACE.refinement.steps} steps of {RACE.refinement.samples_per_step}",
    f"At most {LARGE.most_samples} clean images are used, and {LARGE.most_unseen} unseen ones",
    f"the {RACE.screening.steps} steps find no trigger make {RACE.screening.further_steps} more",
    f"{COSTLY / 1e9:g} billion multiplications or more",
    f"{SAMPLES_OF_COSTLY} images are used, or {SAMPLES_OF_A_CLASS} of each class",
    f"the refinement sees {PatchDetector.of_costly.refinement.samples_per_step} a step",
    f"the search for all-to-all triggers {AllToAll.of_costly.samples_per_step}",
    f"the {LARGE.shortlist} that the exact shift finds nearest (from {ExactShiftConfig().samples_of_many} images)",
    f"and with {CompactnessConfig().natural:g}, which is usual",
    f"log-odds_k = − {-WEIGHTS.weights.offset:g} − ln max(N, {WEIGHTS.fewest_compared})",
    f"+ {WEIGHTS.weights.patch:g} · limit(ln r_patch + ln r_latent)",
    f"+ {WEIGHTS.weights.patch_gap:g} · gap(ln r_patch)",
    f"gap(x) = (x − q) / (σ + {LEAST_UNIT:g}), in [0, {HIGHEST_GAP:g}]",
    f"+ {WEIGHTS.weights.compactness:g} · max(0, ln r_compactness) · min(1, ln r_patch / ln {exp(FULL_SIZE):g})",
    f"+ {WEIGHTS.weights.exact_shift:g} · z(ln r_exact)",
    f"+ {WEIGHTS.weights.beyond_natural:g} · min({HIGHEST_EXCESS:g}, max(0, lead / natural lead − 1))",
    *(f"{natural:g} for {name}" for name, natural in NATURAL_LEADS.items()),
    f"`{WEIGHTS.source_weight:g} · ln(ratio / {WEIGHTS.source_ratio:g})`",
    f"min(1, x / ({FULL_Z:g} · spread))",
    f"min({HIGHEST_Z:g}, x / spread), pulled towards a spread of {PRIOR_SPREAD:g} as if {PRIOR_LABELS} more classes",
    f"never below {LEAST_SPREAD:g}",
    f"`{FEW.offset:g} − ln {WEIGHTS.fewest_compared} + {FEW.patch:g} · limit(ln r_patch + ln r_latent) + "
    f"{FEW.compactness:g} · max(0, ln r_compactness)",
    f"With fewer than {WEIGHTS.fewest_classes} classes",
    f"accuracy on the clean images below {WEIGHTS.well_trained * 100:.0f} %",
    f"only with log-odds of {WEIGHTS.convincing:g} or more",
    f"only above {WEIGHTS.convincing_among_few:g}",
    f"|accuracy − accuracy_i| / {ACCURACY_SCALE:g}",
    f"over all models is less than {WEIGHTS.fewest_similar:g}",
    f"{WEIGHTS.synthetic_discount:g} is taken off",
    f"fewer than {WEIGHTS.unseen_success * 100:.0f} % of the unseen",
    f"`{WEIGHTS.universal_weight:g} · ln(size ratio / {WEIGHTS.universal_ratio:g})`",
    f"below {WEIGHTS.clean_below:g} | *clean*",
    f"own score is at least {WEIGHTS.clean_below:g} and whose term of compactness",
    f"is at least {WEIGHTS.further_compact:g}: a small and compact trigger",
    f"fewer than {DETECTION.fewest_settled * 100:.0f} % of the classes",
    f"`Q` is at least {REPAIR.min_agreement * 100:.0f} %",
    f"its aim {REPAIR.aim * 100:.0f} %",
    f"`S` = {REPAIR.max_success * 100:.0f} %",
]


def read_page(name: str) -> str:
    """A page's text, its lines joined."""
    return " ".join((ROOT / "docs" / name).read_text(encoding="utf-8").split())


@pytest.mark.parametrize("said", DECIDING)
def test_the_page_on_deciding_gives_the_constants_in_force(said: str) -> None:
    assert " ".join(said.split()) in read_page("explanation/how-it-decides.md")


def test_the_page_on_repairs_gives_the_limits_in_force() -> None:
    page = read_page("how-to/repair.md")
    assert f"at least {REPAIR.min_agreement * 100:.0f} % of held-out" in page
    assert f"fewer than {REPAIR.max_success * 100:.0f} % of them" in page
