"""A model admitted to an audit: opened, given its clean samples, and asked on all that stages take for granted."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from onnx import TensorProto

from onnxaudit.data.label_order import describe_misfit, fits
from onnxaudit.data.preprocessing_choice import FIRST_LABELED, LARGE_IMAGE, MOST_LABELED
from onnxaudit.data.probes import draw_probes
from onnxaudit.data.selection import MOST_SAMPLES
from onnxaudit.data.sizes import measure_size
from onnxaudit.deadline import NEVER, Deadline
from onnxaudit.errors import DataError, ModelError, NanError, OutOfTimeError, RejectedError, UndecidedRangeError
from onnxaudit.importer import Classifier, check_parity, describe_newer_opset
from onnxaudit.importer.module import TorchModel
from onnxaudit.importer.parity import rounds
from onnxaudit.intake import Model
from onnxaudit.intake.precision import computes_in
from onnxaudit.intake.sizes import Size
from onnxaudit.pipeline.clean_samples import balance_samples, read_features, read_images, settle_preprocessing
from onnxaudit.pipeline.consistency import check_consistency
from onnxaudit.pipeline.memory_plan import plan_memory
from onnxaudit.pipeline.opened_model import Opened, check_without_samples, open_model
from onnxaudit.pipeline.subject import Subject, choose_device, open_features
from onnxaudit.records import (
    Event,
    Floats,
    GivenPreprocessing,
    Ints,
    MemoryPlan,
    OnEvent,
    PreprocessingChoice,
    Samples,
)
from onnxaudit.runtime import Runtime
from onnxaudit.structure.examination import examine

EXAMINED = 0.2  # of the time that is left, at most, for parts that do nothing on clean images


def open_subject(
    path: Path,
    data: str | Path | None,
    *,
    output: str | None = None,
    input_size: Size | None = None,
    preprocessing: GivenPreprocessing | PreprocessingChoice | None = None,
    seed: int,
    device: str = "auto",
    memory: int | None = None,
    deadline: Deadline = NEVER,
    on_event: OnEvent,
    on_opened: Callable[[TorchModel], None] | None = None,
    most_samples: Callable[[TorchModel], int] | None = None,
) -> Subject:
    """Load the model and the samples, copy the model, choose the preprocessing, and check the copy.

    `on_opened` is given the copy before any sample is read; `most_samples` says how many may be read for such a copy,
    where memory does not say fewer.

    Raises:
        ModelError: the file cannot be audited, or its copy does not compute what onnxruntime computes.
        RejectedError: it does not answer as it is audited.
        DataError: the samples cannot be used.
        UndecidedRangeError: how pixels become inputs could not be told.
        UsageError: options that contradict each other.
        OutOfTimeError: the deadline has passed before all was checked; it tells of which model.
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
    plan = plan_memory(opened.torch_model, memory) if device == "cpu" else None
    if plan is not None:
        torch.set_num_threads(plan.threads)
        opened = replace(opened, runtime=opened.runtime.within(plan.run_images))
    if on_opened is not None:
        on_opened(opened.torch_model)
    for note in _list_notes(opened.model):
        on_event(Event("load", 0, 0, note))
    on_event(Event("load", 0, 0, "reading the clean images"))
    named = output is not None
    held = MOST_SAMPLES if most_samples is None else most_samples(opened.torch_model)
    held = held if plan is None else min(held, plan.samples)
    subject = _read_samples(
        opened,
        data,
        preprocessing,
        plan,
        held=held,
        named=named,
        seed=seed,
        device=device,
        deadline=deadline,
        on_event=on_event,
    )
    try:
        return _check(subject, seed=seed, named=named, deadline=deadline, on_event=on_event)
    except OutOfTimeError as error:
        raise OutOfTimeError(subject.model.info, subject.samples.info, subject.choice) from error


def _read_samples(
    opened: Opened,
    data: str | Path | None,
    preprocessing: GivenPreprocessing | PreprocessingChoice | None,
    plan: MemoryPlan | None,
    *,
    held: int,
    named: bool,
    seed: int,
    device: str,
    deadline: Deadline,
    on_event: OnEvent,
) -> Subject:
    """The opened model with its samples and the way in which their pixels become inputs; not checked yet."""
    model, runtime, names = opened.model, opened.runtime.until(deadline), None
    try:
        if model.info.input.layout.is_image:
            samples, names = read_images(data, model, seed, deadline, held)
            with _asked_without_samples(opened, named=named):
                choice = settle_preprocessing(runtime, samples, preprocessing, on_event)
        else:
            samples, choice = read_features(data, model, preprocessing)
        runtime = runtime.with_preprocessing(choice.preprocessing)
        notes = (*_list_notes(model), *_describe_selection(samples))
        if samples.synthetic:
            samples = balance_samples(samples, runtime, seed)
        with _asked_without_samples(opened, named=named):
            _check_labels(runtime, samples, choice)
    except OutOfTimeError as error:
        raise OutOfTimeError(model.info) from error
    return Subject(
        model=model,
        classifier=Classifier(opened.torch_model, choice.preprocessing, deadline, plan.step_images if plan else None),
        memory=plan,
        runtime=runtime,
        samples=samples,
        class_names=names,
        choice=choice,
        device=device,
        notes=notes,
    )


def _check(subject: Subject, *, seed: int, named: bool, deadline: Deadline, on_event: OnEvent) -> Subject:
    """The subject once it was asked on all that a scan takes for granted."""
    on_event(Event("import", 0, 0, "asking on every output, alone and in batches"))
    subject = _check_answers(subject, seed=seed, named=named)
    on_event(Event("import", 0, 0, "checking the copy against onnxruntime"))
    check_parity(subject.classifier.model, subject.model, subject.runtime, seed=seed)
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
    most = FIRST_LABELED if samples.images[0].size > LARGE_IMAGE else MOST_LABELED
    chosen = samples.take(np.unique(np.linspace(0, len(samples) - 1, min(len(samples), most)).astype(int)))
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
        raise RejectedError(subject.model.info, found.irregularities, subject.samples.info, subject.choice)
    return replace(subject, doubts=found.doubts, named=named)


def _check_structure(subject: Subject, *, seed: int, deadline: Deadline) -> Subject:
    """The subject with what its graph leaves in doubt; RejectedError where a part answers in the model's place.

    Looked at are quantized operators as they are spelled out: what a product, a choice or an activation is in floats
    the examination knows.
    """

    def predict(images: Floats) -> Ints:
        classes: Ints = subject.runtime.logits(images).argmax(axis=1)
        return classes

    deadline = deadline.share(EXAMINED)
    found = examine(open_features(subject).classifier, subject.samples, predict, seed=seed, deadline=deadline)
    if found.irregularities:
        info, samples = subject.model.info, subject.samples.info
        raise RejectedError(info, found.irregularities, samples, subject.choice, parts=found.parts)
    return replace(subject, doubts=(*subject.doubts, *found.doubts), parts=found.parts)


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
