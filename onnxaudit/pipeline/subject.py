"""A model opened for an audit: checked, copied to PyTorch, with clean samples whose pixels it understands."""

import contextlib
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from onnx import TensorProto

from onnxaudit.data.features import load_features
from onnxaudit.data.label_order import describe_misfit, fits
from onnxaudit.data.preprocessing import given_preprocessing, typed_preprocessing
from onnxaudit.data.preprocessing_choice import MOST_LABELLED, choose_preprocessing
from onnxaudit.data.probes import draw_probes, stamp_probes
from onnxaudit.data.samples import load_samples
from onnxaudit.data.sizes import measure_size
from onnxaudit.data.synthetic import synthesize_samples
from onnxaudit.deadline import Deadline
from onnxaudit.errors import DataError, ModelError, NanError, RejectedError, UndecidedRangeError, UsageError
from onnxaudit.findings import reasons
from onnxaudit.importer import Classifier, check_parity, describe_newer_opset, import_model
from onnxaudit.importer.parity import rounds
from onnxaudit.intake import Model
from onnxaudit.intake.precision import computes_in
from onnxaudit.intake.sizes import Size
from onnxaudit.pipeline.consistency import check_consistency, compare_outputs
from onnxaudit.pipeline.opening import Opened, check_without_samples, open_model
from onnxaudit.records import (
    Event,
    Floats,
    GivenPreprocessing,
    GraphPart,
    Ints,
    Irregularity,
    Layout,
    OnEvent,
    Preprocessing,
    PreprocessingChoice,
    Reason,
    Samples,
    SamplesInfo,
    Trigger,
)
from onnxaudit.runtime import Runtime
from onnxaudit.structure.examination import examine
from onnxaudit.surgery import find_target_layer, spell_out, unshare

SYNTHETIC_SAMPLES = 512
DESCRIBED_AT_ONCE = 64  # images


@dataclass(frozen=True, eq=False)
class Subject:
    """What every stage works on.

    Attributes:
        model: the file as read.
        classifier: its differentiable copy behind the preprocessing.
        runtime: the file itself in onnxruntime behind the same preprocessing.
        samples: clean samples, given or synthetic.
        class_names: names by class index, where the data gives them.
        choice: the preprocessing and why.
        device: where the copy runs.
        notes: what to know about how the file is run, one sentence each.
        doubts: outputs that an audit of this one does not speak of.
        named: whether the user chose the output among several.
        parts: of the graph, that do nothing on clean images and could answer in the model's place.
    """

    model: Model
    classifier: Classifier
    runtime: Runtime
    samples: Samples
    class_names: tuple[str, ...] | None
    choice: PreprocessingChoice
    device: str
    notes: tuple[str, ...] = ()
    doubts: tuple[Reason, ...] = ()
    named: bool = False
    parts: tuple[GraphPart, ...] = ()

    def list_doubts(self, *inner: str | None) -> tuple[Reason, ...]:
        """What was not looked at, and where nothing could be; `inner` tensors are examined where there are any."""
        bounds = self.choice.preprocessing.bounds
        constant = sum(low == high for low, high in bounds)
        return (
            *self.doubts,
            *([reasons.CONSTANT_RANGES.give(constant=constant, inputs=len(bounds))] if constant else []),
            *([] if any(inner) else [reasons.NO_FEATURE_LAYER.give()]),
        )

    def describe_samples(self) -> SamplesInfo:
        """Which data the report rests on."""
        images, digest = self.samples.images, hashlib.sha256()
        low, high, total = np.inf, -np.inf, 0.0
        for start in range(0, len(images), DESCRIBED_AT_ONCE):
            part = np.ascontiguousarray(images[start : start + DESCRIBED_AT_ONCE])
            digest.update(part.tobytes())
            low, high = min(low, float(part.min())), max(high, float(part.max()))
            total += float(part.sum(dtype=np.float64))
        if self.samples.labels is not None:
            digest.update(np.ascontiguousarray(self.samples.labels).tobytes())
        labeled = self.samples.labels is not None
        return SamplesInfo(
            source=self.samples.source,
            count=len(self.samples),
            labeled=labeled,
            synthetic=self.samples.synthetic,
            sha256=digest.hexdigest(),
            low=round(low, 4),
            high=round(high, 4),
            mean=round(total / images.size, 4),
        )


def open_subject(
    path: Path,
    data: str | Path | None,
    *,
    output: str | None = None,
    input_size: Size | None = None,
    preprocessing: GivenPreprocessing | PreprocessingChoice | None = None,
    seed: int,
    device: str = "auto",
    deadline: Deadline = Deadline(),
    on_event: OnEvent,
) -> Subject:
    """Load the model and the samples, copy the model, choose the preprocessing, and check the copy.

    Raises:
        ModelError: the file cannot be audited, or its copy does not compute what onnxruntime computes.
        RejectedError: it does not answer as it is audited.
        DataError: the samples cannot be used.
        UndecidedRangeError: how pixels become inputs could not be told.
        UsageError: options that contradict each other.
    """
    find_size, device = None if data is None else partial(measure_size, data), choose_device(device)
    opened = open_model(
        path,
        output=output,
        size=input_size,
        find_size=find_size,
        device=device,
        deadline=deadline,
        on_event=on_event,
    )
    model, torch_model, runtime = opened.model, opened.torch_model, opened.runtime
    notes = _list_notes(model)
    for note in notes:
        on_event(Event("load", 0, 0, note))
    if model.info.input.layout.is_image:
        samples, names = _open_samples(data, model, seed, deadline)
        with _asked_without_samples(opened, named=output is not None):
            choice = _settle_preprocessing(runtime, samples, preprocessing, on_event)
    else:
        samples, choice = _open_features(data, model, preprocessing)
        names = None
    runtime = runtime.with_preprocessing(choice.preprocessing)
    notes += _describe_selection(samples)
    if samples.synthetic:
        samples = _balance(samples, runtime, seed)
    with _asked_without_samples(opened, named=output is not None):
        _check_labels(runtime, samples, choice)
    classifier = Classifier(torch_model, choice.preprocessing)
    subject = Subject(
        model=model,
        classifier=classifier,
        runtime=runtime,
        samples=samples,
        class_names=names,
        choice=choice,
        device=device,
        notes=notes,
    )
    on_event(Event("import", 0, 0, "asking on every output, alone and in batches"))
    subject = _check_answers(subject, seed=seed, named=output is not None)
    on_event(Event("import", 0, 0, "checking the copy against onnxruntime"))
    check_parity(torch_model, model, runtime, seed=seed)
    on_event(Event("import", 0, 0, "looking for parts of the graph that do nothing on clean images"))
    return _check_structure(subject, seed=seed, deadline=deadline)


@contextlib.contextmanager
def _asked_without_samples(opened: Opened, *, named: bool) -> Iterator[None]:
    """Where samples and answers do not go together, a file that works against its audit is told as that."""
    try:
        yield
    except (DataError, ModelError, UndecidedRangeError):
        check_without_samples(opened, named=named)
        raise


def _check_labels(runtime: Runtime, samples: Samples, choice: PreprocessingChoice) -> None:
    """Raise DataError where labels and answers do not speak of the same classes; a choice by labels has looked."""
    if samples.labels is None or choice.source == "labels":
        return
    chosen = samples.take(np.unique(np.linspace(0, len(samples) - 1, min(len(samples), MOST_LABELLED)).astype(int)))
    assert chosen.labels is not None
    try:
        predicted: Ints = runtime.predict(chosen.images).argmax(1)
    except NanError:  # leaves the verdict open under a code of its own
        return
    if not fits(predicted, chosen.labels):
        raise DataError(
            f"{samples.source}: {describe_misfit(predicted, chosen.labels, runtime.model.info.output.classes)}; check "
            "the order of classes and the value range"
        )


def _check_answers(subject: Subject, *, seed: int, named: bool) -> Subject:
    """The subject with what it leaves in doubt; RejectedError where the file does not answer as it is audited."""
    probes, rounding = draw_probes(subject.samples, seed=seed), rounds(subject.classifier.model)
    found = check_consistency(subject.runtime, probes, rounding=rounding, named=named)
    if found.irregularities:
        raise RejectedError(subject.model.info, found.irregularities, subject.describe_samples(), subject.choice)
    return replace(subject, doubts=found.doubts, named=named)


def _check_structure(subject: Subject, *, seed: int, deadline: Deadline) -> Subject:
    """The subject with what its graph leaves in doubt; RejectedError where a part answers in the model's place."""

    def predict(images: Floats) -> Ints:
        classes: Ints = subject.runtime.logits(images).argmax(axis=1)
        return classes

    found = examine(subject.classifier, subject.samples, predict, seed=seed, deadline=deadline)
    if found.irregularities:
        info, samples = subject.model.info, subject.describe_samples()
        raise RejectedError(info, found.irregularities, samples, subject.choice, parts=found.parts)
    return replace(subject, doubts=(*subject.doubts, *found.doubts), parts=found.parts)


def ask_with_triggers(subject: Subject, triggers: Sequence[Trigger]) -> tuple[Irregularity, ...]:
    """What other outputs say otherwise under triggers that were found; nothing where there is one output alone."""
    info = subject.runtime.model.info
    if not triggers or {value.name for value in subject.runtime.model.computed.graph.output} == {info.output.logits}:
        return ()
    probes, rounding = stamp_probes(subject.samples, triggers), rounds(subject.classifier.model)
    return compare_outputs(subject.runtime, probes, rounding=rounding, named=subject.named).irregularities


def load_further_samples(source: str | Path, subject: Subject) -> Samples:
    """More clean samples for the same model, in the same ranges.

    Raises:
        DataError: they cannot be used.
    """
    spec, classes = subject.model.info.input, subject.model.info.output.classes
    if spec.layout.is_image:
        return load_samples(source, spec, classes)[0]
    return load_features(source, spec, classes, subject.choice.preprocessing)[0]


def open_features(subject: Subject) -> Subject:
    """The subject with a copy in which the inputs of layers are real numbers.

    Quantized operators are spelled out for it; the very same subject where there is nothing to do, or where what was
    spelt out does not compute what the file does.
    """
    model = spell_out(subject.model)
    if model is subject.model:
        return subject
    copy = import_model(model, subject.device)
    try:
        check_parity(copy, subject.model, subject.runtime, seed=0)
    except ModelError:
        return subject
    return replace(subject, model=model, classifier=Classifier(copy, subject.choice.preprocessing))


def open_weights(subject: Subject, layer: str | None) -> Subject:
    """The subject in which surgery reaches the target layer's weights, and they are its own.

    Quantized operators are spelled out for it; the very same subject where there is nothing to do.

    Raises:
        ModelError: there is no such layer.
    """
    spelt = spell_out(subject.model)
    model = unshare(spelt, find_target_layer(spelt, layer))
    if model is subject.model:
        return subject
    copied = "weights that the repaired layer shared with other nodes were copied for it alone"
    preprocessing = subject.choice.preprocessing
    return replace(
        subject,
        model=model,
        classifier=Classifier(import_model(model, subject.device), preprocessing),
        runtime=Runtime(model, preprocessing, subject.device),
        notes=subject.notes if model is spelt else (*subject.notes, copied),
    )


def _list_notes(model: Model) -> tuple[str, ...]:
    upcast = "the file computes in bfloat16, which onnxruntime does not: it is run and scanned as its float32 upcast"
    newer = describe_newer_opset(model)
    return (
        *([upcast] if computes_in(model.proto, TensorProto.BFLOAT16) else []),
        *([newer] if newer is not None else []),
    )


def _describe_selection(samples: Samples) -> tuple[str, ...]:
    if samples.total <= len(samples):
        return ()
    evenly = "evenly" if samples.labels is None else "evenly over the classes"
    return (f"of the {samples.total:,} samples {len(samples):,} are used, chosen {evenly} before any was decoded",)


def choose_device(device: str) -> str:
    """The torch device that "auto", "cpu" or "cuda" stands for.

    Raises:
        UsageError: CUDA is asked for and PyTorch has none.
    """
    if device not in ("auto", "cpu", "cuda"):
        raise UsageError(f"device {device!r} is not known; use auto, cpu or cuda")
    if device == "cuda" and not torch.cuda.is_available():
        raise UsageError("device cuda was asked for, but PyTorch finds no CUDA device here; use --device auto or cpu")
    return ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device


def _open_samples(
    data: str | Path | None, model: Model, seed: int, deadline: Deadline
) -> tuple[Samples, tuple[str, ...] | None]:
    if data is None:
        return synthesize_samples(model.info.input, SYNTHETIC_SAMPLES, seed=seed), None
    return load_samples(data, model.info.input, model.info.output.classes, deadline)


def _open_features(
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


def _balance(samples: Samples, runtime: Runtime, seed: int) -> Samples:
    """As many synthetic samples, spread over the classes that the model puts them into."""

    def predict(images: Floats) -> Ints:
        classes: Ints = runtime.predict(images).argmax(axis=1)
        return classes

    return synthesize_samples(runtime.model.info.input, len(samples), seed=seed, predict=predict)


def _settle_preprocessing(
    runtime: Runtime,
    samples: Samples,
    wanted: GivenPreprocessing | PreprocessingChoice | None,
    on_event: OnEvent,
) -> PreprocessingChoice:
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
