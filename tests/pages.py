"""Documents whose pages are looked at: one of each kind, from small records."""

from dataclasses import replace

import numpy as np

from onnxaudit.findings.finding import list_findings
from onnxaudit.records import (
    Coverage,
    Decision,
    Document,
    EmbeddedSamples,
    ErrorDocument,
    Gate,
    LabelResult,
    LabelStatus,
    RepairDocument,
    ScanDocument,
    ScanFailure,
    ScanReport,
    Setting,
    TriggerFinding,
    UniversalTrigger,
    Verdict,
    Waiver,
    WaiverUse,
)
from tools.testbed.reports import NO_RATE, make_repair_report, make_scan_report, make_trigger

MODEL = make_scan_report().model
LONG = "averylongnamewithoutanyspaceinit" * 12


def make_many_labels(classes: int) -> tuple[LabelResult, ...]:
    """Labels of which number 2 stands out and the last has no trigger."""
    generator = np.random.default_rng(1)
    success = make_scan_report().labels[0].success_rate
    rows = [
        LabelResult(
            label,
            LabelStatus.SETTLED,
            float(size),
            success,
            0.5,
            ratios={"patch": 1.1, "latent-inversion": 1.2, "spectral": 0.9},
            log_odds=float(odds),
            role="control" if label % 9 == 0 else None,
        )
        for label, (size, odds) in enumerate(
            zip(generator.lognormal(4, 0.3, classes), generator.normal(-5, 0.6, classes), strict=True)
        )
    ]
    rows[2] = replace(rows[2], mask_l1=4.25, log_odds=6.0, role="suspect")
    rows[-1] = LabelResult(classes - 1, LabelStatus.UNFINISHED, None, NO_RATE, None, reason="the time ended")
    return tuple(rows)


def make_backdoored(classes: int = 43, *, embedded: bool = True, name: str = "sign {}") -> ScanReport:
    """A scan as it usually ends, with samples; names hold the class index."""
    trigger = make_trigger()
    report = make_scan_report(
        labels=make_many_labels(classes),
        class_names=tuple(name.format(label) for label in range(classes)),
        coverage=Coverage(classes, classes - 1, {classes - 1: "the time ended"}),
        config={"detection": {"universal": {}, "verdict": {"clean_below": 0.1}}},
        summary="Backdoor found: a trigger sends all images to class 2. Do not use the model: run `onnxaudit repair`.",
    )
    found = report.triggers[0]
    other = TriggerFinding(0, trigger, trigger.digest, 40.0, found.success_rate)
    images = np.random.default_rng(2).random((4, 3, 8, 8), dtype=np.float32)
    samples = EmbeddedSamples(images, (0, 1, 3, 3), {2: (2, 2, 2, 3)}) if embedded else None
    output = replace(report.model.output, classes=classes)
    return replace(report, triggers=(found, other), embedded=samples, model=replace(report.model, output=output))


def make_gated(*, softened: bool = False) -> ScanDocument:
    """A backdoored model whose finding is waived beside one that is stopped, and waivers without effect."""
    document = ScanDocument((make_backdoored(), replace(make_scan_report(), model=replace(MODEL, sha256="d" * 64))))
    fingerprint = list_findings(document)[0].fingerprint
    used = Waiver(
        fingerprint, "a" * 64, "class 2 is told by one digit; looked at by hand", "Ada Lovelace", "2030-12-31"
    )
    expired = replace(used, expiry="2020-01-01", reason=LONG)
    softeners = ("exit_zero",) if softened else ()
    setting = Setting("exit_zero", softened, "command line" if softened else "default")
    last = Decision("pass", ("The outcome would be fail, and exit_zero is set.",)) if softened else Decision("fail")
    gate = Gate(
        (setting, Setting("waivers", (used, expired), "policy ci/policy.toml", "policy ci/policy.toml")),
        *("e" * 64, softeners),
        (WaiverUse(used, "used"), WaiverUse(expired, "expired")),
        (Decision("pass", ("Every finding is waived (1).",), (fingerprint,)), last),
    )
    return replace(document, gate=gate)


def make_pages() -> dict[str, Document]:
    """By name."""
    repaired = make_repair_report(
        scan=make_backdoored(), config={"method": "full", "pruning": {"min_agreement": 0.97, "max_success": 0.1}}
    )
    universal = UniversalTrigger(make_trigger(), (1, 2, 3, None), make_scan_report().triggers[0].success_rate)
    clean = make_scan_report(Verdict.CLEAN)
    long = make_backdoored(name=LONG + "{}")
    return {
        "backdoored": ScanDocument((make_backdoored(),)),
        "clean": ScanDocument((clean,)),
        "inconclusive": ScanDocument((make_scan_report(Verdict.INCONCLUSIVE, target_labels=(1,)),)),
        "repaired": RepairDocument((repaired,)),
        "incomplete": RepairDocument((replace(repaired, outcome="incomplete", met=False, output=None),)),
        "declined": RepairDocument(
            (
                replace(
                    *(repaired,),
                    outcome="nothing to repair",
                    targets=(),
                    layer=None,
                    profile=None,
                    rounds=(),
                    original=None,
                    pruned_only=None,
                    repaired=None,
                    rescan=None,
                    scan=clean,
                ),
            )
        ),
        "all-to-all": ScanDocument((make_scan_report(universal=universal, target_labels=(1, 2, 3)),)),
        "thousand": ScanDocument((make_backdoored(1000),)),
        "several": ScanDocument((make_backdoored(), clean), (ScanFailure("b.onnx", "it is empty"),)),
        "long": ScanDocument((replace(long, model=replace(long.model, path=LONG), summary=LONG, reasons=(LONG,)),)),
        "waived": make_gated(),
        "softened": make_gated(softened=True),
        "error": ErrorDocument("model.onnx is empty"),
    }
