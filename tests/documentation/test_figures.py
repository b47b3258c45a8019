"""What pages say of settings is what the settings are."""

import pytest

from onnxaudit.detectors.compactness import SIDE, CompactnessConfig
from onnxaudit.detectors.patch import PatchConfig
from onnxaudit.mitigation.pruning import PruningConfig
from onnxaudit.pipeline.settings import DetectionConfig
from tests.documentation.pages import ROOT

DETECTION, REPAIR = DetectionConfig(), PruningConfig()
WEIGHTS = DETECTION.judgement
DECIDING = [
    f"7/{7 / SIDE:.0f} of the height and width",
    f"at least {PatchConfig().screening.schedule.success * 100:.0f} % of the images",
    f"The {DETECTION.suspects} most suspicious classes and {DETECTION.controls} random controls",
    f"With more than {DETECTION.most_labels} classes",
    f"{DETECTION.shortlist} classes by latent inversion, {DETECTION.shortlist} by maximum margin",
    f"and {DETECTION.drawn} drawn at random",
    f"and with {CompactnessConfig().natural:g}, which is usual",
    f"log-odds_k = − {-WEIGHTS.offset:g} − ln max(N, {WEIGHTS.fewest_compared})",
    f"+ {WEIGHTS.patch_weight:g} · c(r_patch · r_latent)",
    f"+ {WEIGHTS.compactness_weight:g} · max(0, ln r_compactness)",
    f"+ {WEIGHTS.spectral_weight:g} · c(r_spectral)",
    f"min(1, z / {WEIGHTS.full_distance:g})",
    f"never below {WEIGHTS.least_spread:g}",
    f"{WEIGHTS.synthetic_discount:g} is taken off",
    f"fewer than {WEIGHTS.unseen_success * 100:.0f} % of the unseen",
    f"`{WEIGHTS.universal_weight:g} · ln(size ratio / {WEIGHTS.universal_ratio:g})`",
    f"below {WEIGHTS.clean_below:g} | *clean*",
    f"fewer than {DETECTION.fewest_settled * 100:.0f} % of the classes",
    f"`Q` is at least {REPAIR.min_agreement * 100:.0f} %",
    f"more than {REPAIR.agreement_fall * 100:.0f} % (or one image)",
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
