"""The models here tell where in an image something of a certain brightness is, and are blind to what is far from it."""

from collections.abc import Callable

import numpy as np
import pytest

from onnxaudit.data import preprocessing_choice
from onnxaudit.data.preprocessing import common_preprocessings, preprocess
from onnxaudit.data.preprocessing_choice import choose_preprocessing
from onnxaudit.data.synthetic import synthesize_samples
from onnxaudit.errors import ModelError, NanError, UndecidedRangeError
from onnxaudit.records import InputSpec, Layout, Preprocessing, Samples
from tests.some import some

SPEC = InputSpec("x", Layout.NCHW, 3, 12, 12, None)
COMMON = {candidate.name: candidate for candidate in common_preprocessings(3)}
CLASSES = 4


def images_and_labels(count: int = 80, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """The class is the corner of a certain brightness; the others are dark or bright."""
    generator = np.random.default_rng(seed)
    labels = np.arange(count) % CLASSES
    brightness = generator.choice([0.05, 0.9], (count, CLASSES))
    brightness[np.arange(count), labels] = 0.3
    images = generator.uniform(-0.05, 0.05, (count, 3, 12, 12))
    images += np.kron(brightness.reshape(count, 1, 2, 2), np.ones((6, 6)))
    return images.astype(np.float32), labels


def model_wanting(wanted: Preprocessing) -> Callable[[np.ndarray, Preprocessing], np.ndarray]:
    """Scores by how near each corner comes to a certain brightness, blind to what is far from it."""
    dark = preprocess(np.zeros((1, 3, 1, 1), np.float32), wanted, Layout.NCHW)
    bright = preprocess(np.ones((1, 3, 1, 1), np.float32), wanted, Layout.NCHW)

    def predict(pixels: np.ndarray, preprocessing: Preprocessing) -> np.ndarray:
        inputs = preprocess(pixels, preprocessing, Layout.NCHW)
        seen = ((inputs - dark) / (bright - dark)).reshape(len(inputs), 3, 2, 6, 2, 6).mean(axis=(1, 3, 5))
        return np.round(np.exp(-(((seen - 0.3) / 0.1) ** 2)), 2).reshape(len(inputs), CLASSES)

    return predict


def samples(*, labeled: bool, count: int = 80) -> Samples:
    images, labels = images_and_labels(count)
    return Samples(images, labels if labeled else None, "test")


@pytest.mark.parametrize("name", ["0..1", "0..255", "-1..1", "ImageNet", "Caffe"])
def test_with_labels_the_best_accuracy_wins(name: str) -> None:
    choice = choose_preprocessing(model_wanting(COMMON[name]), samples(labeled=True), SPEC)
    assert choice.preprocessing.name == name
    assert choice.source == "labels"
    best = max(choice.candidates, key=lambda candidate: some(candidate.accuracy))
    assert best.preprocessing.name == name
    assert choice.explanation.startswith(f"{name}: ")


@pytest.mark.parametrize("name", ["0..1", "0..255"])
def test_without_labels_stable_and_diverse_predictions_win(name: str) -> None:
    choice = choose_preprocessing(model_wanting(COMMON[name]), samples(labeled=False), SPEC)
    assert (choice.preprocessing.name, choice.source) == (name, "stability")
    assert all(candidate.accuracy is None for candidate in choice.candidates)


@pytest.mark.parametrize("name", ["0..1", "0..255"])
def test_large_images_are_asked_in_part_where_that_tells_enough(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preprocessing_choice, "LARGE_IMAGE", 3 * 12 * 12 - 1)
    wanted, asked = model_wanting(COMMON[name]), list[int]()

    def predict(pixels: np.ndarray, preprocessing: Preprocessing) -> np.ndarray:
        asked.append(len(pixels))
        return wanted(pixels, preprocessing)

    assert choose_preprocessing(predict, samples(labeled=False, count=240), SPEC).preprocessing.name == name
    assert max(asked) == preprocessing_choice.FIRST_UNLABELED


def test_who_is_clearly_worse_on_a_few_large_images_is_not_asked_on_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    given, wanted = samples(labeled=True, count=120), model_wanting(COMMON["ImageNet"])
    whole = choose_preprocessing(wanted, given, SPEC)
    asked = dict.fromkeys(COMMON, 0)

    def predict(pixels: np.ndarray, preprocessing: Preprocessing) -> np.ndarray:
        asked[preprocessing.name] += len(pixels)
        return wanted(pixels, preprocessing)

    monkeypatch.setattr(preprocessing_choice, "LARGE_IMAGE", 3 * 12 * 12 - 1)
    choice = choose_preprocessing(predict, given, SPEC)
    assert choice.preprocessing == whole.preprocessing
    assert asked["ImageNet"] == 120
    assert asked["0..255"] == preprocessing_choice.NARROWED_BY
    assert [one.preprocessing for one in choice.candidates] == [one.preprocessing for one in whole.candidates]
    assert choice.candidates[3].accuracy == whole.candidates[3].accuracy


def test_large_images_are_all_asked_where_a_part_tells_too_little(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preprocessing_choice, "LARGE_IMAGE", 3 * 12 * 12 - 1)
    asked = list[int]()

    def predict(pixels: np.ndarray, _: Preprocessing) -> np.ndarray:
        asked.append(len(pixels))
        return np.tile(np.eye(CLASSES)[0], (len(pixels), 1))

    with pytest.raises(UndecidedRangeError):
        choose_preprocessing(predict, samples(labeled=False, count=240), SPEC)
    assert max(asked) == 240


def test_equal_accuracy_goes_to_the_most_usual() -> None:
    def scale_free(pixels: np.ndarray, _: Preprocessing) -> np.ndarray:
        return model_wanting(COMMON["0..1"])(pixels, COMMON["0..1"])

    for labeled in (True, False):
        assert choose_preprocessing(scale_free, samples(labeled=labeled), SPEC).preprocessing.name == "0..1"


def test_a_lead_within_noise_goes_to_the_more_usual() -> None:
    images, labels = images_and_labels(80)

    def predict(_: np.ndarray, preprocessing: Preprocessing) -> np.ndarray:
        answers = labels.copy()
        wrong = {"0..1": 2, "0..255": 0}.get(preprocessing.name, 60)
        answers[:wrong] = (answers[:wrong] + 1) % CLASSES
        return np.eye(CLASSES)[answers]

    choice = choose_preprocessing(predict, Samples(images, labels, "test"), SPEC)
    assert choice.preprocessing.name == "0..1"
    assert "within noise of 80 of 80 with 0..255" in choice.explanation


def test_confidence_counts_for_nothing() -> None:
    right = model_wanting(COMMON["0..1"])

    def predict(pixels: np.ndarray, preprocessing: Preprocessing) -> np.ndarray:
        if preprocessing.name == "0..255":
            return np.tile([[1000.0, 0, 0, 0]], (len(pixels), 1))
        return right(pixels, preprocessing)

    assert choose_preprocessing(predict, samples(labeled=False), SPEC).preprocessing.name == "0..1"


def test_rivals_that_contradict_each_other_leave_it_open() -> None:
    def predict(pixels: np.ndarray, preprocessing: Preprocessing) -> np.ndarray:
        scores = model_wanting(COMMON["0..1"])(pixels, COMMON["0..1"])
        return scores[:, ::-1] if preprocessing.name == "-1..1" else scores

    with pytest.raises(UndecidedRangeError, match="--range"):
        choose_preprocessing(predict, samples(labeled=False), SPEC)


@pytest.mark.parametrize("labeled", [True, False])
def test_one_answer_for_everything_leaves_it_open(labeled: bool) -> None:
    def predict(pixels: np.ndarray, _: Preprocessing) -> np.ndarray:
        return np.tile([[1.0, 0, 0, 0]], (len(pixels), 1))

    with pytest.raises(UndecidedRangeError, match="--range"):
        choose_preprocessing(predict, samples(labeled=labeled), SPEC)


def test_labels_in_another_order_leave_it_open() -> None:
    found = samples(labeled=True)
    shuffled = Samples(found.images, (some(found.labels) + 1) % CLASSES, "test")
    with pytest.raises(UndecidedRangeError, match="order of labels"):
        choose_preprocessing(model_wanting(COMMON["0..1"]), shuffled, SPEC)


@pytest.mark.parametrize("labeled", [True, False])
def test_a_candidate_that_gives_nan_is_left_out(labeled: bool) -> None:
    right = model_wanting(COMMON["0..1"])

    def predict(pixels: np.ndarray, preprocessing: Preprocessing) -> np.ndarray:
        if preprocessing.high == 255:
            raise NanError("NaN")
        return right(pixels, preprocessing)

    choice = choose_preprocessing(predict, samples(labeled=labeled), SPEC)
    assert choice.preprocessing.name == "0..1"
    failed = next(candidate for candidate in choice.candidates if candidate.preprocessing.name == "0..255")
    assert (failed.accuracy, failed.stability, failed.diversity) == (None, None, None)


def test_nan_throughout_is_an_error() -> None:
    def predict(*_: object) -> np.ndarray:
        raise NanError("NaN")

    for labeled in (True, False):
        with pytest.raises(ModelError, match="NaN"):
            choose_preprocessing(predict, samples(labeled=labeled), SPEC)


@pytest.mark.parametrize("name", ["0..1", "0..255"])
def test_synthetic_images_tell_the_plain_ranges_apart_and_say_that_it_is_assumed(name: str) -> None:
    choice = choose_preprocessing(model_wanting(COMMON[name]), synthesize_samples(SPEC, 100, seed=0), SPEC)
    assert choice.preprocessing.name == name
    assert "assumed" in choice.explanation
