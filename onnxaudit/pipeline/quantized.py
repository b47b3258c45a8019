"""A subject quantized to 8-bit integers: the copy that onnxruntime's quantizer makes of it, opened in its place."""

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from onnxaudit.data.preprocessing import preprocess
from onnxaudit.pipeline.subject import Subject
from onnxaudit.quantization import quantize
from onnxaudit.records import Event, Floats, OnEvent, PreprocessingChoice, QuantizationKind
from onnxaudit.text import format_share

CALIBRATED_ON = 128  # images; more change the ranges hardly
IN_ONE_BATCH = 16


def open_quantized(
    subject: Subject,
    kind: QuantizationKind,
    open_file: Callable[[Path, PreprocessingChoice], Subject],
    on_event: OnEvent,
) -> Subject:
    """The copy of a subject's file, checked as any file is.

    Args:
        subject: in floats.
        kind: of the copy.
        open_file: opens a file behind the given preprocessing.
        on_event: told of progress.

    Raises:
        ModelError: the file cannot be quantized, or its copy cannot be audited.
        RejectedError: the copy does not answer as it is audited.
        OutOfTimeError: the deadline has passed.
    """
    on_event(Event("load", 0, 0, f"quantizing the model: 8-bit integers, {kind.value}"))
    batches = calibrate(subject) if kind is QuantizationKind.STATIC else []
    subject.runtime.deadline.check()
    made = quantize(subject.model, kind, batches)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "quantized.onnx"
        path.write_bytes(made)
        copy = open_file(path, subject.choice)
    model = replace(copy.model, info=replace(copy.model.info, path=subject.model.info.path))
    return replace(copy, model=model, quantization=kind, notes=(*copy.notes, *_describe(subject, copy, batches)))


def calibrate(subject: Subject) -> list[Floats]:
    """Batches of model inputs, of clean samples spread evenly over what there is; whole ones where they are fixed."""
    samples, spec = subject.samples, subject.model.info.input
    index = np.unique(np.linspace(0, len(samples) - 1, min(len(samples), CALIBRATED_ON)).astype(int))
    size = spec.batch or IN_ONE_BATCH
    while len(index) % size and spec.batch:
        index = np.append(index, index[-1])
    parts = (samples.images[index[start : start + size]] for start in range(0, len(index), size))
    return [preprocess(part, subject.choice.preprocessing, spec.layout) for part in parts]


def _describe(subject: Subject, copy: Subject, batches: list[Floats]) -> tuple[str, ...]:
    """What is scanned, and how far it answers as the file does."""
    images = subject.samples.images
    theirs, ours = (one.runtime.logits(images).argmax(axis=1) for one in (subject, copy))
    basis = f", calibrated on {sum(map(len, batches))} clean images" if batches else ""
    return (
        f"scanned is the copy in 8-bit integers that onnxruntime's quantizer makes of the file{basis}; the file itself "
        f"has SHA-256 {subject.model.info.sha256}",
        f"the copy predicts the class that the file predicts for {format_share(float((ours == theirs).mean()))} of the "
        "clean images",
    )
