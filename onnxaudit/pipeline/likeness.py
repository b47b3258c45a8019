"""What a model is like, so that it can be compared with models whose truth is known."""

import math
from collections import Counter

from onnxaudit.findings import reasons
from onnxaudit.pipeline.obstacles import measure_accuracy
from onnxaudit.pipeline.settings import DetectionConfig
from onnxaudit.pipeline.subject import Subject
from onnxaudit.records import Comparison, Detection, Floats, Reason
from onnxaudit.scoring.label_evidence import WEIGHED
from onnxaudit.scoring.reference import Architecture, Likeness, compare_score, read_known, weigh_likeness

CONVOLUTIONS = {"Conv", "ConvInteger", "QLinearConv"}
FEWEST_CONVOLUTIONS = 2  # a single one cuts images into patches
NORMS = {"LayerNormalization", "ReduceMean", "SimplifiedLayerNormalization"}


def describe_likeness(subject: Subject, config: DetectionConfig, logits: Floats) -> Likeness:
    """By what the model is compared; its accuracy is that of its `logits` `(n, classes)` on labeled clean images."""
    info = subject.model.info
    return Likeness(
        classes=info.output.classes,
        side=math.sqrt(info.input.height * info.input.width) if info.input.layout.is_image else 0.0,
        accuracy=measure_accuracy(subject.samples, logits),
        architecture=find_architecture([node.op_type for node in subject.model.proto.graph.node]),
        raced=config.large,
    )


def find_architecture(operators: list[str]) -> Architecture:
    """Of which kind a network is, by its operators: transformers and mixers normalize tokens."""
    count = Counter(operators)
    if sum(count[name] for name in CONVOLUTIONS) >= FEWEST_CONVOLUTIONS:
        return "convolutional"
    return "tokens" if any(count[name] > 1 for name in NORMS) else "dense"


def doubt_likeness(likeness: Likeness, config: DetectionConfig) -> tuple[Reason, ...]:
    """Why a model may not be called clean that is like few of those whose truth is known.

    None of these was measured with the fewer samples of a costly network.
    """
    alike = 0.0 if config.costly else sum(weigh_likeness(likeness, one.likeness) for one in read_known())
    if alike >= config.verdict.fewest_similar:
        return ()
    return (reasons.FEW_SIMILAR.give(alike=alike, fewest=config.verdict.fewest_similar),)


def compare_detection(found: Detection, likeness: Likeness, *, synthetic: bool) -> Comparison | None:
    """How the score stands among known ones; None where it was not measured as theirs were."""
    ran = {run.detector.id for run in found.detectors}
    scored = any(row.log_odds is not None for row in found.labels)
    if synthetic or not scored or set(WEIGHED) - ran:
        return None
    return compare_score(found.assessment.score, likeness, read_known())
