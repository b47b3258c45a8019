"""A model opened for an audit: checked, copied to PyTorch, with clean samples whose pixels it understands."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from onnxaudit.data.features import load_features
from onnxaudit.data.probes import stamp_probes
from onnxaudit.data.samples import load_samples
from onnxaudit.deadline import Deadline
from onnxaudit.errors import ModelError, UsageError
from onnxaudit.findings import reasons
from onnxaudit.importer import Classifier, check_parity, import_model
from onnxaudit.importer.module import TorchModel
from onnxaudit.importer.parity import rounds
from onnxaudit.intake import Model
from onnxaudit.pipeline.consistency import compare_outputs
from onnxaudit.records import (
    GraphPart,
    Irregularity,
    MemoryPlan,
    PreprocessingChoice,
    QuantizationKind,
    Reason,
    Samples,
    Trigger,
)
from onnxaudit.runtime import Runtime
from onnxaudit.surgery import find_target_layer, spell_out, unshare


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
        memory: what is held at one time; None where nobody knows how much there is.
        quantization: which copy of the file in 8-bit integers this is; None: the file itself.
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
    memory: MemoryPlan | None = None
    quantization: QuantizationKind | None = None

    def make_classifier(self, copy: TorchModel) -> Classifier:
        """Another copy of the network behind the preprocessing, with the same deadline and memory."""
        pieces = None if self.memory is None else self.memory.step_images
        return Classifier(copy, self.choice.preprocessing, self.runtime.deadline, pieces)

    def make_runtime(self, model: Model) -> Runtime:
        """The same for onnxruntime."""
        runtime = self.runtime
        return Runtime(model, runtime.preprocessing, self.device, runtime.deadline, runtime.most_images)

    def until(self, deadline: Deadline) -> "Subject":
        """The same with another deadline."""
        later = replace(self, runtime=self.runtime.until(deadline))
        return replace(later, classifier=later.make_classifier(self.classifier.model))

    def list_doubts(self, *inner: str | None) -> tuple[Reason, ...]:
        """What was not looked at, and where nothing could be; `inner` tensors are examined where there are any."""
        bounds = self.choice.preprocessing.bounds
        constant = sum(low == high for low, high in bounds)
        return (
            *self.doubts,
            *([reasons.CONSTANT_RANGES.give(constant=constant, inputs=len(bounds))] if constant else []),
            *([] if any(inner) else [reasons.NO_FEATURE_LAYER.give()]),
        )


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
    return replace(subject, model=model, classifier=subject.make_classifier(copy))


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
    return replace(
        subject,
        model=model,
        classifier=subject.make_classifier(import_model(model, subject.device)),
        runtime=subject.make_runtime(model),
        notes=subject.notes if model is spelt else (*subject.notes, copied),
    )


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
