"""The planted classifier and its samples as fixtures, and settings under which it is scanned quickly."""

from collections.abc import Callable
from pathlib import Path

import pytest

from onnxaudit.detectors.all_to_all import AllToAllConfig
from onnxaudit.detectors.latent_inversion import LatentInversionConfig
from onnxaudit.detectors.patch import PatchConfig
from onnxaudit.detectors.spectral import SpectralConfig
from onnxaudit.pipeline import DetectionConfig, InversionConfig, ScanConfig
from onnxaudit.records import GivenPreprocessing, Trigger
from onnxaudit.scoring.settings import VerdictConfig
from tests.unit.conftest import UNWEIGHED
from tools.testbed.planted import CLASSES, make_true_trigger, write_planted, write_samples

BRIEF, SHORT, LONGER = InversionConfig(steps=8), InversionConfig(steps=60), InversionConfig(steps=100)
BRIEF_PATCH = PatchConfig(screening=BRIEF, refinement=BRIEF)
BRIEF_SCAN = ScanConfig(DetectionConfig(settings={"patch": BRIEF_PATCH, **UNWEIGHED}, replicates=0))
SHORT_PATCH = PatchConfig(screening=SHORT, refinement=LONGER)
SHORT_SCAN = ScanConfig(
    DetectionConfig(
        settings={"patch": SHORT_PATCH, **UNWEIGHED},
        verdict=VerdictConfig(fewest_classes=CLASSES, fewest_similar=0.0),  # such toys are quick, and good enough
    )
)
QUICK = InversionConfig(steps=40)
QUICK_SCAN = ScanConfig(  # enough for a repair of a label that is named
    DetectionConfig(
        settings={
            "patch": PatchConfig(screening=QUICK, refinement=QUICK),
            "spectral": SpectralConfig(steps=8),
            "all-to-all": AllToAllConfig(steps=8, starts=1),
            "latent-inversion": LatentInversionConfig(steps=8),
            **UNWEIGHED,
        },
        replicates=0,
    )
)
UNIT = GivenPreprocessing(range=(0.0, 1.0))


@pytest.fixture
def make_model(tmp_path: Path) -> Callable[..., Path]:
    """Writes the model, backdoored or clean."""

    def make(*, backdoored: bool = True) -> Path:
        return write_planted(tmp_path, backdoored=backdoored)

    return make


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Clean samples with labels."""
    return write_samples(tmp_path)


@pytest.fixture
def true_trigger() -> Trigger:
    """What the attacker stamps."""
    return make_true_trigger()
