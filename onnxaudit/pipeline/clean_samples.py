"""Clean samples for a model that was opened, and how their pixels, or their values, become its inputs."""

from pathlib import Path

from onnxaudit.data.features import load_features
from onnxaudit.data.preprocessing import given_preprocessing, typed_preprocessing
from onnxaudit.data.preprocessing_choice import choose_preprocessing
from onnxaudit.data.samples import load_samples
from onnxaudit.data.synthetic import synthesize_samples
from onnxaudit.deadline import Deadline
from onnxaudit.errors import DataError, UsageError
from onnxaudit.intake import Model
from onnxaudit.records import (
    Event,
    Floats,
    GivenPreprocessing,
    Ints,
    Layout,
    OnEvent,
    Preprocessing,
    PreprocessingChoice,
    Samples,
)
from onnxaudit.runtime import Runtime

SYNTHETIC_SAMPLES = 512


def read_images(
    data: str | Path | None, model: Model, seed: int, deadline: Deadline, held: int
) -> tuple[Samples, tuple[str, ...] | None]:
    """Samples, at most `held`, and the names of their classes where the data give them; made ones without data."""
    if data is None:
        return synthesize_samples(model.info.input, min(held, SYNTHETIC_SAMPLES), seed=seed), None
    return load_samples(data, model.info.input, model.info.output.classes, deadline, held)


def read_features(
    data: str | Path | None, model: Model, wanted: GivenPreprocessing | PreprocessingChoice | None
) -> tuple[Samples, PreprocessingChoice]:
    """Samples of series or features, in the ranges given, or else in those that they show."""
    spec, classes = model.info.input, model.info.output.classes
    if data is None:
        raise DataError(
            f"{model.info.path}: nobody knows what {spec.layout.unit} look like without samples; give clean ones with "
            "--data (.npz, .npy or .csv)"
        )
    if isinstance(wanted, PreprocessingChoice):
        return load_features(data, spec, classes, wanted.preprocessing)[0], wanted
    if wanted is None or wanted.range is None:
        if wanted is not None and wanted != GivenPreprocessing():
            raise UsageError(f"--mean, --std and --channel-order do not fit a model of {spec.layout.unit}")
        samples, observed = load_features(data, spec, classes)
        explanation = f"{observed.name}: each from its smallest to its largest value in the samples"
        return samples, PreprocessingChoice(observed, "samples", explanation)
    count = spec.width if spec.layout is Layout.NC else spec.channels
    given = Preprocessing("given", bounds=(wanted.range,) * count)
    choice = PreprocessingChoice(given, "given", "as given on the command line or by the caller")
    return load_features(data, spec, classes, given)[0], choice


def balance_samples(samples: Samples, runtime: Runtime, seed: int) -> Samples:
    """As many synthetic samples, spread over the classes that the model puts them into."""

    def predict(images: Floats) -> Ints:
        classes: Ints = runtime.predict(images).argmax(axis=1)
        return classes

    return synthesize_samples(runtime.model.info.input, len(samples), seed=seed, predict=predict)


def settle_preprocessing(
    runtime: Runtime,
    samples: Samples,
    wanted: GivenPreprocessing | PreprocessingChoice | None,
    on_event: OnEvent,
) -> PreprocessingChoice:
    """How pixels become inputs: as the user says, as the type demands, or as the answers tell.

    Raises:
        UndecidedRangeError: it could not be told.
        OutOfTimeError: the deadline of the runtime has passed.
    """
    if isinstance(wanted, PreprocessingChoice):
        return wanted
    image = runtime.model.info.input
    if wanted is not None and wanted != GivenPreprocessing():
        chosen = given_preprocessing(wanted.range, wanted.mean, wanted.std, wanted.channel_order, image.channels)
        return PreprocessingChoice(chosen, "given", "as given on the command line or by the caller")
    typed = typed_preprocessing(image.dtype)
    if typed is not None:
        explanation = f"{typed.name}: the model takes whole numbers of type {image.dtype.value}"
        return PreprocessingChoice(typed, "type", explanation)
    on_event(Event("preprocess", 0, 0, "finding out how pixels become inputs"))

    def predict(pixels: Floats, preprocessing: Preprocessing) -> Floats:
        return runtime.with_preprocessing(preprocessing).predict(pixels)

    return choose_preprocessing(predict, samples, image)
