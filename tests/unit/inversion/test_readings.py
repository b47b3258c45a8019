from pathlib import Path

import numpy as np
import pytest

from onnxaudit.detectors.base import Context
from onnxaudit.detectors.exact_shift import ExactShift
from onnxaudit.detectors.latent_inversion import LatentInversion, LatentInversionConfig
from onnxaudit.importer import Classifier, import_model
from onnxaudit.intake import load_model
from onnxaudit.inversion.forwards import compute_logits
from onnxaudit.inversion.readings import Readings, read_samples
from onnxaudit.records import Floats, Preprocessing, Samples
from onnxaudit.surgery import find_features, find_head
from tests.some import some
from tools.testbed.planted import CLASSES, draw_samples, write_planted

FEW = 2**9  # pixels: a few images at once


@pytest.fixture
def network(tmp_path: Path) -> tuple[Classifier, list[str]]:
    model = load_model(write_planted(tmp_path, backdoored=True))
    return Classifier(import_model(model), Preprocessing()), [some(find_features(model)), some(find_head(model))]


@pytest.fixture
def images() -> Floats:
    return (draw_samples(4, seed=9)["x"] / 255).astype(np.float32)


def test_one_run_reads_logits_and_inner_tensors(network: tuple[Classifier, list[str]], images: Floats) -> None:
    classifier, names = network
    found = read_samples(classifier, images, names, chunk_pixels=FEW, most_values=2**20)
    np.testing.assert_allclose(found.logits, compute_logits(classifier, images, FEW), atol=1e-5)
    assert set(found.inner) == set(names)
    assert all(len(value) == len(images) for value in found.inner.values())


def test_a_tensor_that_would_take_too_much_memory_is_left_out(
    network: tuple[Classifier, list[str]], images: Floats
) -> None:
    classifier, names = network
    assert not read_samples(classifier, images, names, chunk_pixels=FEW, most_values=len(images)).inner


def test_some_of_what_was_read_stands_in_the_order_that_is_asked_for() -> None:
    logits = np.arange(6, dtype=np.float32).reshape(3, 2)
    assert Readings(logits=logits).take(np.array([2, 0])).logits.tolist() == [[4, 5], [0, 1]]
    assert Readings(logits=logits).take(np.array([False, True, False])).logits.tolist() == [[2, 3]]


def test_detectors_measure_the_same_on_what_was_read_before(
    network: tuple[Classifier, list[str]], images: Floats, monkeypatch: pytest.MonkeyPatch
) -> None:
    classifier, (features, head) = network
    found = read_samples(classifier, images, [features, head], chunk_pixels=FEW, most_values=2**20)
    samples = Samples(images, found.logits.argmax(1), "planted")
    half = np.arange(len(images)) % 2 == 0

    def make_context(*, read: bool) -> Context:
        parts = (found.take(half), found.take(~half)) if read else (None, None)
        return Context(
            classifier=classifier,
            known=samples.take(half),
            unseen=samples.take(~half),
            features=features,
            head=head,
            classes=CLASSES,
            seed=0,
            of_known=parts[0],
            of_unseen=parts[1],
        )

    detectors = (ExactShift(), LatentInversion(LatentInversionConfig(steps=20)))
    usual = [one.measure(make_context(read=False), range(CLASSES)).distances for one in detectors]
    monkeypatch.setattr(Classifier, "values", None)  # no image is run again
    for one, distances in zip(detectors, usual, strict=True):
        again = one.measure(make_context(read=True), range(CLASSES)).distances
        assert again == pytest.approx(distances, rel=1e-3)
