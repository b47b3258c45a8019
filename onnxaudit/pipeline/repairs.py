"""`repair`: remove the backdoor from the vendor's graph, and prove it on the written file before it gets its name."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from onnxaudit.data.triggers import check_trigger
from onnxaudit.deadline import Deadline
from onnxaudit.errors import DataError, OutOfTimeError, UsageError
from onnxaudit.intake.writer import check_destination
from onnxaudit.pipeline.admission import open_subject
from onnxaudit.pipeline.context import RepairConfig, RepairContext
from onnxaudit.pipeline.embedded_samples import embed
from onnxaudit.pipeline.memory_plan import threads_restored
from onnxaudit.pipeline.nearness import is_comparable
from onnxaudit.pipeline.old_names import accept_old_names
from onnxaudit.pipeline.progress import Progress
from onnxaudit.pipeline.repair_pass import run_pass
from onnxaudit.pipeline.repair_report import decline, report_late
from onnxaudit.pipeline.scan_report import report_unopened
from onnxaudit.pipeline.scans import STARTING, scan_subject
from onnxaudit.pipeline.subject import Subject, load_further_samples
from onnxaudit.pipeline.units import Shelf
from onnxaudit.pipeline.whole_image import Families, join, list_near
from onnxaudit.records import (
    GivenPreprocessing,
    OnEvent,
    RepairReport,
    ScanReport,
    Trigger,
    Verdict,
)

OVERTIME = 0.1  # of the budget, in which what there is once it is used up may be written and judged


@accept_old_names(label="target")
@threads_restored()
def repair(
    model: str | Path,
    data: str | Path,
    output: str | Path,
    config: RepairConfig | None = None,
    *,
    scan: ScanReport | None = None,
    target: int | None = None,
    suspects: bool = False,
    layer: str | None = None,
    known_trigger: Trigger | None = None,
    evaluation: str | Path | None = None,
    allow_incomplete: bool = False,
    input_size: tuple[int, int] | None = None,
    preprocessing: GivenPreprocessing | None = None,
    seed: int = 0,
    device: str = "auto",
    time_budget: float | None = None,
    memory: int | None = None,
    embed_samples: bool = False,
    on_event: OnEvent | None = None,
    on_partial: Callable[[RepairReport], None] | None = None,
    shelf: Shelf | None = None,
) -> RepairReport:
    """Remove the backdoor from an ONNX classifier and write a working file without it.

    Args:
        model: the ONNX file; it is never touched.
        data: clean images, as for `scan`.
        output: where the repaired model goes; it appears only after it has passed every check.
        config: settings of the stages.
        scan: an earlier report of this very file; scanned now where None.
        target: repair this target class, whatever the scan says.
        suspects: repair the suspects of a scan that came to no verdict too; agreement then has to be at least
            `config.suspects_agreement`, and the new scan must not name them again.
        layer: node, tensor or weight that names the target layer, fully connected or a convolution; None is the first
            fully connected one, and "auto" tries that and then the convolutions before it until both limits are met.
        known_trigger: measured before and after, and never used otherwise.
        evaluation: further clean images, on which accuracy and the known trigger are measured; nothing else.
        allow_incomplete: write the file even where a limit was missed.
        input_size: height and width `(h, w)` of a model that takes any; the scan's, or else that of the
            samples, where None. `(1, n)` for
            series and features.
        preprocessing: how pixels become inputs; the scan's where None.
        seed: of all randomness.
        device: "auto", "cpu" or "cuda".
        time_budget: seconds after which work stops with what there is; a tenth more for the verdict, and it ends.
        memory: bytes that the process takes at most; 60 % of what is free where None, as for `scan`.
        embed_samples: keep a few clean samples in the report, to show triggers on.
        on_event: told of progress.
        on_partial: told what the report would be if the repair ended there: nothing but its scan.
        shelf: where finished parts of scans are kept and found again.

    Raises:
        InputError: the model, the data, the report or an option cannot be used.
        OutputError: the result cannot be written.
        RepairError: the written draft failed a check.
    """
    start, listen = time.monotonic(), Progress(on_event or (lambda _: None), STARTING)
    deadline, config = Deadline.after(time_budget), config or RepairConfig()
    check_destination(output, model)
    choice = preprocessing or (scan.preprocessing if scan else None)
    output_name = scan.model.output.name if scan else None
    if input_size is None and scan is not None:
        input_size = scan.model.input.height, scan.model.input.width
    try:
        subject = open_subject(
            Path(model),
            data,
            output=output_name,
            input_size=input_size,
            preprocessing=choice,
            seed=seed,
            device=device,
            memory=memory,
            deadline=deadline,
            on_event=listen,
        )
    except OutOfTimeError as late:
        unopened = report_unopened(late, config.scan, listen.doing, source=str(data), seed=seed, start=start)
        return report_late(scan or unopened, config, listen.doing, seed=seed, device="cpu", started=start)
    _check_request(subject, scan, target, known_trigger)
    further = None
    if evaluation is not None:
        further = load_further_samples(evaluation, subject)
    if scan is None:
        scan = scan_subject(
            subject, config.scan, seed=seed, start=start, deadline=deadline, on_event=listen, shelf=shelf
        )
    scan = embed(scan, subject) if embed_samples else replace(scan, embedded=None)
    context = RepairContext(
        subject=subject.until(deadline.extend(OVERTIME, start)),
        config=config.fit_to(subject.model.info.input),
        scan=scan,
        target=target,
        layer=layer,
        known_trigger=known_trigger,
        evaluation=further,
        output=Path(output),
        allow_incomplete=allow_incomplete,
        seed=seed,
        started=start,
        deadline=deadline,
        on_event=listen,
        shelf=shelf,
    )
    if on_partial is not None:
        on_partial(decline(context, "inconclusive"))
    try:
        return _treat(context, target, suspects=suspects)
    except OutOfTimeError:
        return report_late(scan, config, listen.doing, seed=seed, device=subject.device, started=start)


def _treat(context: RepairContext, target: int | None, *, suspects: bool) -> RepairReport:
    """Repair what the scan found, or the class that was named."""
    scan = context.scan
    if target is not None:
        return run_until_none_is_left(context, (target,), others=False)
    if suspects and scan.verdict is Verdict.INCONCLUSIVE and scan.target_labels:
        context = replace(context, suspected=True, config=context.config.tighten())
    elif scan.verdict is not Verdict.BACKDOORED:
        return decline(context, "nothing to repair" if scan.verdict is Verdict.CLEAN else "inconclusive")
    return run_until_none_is_left(context, scan.target_labels)


def run_until_none_is_left(context: RepairContext, targets: tuple[int, ...], *, others: bool = True) -> RepairReport:
    """Repair, and again with what stands out once all that is known is gone: one backdoor can hide another.

    These are further targets, where `others` are wanted, and, of large images, families of changes of the whole image
    that were not unlearned and bring a target near. Every pass starts from the vendor's weights, so that all is
    repaired together.
    """
    report = run_pass(context, targets)
    for _ in range(context.config.further_passes):
        hidden = _list_hidden(report) if others else ()
        families = _list_left_in(report) if context.searched_briefly else {}
        if not (hidden or families) or context.deadline.passed:
            break
        targets += hidden
        context = replace(context, further_families=join(context.further_families, families))
        report = run_pass(context, targets)
    return report


def _list_hidden(report: RepairReport) -> tuple[int, ...]:
    """Labels that the new scan names as targets and that were not treated."""
    if report.rescan is None or report.rescan.verdict is not Verdict.BACKDOORED:
        return ()
    return tuple(label for label in report.rescan.target_labels if label not in report.targets)


def _list_left_in(report: RepairReport) -> Families:
    """By target the families of changes of the whole image that bring it near and that fine-tuning did not unlearn."""
    if report.rescan is None or report.config["method"] != "full":
        return {}
    near = {label: list_near(report.rescan, label) for label in report.targets if is_comparable(report.scan, label)}
    left = {
        label: tuple(one for one in found if one not in report.unlearned.get(label, ()))
        for label, found in near.items()
    }
    return {label: families for label, families in left.items() if families}


def _check_request(subject: Subject, scan: ScanReport | None, target: int | None, known: Trigger | None) -> None:
    """Make sure that report, target and trigger belong to this model."""
    info = subject.model.info
    if scan is not None and scan.model.sha256 != info.sha256:
        raise UsageError(
            f"the scan report is of another model (sha256 {scan.model.sha256[:16]}…) than {info.path} "
            f"({info.sha256[:16]}…); scan this file first, or leave the report out"
        )
    if target is not None and not 0 <= target < info.output.classes:
        raise UsageError(f"class {target} does not exist: the model has {info.output.classes} classes, counted from 0")
    if known is not None:
        check_trigger(known, info.input)
    if subject.samples.synthetic:
        raise DataError("a repair needs clean images; give them with --data")
