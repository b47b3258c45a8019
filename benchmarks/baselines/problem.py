"""What every baseline is given: the very samples, triggers and judge that the product's own repair has."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from onnxaudit.data.splits import split
from onnxaudit.detectors.patch import PatchConfig
from onnxaudit.importer import Classifier, import_model
from onnxaudit.intake import Model
from onnxaudit.inversion.patch import invert
from onnxaudit.mitigation.evaluation import ReferenceSamples, classify
from onnxaudit.pipeline import PruningConfig
from onnxaudit.pipeline.admission import open_subject
from onnxaudit.pipeline.evaluation import Evaluation
from onnxaudit.pipeline.subject import Subject
from onnxaudit.records import Measurement, Preprocessing, Samples, ScanReport, Trigger
from onnxaudit.runtime import Runtime

Setting = Mapping[str, float]
LIMITS = PruningConfig()


@dataclass(frozen=True, kw_only=True, eq=False)
class Problem:
    """A model with a backdoor, and what its user has.

    Attributes:
        original: the model.
        preprocessing: how pixels become its inputs.
        fitting: clean samples `X` to work with.
        evaluation: measures agreement and the inverted triggers' success on `D_valid`; no baseline may look further.
        seed: of all randomness.
    """

    original: Model
    preprocessing: Preprocessing
    fitting: ReferenceSamples
    evaluation: Evaluation
    seed: int

    @property
    def triggers(self) -> Mapping[int, Trigger]:
        """The inverted trigger of each target label."""
        return {target: trigger for target, (trigger, *_) in self.evaluation.triggers.items()}

    def measure(self, model: Model) -> Measurement:
        """Agreement and success of the inverted triggers on `D_valid`."""
        return self.evaluation.measure(Runtime(model, self.preprocessing))

    def copy(self, model: Model) -> Classifier:
        """A differentiable copy."""
        return Classifier(import_model(model), self.preprocessing)


@dataclass(frozen=True)
class Baseline:
    """A defence with its main knob.

    Attributes:
        source: where it was published.
        grid: the settings that are tried.
        apply: the model that one setting gives.
    """

    source: str
    grid: tuple[Setting, ...]
    apply: Callable[[Problem, Setting], Model]


@dataclass(frozen=True, eq=False)
class Tried:
    """The model of one setting, and what it measured on `D_valid`."""

    model: Model
    setting: Setting
    measured: Measurement


@dataclass(frozen=True, eq=False)
class Chosen:
    """The best of a grid by `D_valid`, and the whole grid."""

    best: Tried
    grid: tuple[Tried, ...]


def choose(problem: Problem, baseline: Baseline) -> Chosen:
    """Try the whole grid and take what its user would take."""
    tried = []
    for setting in baseline.grid:
        model = baseline.apply(problem, setting)
        tried.append(Tried(model, setting, problem.measure(model)))
    return Chosen(min(tried, key=lambda one: rank(one.measured)), tuple(tried))


def rank(measured: Measurement) -> tuple[float, float]:
    """What a user wants to be small: first how far the product's two limits are missed, then `S − Q`."""
    agreement, success = measured.agreement.value or 0.0, measured.success_rate.value or 0.0
    missed = max(0.0, LIMITS.min_agreement - agreement) + max(0.0, success - LIMITS.max_success)
    return missed, success - agreement


def pose(path: Path, data: Path, scan: ScanReport, targets: tuple[int, ...], seed: int) -> Problem:
    """The problem that `onnxaudit.repair` would have with the same arguments."""
    subject = open_subject(
        path,
        data,
        output=scan.model.output.name,
        preprocessing=scan.preprocessing,
        seed=seed,
        device="cpu",
        on_event=lambda _: None,
    )
    predicted = classify(subject.runtime, subject.samples.images)
    fitting, validation = split(subject.samples, predicted, seed=seed)
    triggers = {target: (_find_trigger(subject, scan, target, fitting, seed),) for target in targets}
    return Problem(
        original=subject.model,
        preprocessing=subject.choice.preprocessing,
        fitting=ReferenceSamples.of(subject.runtime, fitting),
        evaluation=Evaluation.of(subject.runtime, ReferenceSamples.of(subject.runtime, validation), triggers),
        seed=seed,
    )


def _find_trigger(subject: Subject, scan: ScanReport, target: int, fitting: Samples, seed: int) -> Trigger:
    """The scan's trigger of a label, or a new one where the scan kept none."""
    for finding in scan.triggers:
        if finding.label == target:
            return finding.trigger
    (found,) = invert(subject.classifier, fitting, (target,), PatchConfig().refinement, seed=seed)
    return found.trigger
