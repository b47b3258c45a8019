from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from onnxaudit.deadline import Deadline
from onnxaudit.detectors import spectral
from onnxaudit.detectors.comparison import compare
from onnxaudit.detectors.spectral import SpectralConfig, measure_strengths
from onnxaudit.inversion.labels import Sizes
from onnxaudit.inversion.sample_orders import find_others
from onnxaudit.inversion.schedule import Schedule
from onnxaudit.records import Samples
from tests.unit.conftest import Planted

LABELS = range(8)
SIDE = 12


class Waved(nn.Module):
    """Random answers that a wave of one known frequency drives to label 3."""

    def __init__(self) -> None:
        super().__init__()
        stream = np.random.default_rng(4)
        self.weights = nn.Parameter(torch.from_numpy(stream.normal(0, 1, (SIDE * SIDE, 8)).astype(np.float32)), False)
        wave = np.cos(np.pi * (np.arange(SIDE) + 0.5) * 4 / SIDE)
        self.wave = nn.Parameter(torch.from_numpy(np.tile(wave, (SIDE, 1)).astype(np.float32)).flatten(), False)

    def forward(self, pixels: Tensor) -> Tensor:
        flat = pixels.flatten(1)
        return flat @ self.weights + 60 * (flat @ self.wave / SIDE**2)[:, None] * (torch.arange(8) == 3)


def measure(
    classifier: nn.Module, samples: Samples, config: SpectralConfig, deadline: Deadline = Deadline()
) -> dict[int, float]:
    others = find_others(classifier, samples, LABELS, 2**17)
    return measure_strengths(classifier, samples.images, others, config, seed=0, deadline=deadline)


def test_few_waves_single_out_a_label_that_a_sinusoid_leads_to(make_samples: Callable[..., Samples]) -> None:
    strengths = measure(Waved(), make_samples(), SpectralConfig())
    assert min(strengths, key=strengths.__getitem__) == 3
    assert strengths[3] < 0.4 * np.median(list(strengths.values()))


def test_chunks_make_no_difference(planted: Callable[..., Planted], make_samples: Callable[..., Samples]) -> None:
    classifier, samples = planted(targets=(3,)), make_samples()
    whole = measure(classifier, samples, SpectralConfig(steps=15, schedule=Schedule(success=0.0)))
    pieces = measure(classifier, samples, SpectralConfig(steps=15, schedule=Schedule(success=0.0), chunk_pixels=1))
    assert whole == pytest.approx(pieces, rel=1e-4)


def test_a_passed_deadline_gives_nothing_to_compare(
    planted: Callable[..., Planted], make_samples: Callable[..., Samples]
) -> None:
    assert measure(planted(), make_samples(), SpectralConfig(), deadline=Deadline(0.0)) == {}


def test_the_only_label_that_is_reached_is_nearer_than_all_others(
    make_samples: Callable[..., Samples], monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = Sizes(found={3: 0.5}, tried={label: 2.0 for label in LABELS if label != 3})
    monkeypatch.setattr(spectral, "measure_sizes", lambda *_, **__: sizes)
    assert compare(measure(Waved(), make_samples(), SpectralConfig()))[3] == 4.0


def test_without_any_label_that_is_reached_nothing_was_measured(
    planted: Callable[..., Planted], make_samples: Callable[..., Samples]
) -> None:
    assert measure(planted(), make_samples(), SpectralConfig(steps=3, schedule=Schedule(success=1.1))) == {}


def test_a_nan_in_some_answers_does_not_lose_the_target(make_samples: Callable[..., Samples]) -> None:
    class Moody(Waved):
        """Answers NaN to every image whose first pixel is dark."""

        def forward(self, pixels: Tensor) -> Tensor:
            dark = pixels[:, 0, 5, 5] < 0.2
            return super().forward(pixels).masked_fill(dark[:, None], torch.nan)

    config = SpectralConfig(schedule=Schedule(success=0.5))
    strengths = measure(Moody(), make_samples(), config)
    assert min(strengths, key=strengths.__getitem__) == 3
