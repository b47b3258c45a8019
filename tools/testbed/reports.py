"""Small reports for tests of whatever shows, writes or reads them."""

from dataclasses import replace
from typing import Any

import numpy as np

from onnxaudit.records import (
    Coverage,
    Forgetting,
    InputSpec,
    Inspection,
    LabelResult,
    LabelStatus,
    LayerInfo,
    Layout,
    Measurement,
    ModelInfo,
    NeuronAxis,
    NeuronProfile,
    OperatorUse,
    OutputKind,
    OutputSpec,
    Preprocessing,
    PreprocessingCandidate,
    PreprocessingChoice,
    Profile,
    PruningRound,
    Rate,
    Reactivation,
    RepairCandidate,
    RepairReport,
    SamplesInfo,
    ScanReport,
    TargetLayer,
    TensorInfo,
    Trigger,
    TriggerFinding,
    Verdict,
    WeightChange,
)

SIZES = (40.0, 44.5, 4.25, 51.0)
NO_RATE = Rate(0, 0, None, 0.0, 1.0)


def make_trigger(channels: int = 3, size: int = 8) -> Trigger:
    """A saturated 2 x 2 patch in the lower right corner."""
    mask = np.zeros((1, size, size), np.float32)
    mask[:, -2:, -2:] = 1.0
    pattern = np.random.default_rng(0).random((channels, size, size), dtype=np.float32)
    return Trigger(mask, pattern)


def make_scan_report(verdict: Verdict = Verdict.BACKDOORED, **changes: Any) -> ScanReport:
    """Four classes of 8 x 8 color images; label 2 is the odd one out when backdoored."""
    trigger = make_trigger()
    found = verdict is Verdict.BACKDOORED
    report = ScanReport(
        verdict=verdict,
        score=0.97 if found else 0.1,
        target_labels=(2,) if found else (),
        summary="What was found.",
        reasons=("the trigger of label 2 is 9.6 times smaller than the next",) if found else ("no outlier",),
        labels=tuple(make_label(label, size) for label, size in enumerate(SIZES)),
        triggers=(TriggerFinding(2, trigger, trigger.digest, 4.25, Rate(30, 30, 1.0, 0.886, 1.0)),) if found else (),
        preprocessing=PreprocessingChoice(
            Preprocessing(),
            "labels",
            "0..1 has the best accuracy",
            (
                PreprocessingCandidate(Preprocessing(), 0.95),
                PreprocessingCandidate(Preprocessing("0..255", 0, 255), 0.2),
            ),
        ),
        coverage=Coverage(4, 4),
        model=ModelInfo(
            path="folder/model.onnx",
            sha256="a" * 64,
            bytes=1234,
            opset=17,
            producer="pytorch",
            input=InputSpec("input", Layout.NCHW, 3, 8, 8, None),
            output=OutputSpec("probabilities", 4, OutputKind.PROBABILITIES, "logits"),
        ),
        samples=SamplesInfo("folder/clean", 40, True, False, "b" * 64),
        class_names=("cat", "dog", "ship", "frog"),
        config={"inversion": {"success": 0.95}},
        seed=0,
        device="cpu",
        versions={"onnxaudit": "0.1.0"},
        duration_seconds=12.5,
    )
    return replace(report, **changes)


def make_label(label: int, size: float) -> LabelResult:
    """A settled label of that size."""
    return LabelResult(label, LabelStatus.SETTLED, size, Rate(30, 30, 1.0, 0.886, 1.0), 1.5, 0.5, passes=1000)


def make_profile() -> Profile:
    """Three neurons of a hidden layer."""
    layer = TargetLayer(
        name="fc1",
        nodes=("Gemm_1",),
        weights=("fc1.weight",),
        biases=("fc1.bias",),
        output="fc1_out",
        activation="relu_out",
        neurons=3,
        axis=NeuronAxis.OUTPUTS,
    )
    neurons = (
        NeuronProfile(0, 0.5, 0.4, 1.0, 2, 3),
        NeuronProfile(1, 9.0, 0.1, 2.0, 1, 2),
        NeuronProfile(2, 0.1, 0.2, 3.0, 3, 1),
    )
    return Profile(layer, neurons)


def make_forgetting(excess: float = 0.15) -> Forgetting:
    """A check of label 2."""
    low, high = Rate(1, 20, 0.05, 0.009, 0.236), Rate(5, 20, 0.25, 0.112, 0.469)
    return Forgetting(
        steps=(0, 10, 40),
        target=Reactivation(label=2, rates=(low, low, high)),
        controls=(Reactivation(label=0, rates=(low, low, low)), Reactivation(label=3, rates=(low, high, low))),
        shares=(0.0, 0.5, 1.0),
        path=(low, high, Rate(20, 20, 1.0, 0.839, 1.0)),
        excess=excess,
    )


def make_inspection(**changes: Any) -> Inspection:
    """Of a model that can be scanned."""
    report, tensor = make_scan_report(), TensorInfo("input", "float", ("batch", 3, 8, 8))
    inspection = Inspection(
        path="folder/model.onnx",
        sha256="a" * 64,
        bytes=257_100,
        exporter="pytorch",
        ir_version=8,
        opsets={"ai.onnx": 17},
        inputs=(tensor,),
        outputs=(replace(tensor, name="probabilities", shape=("batch", 4)),),
        parameters=61_700,
        operators=(OperatorUse("ai.onnx", "Gemm", 2, True),),
        layers=(LayerInfo("fc1", "Gemm", (3, 192), 576),),
        model=report.model,
        target_layer=make_profile().layer,
        multiply_adds=5_600_000,
        seconds=83.0,
        obstacles=(),
    )
    return replace(inspection, **changes)


def make_candidates() -> tuple[RepairCandidate, ...]:
    """Two rounds, and a network on the way to the second; the first is beaten by the second."""
    some, many = Rate(1, 20, 0.05, 0.009, 0.236), Rate(18, 20, 0.9, 0.699, 0.972)
    all_of_them, none = Rate(20, 20, 1.0, 0.839, 1.0), Rate(0, 20, 0.0, 0.0, 0.161)
    return (
        RepairCandidate(round=1, share=1.0, agreement=many, success_rate=some, divergence=0.2),
        RepairCandidate(round=2, share=1.0, agreement=many, success_rate=none, divergence=0.1, chosen=True),
        RepairCandidate(round=2, share=0.9, agreement=all_of_them, success_rate=some, divergence=0.01),
    )


def make_repair_report(**changes: Any) -> RepairReport:
    """A repair that met its limits in two rounds."""
    profile = make_profile()
    accuracy, agreement = Rate(38, 40, 0.95, 0.835, 0.986), Rate(20, 20, 1.0, 0.839, 1.0)
    report = RepairReport(
        met=True,
        outcome="repaired",
        summary="What was done.",
        reasons=("agreement 20/20, limit 0.97: met",),
        output="folder/fixed.onnx",
        output_sha256="c" * 64,
        targets=(2,),
        layer=profile.layer,
        profile=profile,
        rounds=(
            PruningRound(
                target=2,
                neurons=(1,),
                ranking="activation",
                agreement=agreement,
                success_rate=Rate(2, 20, 0.1, 0.028, 0.301),
                margin=-3.0,
                kept=True,
                reason="S fell",
                fit="kept",
            ),
            PruningRound(
                target=2,
                neurons=(2,),
                ranking="weight",
                agreement=agreement,
                success_rate=Rate(2, 20, 0.1, 0.028, 0.301),
                margin=-3.0,
                kept=False,
                reason="S did not fall",
            ),
        ),
        pruned=(1,),
        original=Measurement(accuracy, agreement, Rate(20, 20, 1.0, 0.839, 1.0), Rate(19, 20, 0.95, 0.764, 0.991)),
        pruned_only=Measurement(accuracy, agreement, Rate(2, 20, 0.1, 0.028, 0.301)),
        repaired=Measurement(
            NO_RATE, agreement, Rate(0, 20, 0.0, 0.0, 0.161), poisoned_accuracy=Rate(17, 20, 0.85, 0.64, 0.948)
        ),
        changes=(WeightChange("fc1.weight", 10, 30, 0.5),),
        candidates=make_candidates(),
        forgetting=(make_forgetting(),),
        scan=make_scan_report(),
        rescan=make_scan_report(Verdict.CLEAN),
        config={},
        seed=0,
        device="cpu",
        versions={"onnxaudit": "0.1.0"},
        duration_seconds=30.0,
    )
    return replace(report, **changes)
