"""`scan`: is there a backdoor, where does it lead, and what does its trigger look like?"""

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

from onnxaudit.data.selection import thin
from onnxaudit.deadline import Deadline
from onnxaudit.detectors.base import Effort
from onnxaudit.errors import OutOfTimeError, RejectedError
from onnxaudit.findings.interruptions import OUT_OF_TIME
from onnxaudit.inversion.forwards import compute_logits
from onnxaudit.inversion.readings import Readings, read_samples
from onnxaudit.pipeline.admission import open_subject
from onnxaudit.pipeline.detection import begin_detection, detect
from onnxaudit.pipeline.effort import tell_estimate
from onnxaudit.pipeline.embedded_samples import embed
from onnxaudit.pipeline.gradient_types import NOTE, fit_gradients
from onnxaudit.pipeline.likeness import compare_detection, describe_likeness, doubt_likeness
from onnxaudit.pipeline.memory_plan import threads_restored
from onnxaudit.pipeline.multiply_adds import fit_settings
from onnxaudit.pipeline.progress import Progress
from onnxaudit.pipeline.quantized import open_quantized
from onnxaudit.pipeline.scan_report import leave_open, replace_verdict, report_rejection, report_scan, report_unopened
from onnxaudit.pipeline.settings import DetectionConfig, ScanConfig, choose_config
from onnxaudit.pipeline.subject import Subject, ask_with_triggers, open_features
from onnxaudit.pipeline.units import Shelf, Units
from onnxaudit.records import (
    Detection,
    Event,
    GivenPreprocessing,
    OnEvent,
    PreprocessingChoice,
    QuantizationKind,
    ScanReport,
)
from onnxaudit.scoring.reference import Likeness
from onnxaudit.surgery import find_features, find_head
from onnxaudit.versions import list_versions

OnPartial = Callable[[ScanReport], None]
MOST_READ = 2**26  # values of an inner tensor that are held for all detectors: 256 MiB
READ_SHARE = 64  # so many bytes are promised for each of them
STARTING, ASKING = "opening the model", "asking the model about the clean images"


@threads_restored()
def scan(
    model: str | Path,
    data: str | Path | None = None,
    config: ScanConfig | None = None,
    *,
    effort: Effort | None = None,
    detectors: Sequence[str] | None = None,
    output: str | None = None,
    input_size: tuple[int, int] | None = None,
    preprocessing: GivenPreprocessing | PreprocessingChoice | None = None,
    seed: int = 0,
    device: str = "auto",
    time_budget: float | None = None,
    memory: int | None = None,
    embed_samples: bool = False,
    quantization: QuantizationKind | Literal["static", "dynamic"] | None = None,
    on_event: OnEvent | None = None,
    on_partial: OnPartial | None = None,
    shelf: Shelf | None = None,
) -> ScanReport:
    """Scan an ONNX classifier for a backdoor.

    Args:
        model: the ONNX file.
        data: clean images: a folder, or an `.npz` archive (`FILE.npz:x,y` names its arrays). Without any, synthetic
            samples are used and the verdict is never `clean`.
        config: settings of the stages.
        effort: "quick", "standard" or "deep" name such settings; one of both may be given.
        detectors: ids of those that run; those of the settings where None, which are all of onnxaudit's own.
        output: the classifying output, where the model has several.
        input_size: height and width `(h, w)` of a model that takes any; those of the samples where None. `(1, n)` for
            series and features.
        preprocessing: how pixels become inputs; chosen by evidence where None.
        seed: of all randomness; the same seed gives the same report, times and paths aside.
        device: "auto", "cpu" or "cuda".
        time_budget: seconds after which the scan stops and ends inconclusive.
        memory: bytes that the process takes at most; 60 % of what is free where None. It decides how many samples are
            held, how many images are run at a time, and how many steps side by side; the report says what.
        embed_samples: keep a few clean samples in the report, to show triggers on.
        quantization: scan the copy in 8-bit integers that onnxruntime's quantizer makes of the file, "static"
            (calibrated on the clean images) or "dynamic", in the file's place.
        on_event: told of progress.
        on_partial: told what the report would be if the scan ended there, whenever there is more to report.
        shelf: where finished parts are kept and found again.

    Raises:
        InputError: the model, the data or an option cannot be used; the message is one line for people.
    """
    start, config = time.monotonic(), choose_config(config, effort, detectors)
    deadline, listen = Deadline.after(time_budget), Progress(on_event or _ignore, STARTING)
    kind = None if quantization is None else QuantizationKind(quantization)
    opening = partial(
        open_subject,
        data=data,
        output=output,
        seed=seed,
        device=device,
        memory=memory,
        deadline=deadline,
        on_event=listen,
        on_opened=partial(tell_estimate, config=config.detection, on_event=listen),
        most_samples=lambda copy: fit_settings(config.detection, copy).most_samples,
    )
    try:
        subject = opening(Path(model), input_size=input_size, preprocessing=preprocessing)
        if kind is not None:
            subject = open_quantized(subject, kind, lambda path, choice: opening(path, preprocessing=choice), listen)
    except RejectedError as rejected:
        report = report_rejection(rejected, config, source=str(data or ""), seed=seed, start=start)
        return replace(report, quantization=kind)
    except OutOfTimeError as late:
        report = report_unopened(late, config, listen.doing, source=str(data or ""), seed=seed, start=start)
        return replace(report, quantization=kind)
    report = scan_subject(
        subject,
        config,
        seed=seed,
        start=start,
        deadline=deadline,
        on_event=listen,
        on_partial=on_partial,
        shelf=shelf,
    )
    if embed_samples:
        with contextlib.suppress(OutOfTimeError):  # pictures are left out then, whatever the verdict
            return embed(report, subject)
    return report


def scan_subject(
    subject: Subject,
    config: ScanConfig,
    *,
    seed: int,
    start: float,
    deadline: Deadline,
    on_event: OnEvent,
    on_partial: OnPartial | None = None,
    shelf: Shelf | None = None,
) -> ScanReport:
    """Scan an opened model; `start` is the time of `time.monotonic` from which seconds are counted.

    Where the time is up within a step that nothing can be told without, the report says in which.
    """
    progress, info = Progress(on_event, ASKING), subject.model.info
    classes = info.output.classes
    config = replace(config, detection=fit_settings(config.detection, subject.classifier.model))

    def tell(found: Detection) -> None:
        if on_partial is not None:
            on_partial(report_scan(subject, found, config, seed=seed, start=start))

    tell(begin_detection(classes))
    try:
        opened, found, likeness = _detect(
            subject, config, seed=seed, deadline=deadline, on_event=progress, tell=tell, shelf=shelf
        )
    except OutOfTimeError:
        return report_scan(subject, begin_detection(classes, progress.doing), config, seed=seed, start=start)
    report = report_scan(opened, found, config, seed=seed, start=start)
    report = replace(report, comparison=compare_detection(found, likeness, synthetic=subject.samples.synthetic))
    try:
        disagreeing = ask_with_triggers(opened, [one.trigger for one in found.triggers])
    except OutOfTimeError:
        return leave_open(report, OUT_OF_TIME.give(doing="asking other outputs on triggered images"))
    return replace_verdict(report, disagreeing) if disagreeing else report


def _detect(
    subject: Subject,
    config: ScanConfig,
    *,
    seed: int,
    deadline: Deadline,
    on_event: OnEvent,
    tell: Callable[[Detection], None],
    shelf: Shelf | None,
) -> tuple[Subject, Detection, Likeness]:
    """The subject that was searched, what was found, and by what the model is compared with known ones."""
    subject = replace(open_features(subject), samples=thin(subject.samples, config.detection.most_samples))
    subject = _fit_gradients(subject, config.detection)
    features, head = find_features(subject.model), find_head(subject.model)
    names = [name for name in (features, head) if name is not None]
    readings = _read(subject, config.detection, names)
    likeness = describe_likeness(subject, config.detection, readings.logits)
    found = detect(
        subject.classifier,
        subject.samples,
        config.detection,
        readings=readings,
        features=features,
        head=head,
        unit=subject.model.info.input.layout.unit,
        class_names=subject.class_names,
        doubts=(*subject.list_doubts(features, head), *doubt_likeness(likeness, config.detection)),
        seed=seed,
        deadline=deadline,
        on_event=on_event,
        on_found=tell,
        units=None if shelf is None else Units(shelf, _describe_basis(subject, config, readings, features, head)),
    )
    return subject, found, likeness


def _fit_gradients(subject: Subject, config: DetectionConfig) -> Subject:
    """The subject with gradients of the number type that fits it, and a note where that is not the usual one."""
    classifier = fit_gradients(subject.classifier, config)
    return (
        subject
        if classifier is subject.classifier
        else replace(subject, classifier=classifier, notes=(*subject.notes, NOTE))
    )


def _read(subject: Subject, config: DetectionConfig, names: Sequence[str]) -> Readings:
    """What the network answers on all samples; of large images inner tensors beside, so that they are computed once."""
    classifier, images = subject.classifier, subject.samples.images
    if not config.large or not len(images):
        return Readings(logits=compute_logits(classifier, images, config.chunk_pixels))
    most = MOST_READ if subject.memory is None else min(MOST_READ, subject.memory.promised // READ_SHARE)
    return read_samples(classifier, images, names, chunk_pixels=config.chunk_pixels, most_values=most)


def _describe_basis(
    subject: Subject, config: ScanConfig, readings: Readings, features: str | None, head: str | None
) -> dict[str, Any]:
    """What all that is measured on a subject depends on, seed and labels aside; as values of JSON."""
    info = subject.model.info
    return {
        "versions": list_versions(),
        "model": info.sha256,
        "input": repr(info.input),
        "output": repr(info.output),
        "samples": (subject.samples.info.sha256, subject.samples.info.labeled),
        "preprocessing": repr(subject.choice.preprocessing),
        "chunk": config.detection.chunk_pixels,
        "tensors": (features, head, sorted(readings.inner)),
        "device": subject.device,
        "gradients": str(subject.classifier.gradients),
        "pieces": None if subject.memory is None else subject.memory.step_images,
    }


def _ignore(event: Event) -> None:
    del event
