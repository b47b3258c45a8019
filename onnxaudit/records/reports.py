"""The documents that a run leaves behind. The JSON report and its schema are these classes.

A `...Document` is what a file holds: several models can be scanned in one run.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

from onnxaudit.records.comparison import Comparison
from onnxaudit.records.conversion import Conversion
from onnxaudit.records.detection import Coverage, LabelResult, TriggerFinding, UniversalTrigger, Verdict
from onnxaudit.records.evidence import DetectorInfo, DetectorRun
from onnxaudit.records.gate import Gate
from onnxaudit.records.inspection import Check, Inspection
from onnxaudit.records.irregularity import Irregularity
from onnxaudit.records.memory import MemoryPlan
from onnxaudit.records.model import ModelInfo
from onnxaudit.records.notebook import ShownInNotebooks
from onnxaudit.records.origin import Origin
from onnxaudit.records.quantization import QuantizationKind
from onnxaudit.records.reasons import Reason
from onnxaudit.records.repair import (
    Forgetting,
    Measurement,
    Profile,
    PruningRound,
    Removal,
    RepairCandidate,
    TargetLayer,
    WeightChange,
)
from onnxaudit.records.run import RunInfo
from onnxaudit.records.samples import EmbeddedSamples, PreprocessingChoice, SamplesInfo
from onnxaudit.records.structure import GraphPart

SCHEMA_VERSION = "1.1"


@dataclass(frozen=True, eq=False)
class ScanReport(ShownInNotebooks):
    """Outcome of `onnxaudit.scan`.

    Attributes:
        verdict: the answer.
        score: in [0, 1], higher is more suspicious.
        target_labels: class indices, surest first.
        summary: what was found, what it means, what to do next, in plain words.
        reasons: the grounds of the verdict, one sentence each.
        labels: one row a class.
        triggers: each suspect's inverted trigger.
        preprocessing: how pixels became inputs, and why.
        coverage: labels asked, finished, and reasons for the rest.
        model: which file.
        samples: which data.
        class_names: names of the classes, where the data gives them.
        config: every setting in force.
        seed: of all randomness.
        device: where the PyTorch copy ran.
        versions: of Python and the packages that decide results.
        duration_seconds: wall clock.
        notes: what to know about how the file was run (as a float32 upcast, with a newer opset), one sentence each.
        universal: the trigger of an all-to-all backdoor, where one was found.
        embedded: clean samples for pictures, only where they were asked for.
        caveats: what leaves the verdict open, or makes it less sure, each under a code.
        irregularities: what the file does against its audit; at least one where it is rejected.
        detectors: those that ran, in words; their ratios stand with the labels.
        parts: parts of the graph that do nothing on clean images, and could answer in the model's place.
        isolation: what held the process that opened the files; empty where it was the caller's own.
        comparison: how the score stands among those of models whose truth is known; None where nothing was scored.
        memory: what the process kept to; None where nobody knows how much there is.
        origin: where the model was fetched from; None where it was here.
        quantization: which copy of the file in 8-bit integers was scanned; None: the file itself. SHA-256 and size are
            the copy's.
        conversion: what the ONNX file was made of in this run; None where it was there.
        first_score: that of the first measurement, where it was near a limit and more were made; else None.
        kind: tells a scan from a repair.
    """

    verdict: Verdict
    score: float
    target_labels: tuple[int, ...]
    summary: str
    reasons: tuple[str, ...]
    labels: tuple[LabelResult, ...]
    triggers: tuple[TriggerFinding, ...]
    preprocessing: PreprocessingChoice
    coverage: Coverage
    model: ModelInfo
    samples: SamplesInfo
    class_names: tuple[str, ...] | None
    config: dict[str, Any]
    seed: int
    device: str
    versions: dict[str, str]
    duration_seconds: float
    notes: tuple[str, ...] = ()
    universal: UniversalTrigger | None = None
    embedded: EmbeddedSamples | None = None
    caveats: tuple[Reason, ...] = ()
    irregularities: tuple[Irregularity, ...] = ()
    detectors: tuple[DetectorRun, ...] = ()
    parts: tuple[GraphPart, ...] = ()
    isolation: str = ""
    comparison: Comparison | None = None
    memory: MemoryPlan | None = None
    origin: Origin | None = None
    quantization: QuantizationKind | None = None
    conversion: Conversion | None = None
    first_score: float | None = None
    kind: Literal["scan"] = "scan"


@dataclass(frozen=True, eq=False)
class RepairReport(ShownInNotebooks):
    """Outcome of `onnxaudit.repair`.

    Attributes:
        met: `Q`, `S` and the rescan all within their limits.
        outcome: "repaired", "incomplete" (a limit was missed), "nothing to repair" (clean), "inconclusive".
        summary: what was done, what it means, what to do next, in plain words.
        reasons: each limit with its figure, met or missed.
        output: path of the written file, or None where none was written.
        output_sha256: of the written file.
        targets: the repaired labels.
        layer: the target layer.
        profile: both rankings.
        rounds: the pruning loop, round by round.
        pruned: neurons at zero in the end, or out of the graph.
        pruned_inputs: inputs of the layer at zero in the end, where taking out its neurons was not enough.
        original, pruned_only, repaired: figures before, after pruning and after all, measured with
            onnxruntime on samples that no fit or fine-tuning saw.
        changes: what happened to each initializer.
        scan: of the original model.
        rescan: of the written file.
        config: every setting in force.
        seed: of all randomness.
        device: where the PyTorch copy ran.
        versions: of Python and the packages that decide results.
        duration_seconds: wall clock.
        removal: what became of the pruned neurons, where they were to be taken out of the graph.
        isolation: what held the process that opened the files; empty where it was the caller's own.
        forgetting: whether the backdoor is forgotten, for each target of which it could be checked.
        candidates: networks among which fine-tuning chose.
        suspected: whether the targets are no more than suspects: the scan came to no verdict.
        unlearned: families of changes of the whole image that fine-tuning unlearned, by target.
        kind: tells a repair from a scan.
    """

    met: bool
    outcome: Literal["repaired", "incomplete", "nothing to repair", "inconclusive"]
    summary: str
    reasons: tuple[str, ...]
    output: str | None
    output_sha256: str | None
    targets: tuple[int, ...]
    layer: TargetLayer | None
    profile: Profile | None
    rounds: tuple[PruningRound, ...]
    pruned: tuple[int, ...]
    original: Measurement | None
    pruned_only: Measurement | None
    repaired: Measurement | None
    changes: tuple[WeightChange, ...]
    scan: ScanReport
    rescan: ScanReport | None
    config: dict[str, Any]
    seed: int
    device: str
    versions: dict[str, str]
    duration_seconds: float
    removal: Removal | None = None
    isolation: str = ""
    forgetting: tuple[Forgetting, ...] = ()
    candidates: tuple[RepairCandidate, ...] = ()
    pruned_inputs: tuple[int, ...] = ()
    suspected: bool = False
    unlearned: dict[int, tuple[str, ...]] = field(default_factory=dict)
    kind: Literal["repair"] = "repair"


@dataclass(frozen=True)
class ScanFailure:
    """A model that could not be scanned: the file, and what stood in the way."""

    path: str
    error: str


@dataclass(frozen=True, eq=False)
class ScanDocument:
    """What `scan --json` writes.

    Attributes:
        reports: one for each model.
        failures: the models of the same run that have no report.
        gate: the policy's part.
        run: of the command line.
        schema_version: of the classes in this module.
    """

    reports: tuple[ScanReport, ...]
    failures: tuple[ScanFailure, ...] = ()
    gate: Gate | None = None
    run: RunInfo | None = None
    schema_version: str = field(default=SCHEMA_VERSION)


@dataclass(frozen=True, eq=False)
class RepairDocument:
    """What `repair --json` writes; `gate` is the policy's part, `run` tells of the command line."""

    reports: tuple[RepairReport, ...]
    gate: Gate | None = None
    run: RunInfo | None = None
    schema_version: str = field(default=SCHEMA_VERSION)


@dataclass(frozen=True, eq=False)
class ProfileDocument:
    """What `profile --json` writes."""

    profile: Profile
    schema_version: str = field(default=SCHEMA_VERSION)


@dataclass(frozen=True)
class InspectionDocument:
    """What `inspect --json` writes."""

    inspection: Inspection
    schema_version: str = field(default=SCHEMA_VERSION)


@dataclass(frozen=True)
class DiagnosisDocument:
    """What `doctor --json` writes."""

    checks: tuple[Check, ...]
    schema_version: str = field(default=SCHEMA_VERSION)


@dataclass(frozen=True)
class DetectorsDocument:
    """What `detectors --json` writes."""

    detectors: tuple[DetectorInfo, ...]
    schema_version: str = field(default=SCHEMA_VERSION)


@dataclass(frozen=True, kw_only=True)
class ConversionDocument:
    """What `convert --json` writes.

    Attributes:
        conversion: of what, and how far the ONNX file computes the same.
        output: the ONNX file.
        output_sha256: of that.
        schema_version: of the classes in this module.
    """

    conversion: Conversion
    output: str
    output_sha256: str
    schema_version: str = field(default=SCHEMA_VERSION)


@dataclass(frozen=True)
class ErrorDocument:
    """What stands where a report was asked for and none could be made: one line for people."""

    error: str
    schema_version: str = field(default=SCHEMA_VERSION)


Document = (
    ScanDocument
    | RepairDocument
    | ProfileDocument
    | InspectionDocument
    | DiagnosisDocument
    | DetectorsDocument
    | ConversionDocument
    | ErrorDocument
)
