from pathlib import Path

import numpy as np
import pytest

from onnxaudit.deadline import Deadline
from onnxaudit.detectors.latent_inversion import LatentInversionConfig, measure_lengths
from onnxaudit.importer import Classifier, import_model
from onnxaudit.intake import load_model
from onnxaudit.inversion.schedule import Schedule
from onnxaudit.records import Preprocessing, Samples
from tools.testbed.planted import BACKDOOR_NEURON, BODY, CLASSES, TARGET, draw_samples, make_weights
from tools.testbed.tiny_models import build, write

CONFIG = LatentInversionConfig(steps=80)


def open_planted(folder: Path, *, backdoored: bool) -> Classifier:
    weights = make_weights(backdoored)
    weights["b1"][BACKDOOR_NEURON] = 0.0  # a shift starts at zero and finds only what is not quite silent
    model = load_model(write(build(BODY, weights), folder))
    return Classifier(import_model(model), Preprocessing())


@pytest.fixture
def samples() -> Samples:
    drawn = draw_samples(4, seed=9)
    return Samples((drawn["x"] / 255).astype(np.float32), drawn["y"], "planted")


def test_the_shortest_shift_leads_to_the_planted_target(tmp_path: Path, samples: Samples) -> None:
    shifts = measure_lengths(
        open_planted(tmp_path, backdoored=True), samples, "flat", CONFIG, seed=0, deadline=Deadline()
    )
    assert len(shifts) == CLASSES
    assert min(shifts, key=shifts.__getitem__) == TARGET
    others = [length for label, length in shifts.items() if label != TARGET]
    assert shifts[TARGET] < 0.7 * np.median(others)


def test_without_a_backdoor_no_shift_is_much_shorter(tmp_path: Path, samples: Samples) -> None:
    shifts = measure_lengths(
        open_planted(tmp_path, backdoored=False), samples, "flat", CONFIG, seed=0, deadline=Deadline()
    )
    lengths = list(shifts.values())
    assert min(lengths) > 0.8 * np.median(lengths)


def test_the_same_seed_gives_the_same_lengths_in_chunks_of_any_size(tmp_path: Path, samples: Samples) -> None:
    classifier = open_planted(tmp_path, backdoored=True)
    small = LatentInversionConfig(steps=5, schedule=Schedule(success=0.0, window=1), most_values=1)
    large = LatentInversionConfig(steps=5, schedule=Schedule(success=0.0, window=1))
    one, two = (
        measure_lengths(classifier, samples, "flat", config, seed=1, deadline=Deadline()) for config in (small, large)
    )
    assert one.keys() == two.keys()
    np.testing.assert_allclose(list(one.values()), list(two.values()), atol=1e-6)


def test_a_passed_deadline_gives_nothing_to_compare(tmp_path: Path, samples: Samples) -> None:
    classifier = open_planted(tmp_path, backdoored=True)
    assert measure_lengths(classifier, samples, "flat", CONFIG, seed=0, deadline=Deadline(0.0)) == {}


def test_a_label_that_no_shift_reaches_has_no_length(tmp_path: Path, samples: Samples) -> None:
    classifier = open_planted(tmp_path, backdoored=True)
    impossible = LatentInversionConfig(steps=3, schedule=Schedule(success=1.1, window=1))
    assert measure_lengths(classifier, samples, "flat", impossible, seed=0, deadline=Deadline()) == {}
