"""The checks that a repaired file has to pass before it gets its name, made on the written draft itself."""

from dataclasses import dataclass, replace
from pathlib import Path

import onnx

from onnxaudit.errors import RepairError
from onnxaudit.importer import check_parity, import_model
from onnxaudit.intake import Model, load_model
from onnxaudit.intake.stored import list_stored
from onnxaudit.mitigation.pruning_config import PruningConfig
from onnxaudit.mitigation.renewal import Renewal
from onnxaudit.pipeline.context import RepairConfig
from onnxaudit.pipeline.evaluation import Evaluation
from onnxaudit.pipeline.forgetting import judge_forgetting
from onnxaudit.pipeline.nearness import judge_nearness
from onnxaudit.pipeline.renewal import judge_renewal
from onnxaudit.pipeline.subject import Subject
from onnxaudit.records import Forgetting, LabelStatus, Measurement, ScanReport, Verdict
from onnxaudit.text import format_share


@dataclass(frozen=True, kw_only=True, eq=False)
class Checks:
    """What was found on the repaired network before it was written.

    Attributes:
        forgetting: whether the backdoor is forgotten, for each target of which it could be checked.
        renewed: triggers that were made to work again, likewise.
        near: by how many families of changes of the whole image fine-tuning left targets near.
    """

    forgetting: tuple[Forgetting, ...] = ()
    renewed: tuple[Renewal, ...] = ()
    near: int = 0


@dataclass(frozen=True, eq=False)
class Acceptance:
    """What was found on the draft.

    Attributes:
        sha256: of the draft's bytes.
        forgetting: whether the backdoor is forgotten, for each target of which it could be checked.
        measurement: agreement, accuracy and success, with onnxruntime.
        rescan: a new scan of the draft.
        kept: each limit that is met, one sentence each.
        missed: each limit that is not.
    """

    sha256: str
    forgetting: tuple[Forgetting, ...]
    measurement: Measurement
    rescan: ScanReport
    kept: tuple[str, ...]
    missed: tuple[str, ...]

    @property
    def met(self) -> bool:
        """Whether every limit is met."""
        return not self.missed


def open_draft(draft: Path, original: Subject, expected: Model, *, seed: int) -> Subject:
    """The written file as a subject of its own, once it is shown to be the vendor's graph with other weights.

    Where neurons were taken out, `expected` has the graph without them.

    Raises:
        RepairError: it cannot be read back, differs in more than weights, or its copy disagrees with onnxruntime.
    """
    try:
        info = original.model.info
        model = load_model(draft, info.output.name, (info.input.height, info.input.width))
    except Exception as error:
        raise RepairError(f"the repaired model cannot be read back: {error}") from error
    if _without_weights(model.proto) != _without_weights(expected.proto):
        raise RepairError("the repaired model differs from the one that was computed in more than its weights")
    if model.to_bytes() != expected.to_bytes():
        raise RepairError("the repaired model on disk is not the one that was computed")
    runtime = original.make_runtime(model)
    torch_model = import_model(model, original.device)
    check_parity(torch_model, model, runtime, seed=seed)
    return replace(original, model=model, classifier=original.make_classifier(torch_model), runtime=runtime)


def judge_draft(
    subject: Subject,
    scan: ScanReport,
    rescan: ScanReport,
    evaluation: Evaluation,
    config: RepairConfig,
    *,
    checks: Checks,
    suspected: bool = False,
) -> Acceptance:
    """Measure a draft, next to the `scan` of the original, against the limits.

    What was no more than `suspected` must not be suspected again.
    """
    measured = evaluation.measure(subject.runtime)
    findings = [_judge_agreement(measured, config.pruning), _judge_success(measured, config.pruning)]
    findings += judge_forgetting(checks.forgetting, config.max_reactivation)
    findings += [judge_renewal(one, config.pruning.max_success) for one in checks.renewed]
    if checks.near:
        findings.append(
            (
                False,
                "after fine-tuning a search still found changes of the whole image that lead to a target too easily",
            )
        )
    for target in evaluation.targets:
        findings += [_judge_rescan(rescan, target, suspected=suspected), *judge_nearness(scan, rescan, target)]
    findings += [(False, sentence) for sentence in _list_other_targets(rescan, evaluation)]
    return Acceptance(
        subject.model.info.sha256,
        checks.forgetting,
        measured,
        rescan,
        tuple(sentence for met, sentence in findings if met),
        tuple(sentence for met, sentence in findings if not met),
    )


def _judge_agreement(measured: Measurement, limits: PruningConfig) -> tuple[bool, str]:
    share, wanted = measured.agreement, limits.min_agreement
    met = share.value is not None and share.value >= wanted
    count = f"{share.successes} of {share.trials}"
    return met, f"agreement with the original is {count} clean images; the limit is at least {format_share(wanted)}"


def _judge_success(measured: Measurement, limits: PruningConfig) -> tuple[bool, str]:
    share, wanted = measured.success_rate, limits.max_success
    met = share.value is not None and share.value < wanted
    count = f"{share.successes} of {share.trials}"
    return met, f"the inverted trigger succeeds on {count} images; the limit is below {format_share(wanted)}"


def _judge_rescan(rescan: ScanReport, target: int, *, suspected: bool) -> tuple[bool, str]:
    row = next(row for row in rescan.labels if row.label == target)
    if row.status is LabelStatus.UNFINISHED:
        return False, f"the new scan did not finish label {target}: {row.reason or 'no time was left'}"
    if rescan.verdict is Verdict.BACKDOORED and target in rescan.target_labels:
        return False, f"the new scan still calls label {target} backdoored"
    if suspected and target in rescan.target_labels:
        return False, f"label {target} still stands out in the new scan"
    return True, f"the new scan does not call label {target} backdoored (its verdict: {rescan.verdict.value})"


def _list_other_targets(rescan: ScanReport, evaluation: Evaluation) -> list[str]:
    """What else the new scan found: a file that is still backdoored in another way is no repaired file."""
    if rescan.verdict is Verdict.REJECTED:
        return ["the new scan rejects the file: it works against its audit"]
    if rescan.verdict is not Verdict.BACKDOORED:
        return []
    if not rescan.target_labels:
        return ["the new scan still calls the model backdoored"]
    others = [label for label in rescan.target_labels if label not in evaluation.targets]
    return [f"the new scan calls label {label} backdoored, which this repair did not treat" for label in others]


def _without_weights(proto: onnx.ModelProto) -> bytes:
    bare = onnx.ModelProto()
    bare.CopyFrom(proto)
    for _, tensor in list_stored(bare):
        name, shape, kind = tensor.name, list(tensor.dims), tensor.data_type
        tensor.Clear()
        tensor.name, tensor.data_type = name, kind
        tensor.dims.extend(shape)
    return bytes(bare.SerializeToString(deterministic=True))
