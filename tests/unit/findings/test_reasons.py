"""Each code is given where its cause is, by the function that looks for it, and explained in the documentation."""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from onnxaudit.data.probes import draw_probes
from onnxaudit.deadline import Deadline
from onnxaudit.findings import reasons
from onnxaudit.findings.interruptions import WORKER_ENDS
from onnxaudit.gate.decision import apply_policy
from onnxaudit.gate.layers import read_command_line, resolve
from onnxaudit.intake import load_model
from onnxaudit.pipeline.consistency import check_consistency
from onnxaudit.pipeline.detection import begin_detection, detect
from onnxaudit.pipeline.likeness import doubt_likeness
from onnxaudit.pipeline.obstacles import list_doubts, list_obstacles
from onnxaudit.pipeline.settings import DetectionConfig
from onnxaudit.pipeline.subject import Subject
from onnxaudit.records import (
    Coverage,
    Floats,
    Inversion,
    LabelStatus,
    Preprocessing,
    Reason,
    RepairDocument,
    Samples,
    ScanDocument,
    Trigger,
    Verdict,
)
from onnxaudit.runtime import Runtime
from onnxaudit.scoring.label_evidence import weigh
from onnxaudit.scoring.reference import Likeness
from onnxaudit.scoring.settings import VerdictConfig
from onnxaudit.scoring.verdict import assess
from onnxaudit.statistics import rate
from tests.hostile.corpus import CASES
from tests.hostile.test_gates import examine_design
from tools.testbed.reports import make_repair_report, make_scan_report

CLASSES = 4
PAGE = Path(__file__).parents[3] / "docs" / "reference" / "reasons.md"
EYE = np.eye(CLASSES, dtype=np.float32)


def make_samples(labels: Sequence[int] = (0, 1, 2, 3, 0, 1, 2, 3), *, synthetic: bool = False) -> Samples:
    images = np.random.default_rng(0).random((len(labels), 1, 4, 4), dtype=np.float32)
    return Samples(images, np.array(labels), "tests", synthetic)


def make_inversion(label: int, status: LabelStatus = LabelStatus.SETTLED, share: float = 0.1) -> Inversion:
    mask = np.full((1, 4, 4), share, np.float32)
    return Inversion(label, Trigger(mask, np.zeros((1, 4, 4), np.float32)), 1.0, status, 10)


def obstruct(logits: Floats, *found: Inversion) -> Sequence[Reason]:
    samples = make_samples()
    return list_obstacles(samples, logits, found)


def doubt(
    *found: Inversion, samples: Samples | None = None, classes: int = CLASSES, **detectors: Sequence[str]
) -> Sequence[Reason]:
    config = DetectionConfig(verdict=VerdictConfig(fewest_classes=CLASSES))
    return list_doubts(samples or make_samples(), classes, found, config, **detectors)


def weigh_one(
    ratio: float, *, detector: str = "patch", successes: int = 48, obstacles: Sequence[Reason] = ()
) -> Sequence[Reason]:
    config, labels = VerdictConfig(), range(14)
    ratios = {detector: dict.fromkeys(labels, 1.0) | {0: ratio}}
    success = dict.fromkeys(labels, rate(48, 48)) | {0: rate(successes, 48)}
    evidence = weigh(ratios, dict.fromkeys(labels, 5.0), success, 14, config, accuracy=1.0)
    return assess(evidence, (None, -math.inf), obstacles, (), config).caveats


def open_subject(bounds: tuple[tuple[float, float], ...], features: str | None) -> Sequence[Reason]:
    choice: Any = SimpleNamespace(preprocessing=Preprocessing(bounds=bounds))
    nothing: Any = None
    return Subject(
        model=nothing,
        classifier=nothing,
        runtime=nothing,
        samples=make_samples(),
        class_names=None,
        choice=choice,
        device="cpu",
    ).list_doubts(features)


def ask(case: str) -> Sequence[Reason]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        path.write_bytes(CASES[case].content())
        runtime = Runtime(load_model(path), Preprocessing())
    samples = Samples(np.random.default_rng(0).random((8, 1, 8, 8), dtype=np.float32), None, "tests")
    return check_consistency(runtime, draw_probes(samples, seed=0), rounding=False).doubts


def run_out_of_time() -> Sequence[Reason]:
    class Means(nn.Module):
        def forward(self, pixels: Tensor) -> Tensor:
            means = pixels.mean((1, 2, 3))
            return torch.stack([means * weight for weight in (1.0, -1.0, 0.5, 2.0)], dim=1)

    return detect(Means(), make_samples(), seed=0, deadline=Deadline(at=0.0)).assessment.caveats


def demand(**options: Any) -> Sequence[Reason]:
    report = replace(make_scan_report(Verdict.CLEAN), coverage=Coverage(4, 3))
    gate = apply_policy(ScanDocument((report,)), resolve([read_command_line(options)]), date(2026, 1, 1))
    return gate.decisions[0].caveats


def demand_clean_repair() -> Sequence[Reason]:
    report = make_repair_report(rescan=make_scan_report(Verdict.INCONCLUSIVE))
    policy = resolve([read_command_line({"repaired": "clean"})])
    return apply_policy(RepairDocument((report,)), policy, date(2026, 1, 1)).decisions[0].caveats


CORRECT = 5 * EYE[[0, 1, 2, 3, 0, 1, 2, 3]]
GIVEN: dict[str, Callable[[], Sequence[Reason]]] = {
    "model-answers-nan": lambda: obstruct(np.full((8, CLASSES), np.nan, np.float32)),
    "one-class-only": lambda: obstruct(5 * EYE[[0] * 8]),
    "accuracy-at-chance": lambda: obstruct(5 * EYE[[1, 2, 3, 0, 1, 2, 3, 0]]),
    "unfinished-labels": lambda: obstruct(CORRECT, make_inversion(0, LabelStatus.UNFINISHED)),
    "out-of-time": lambda: begin_detection(CLASSES, "reading the clean images").assessment.caveats,
    "nothing-compared": lambda: assess((), (None, -math.inf), (), (), VerdictConfig()).caveats,
    "no-images": lambda: doubt(samples=make_samples(synthetic=True)),
    "few-classes-to-check": lambda: doubt(samples=make_samples((0, 0, 1, 1))),
    "few-classes": lambda: doubt(classes=CLASSES - 1),
    "few-similar-models": lambda: doubt_likeness(
        Likeness(classes=1000, side=224.0, accuracy=0.8, architecture="convolutional"), DetectionConfig()
    ),
    "few-triggers-found": lambda: doubt(make_inversion(0), make_inversion(1, LabelStatus.UNREACHED)),
    "triggers-hardly-shrank": lambda: doubt(make_inversion(0, share=0.6)),
    "out-of-time-all-to-all": run_out_of_time,
    "constant-inputs": lambda: open_subject(((0.0, 1.0), (3.0, 3.0)), "features"),
    "no-feature-layer": lambda: open_subject((), None),
    "output-not-audited": lambda: ask("label_of_the_same_network_computed_twice"),
    "batch-size-read": lambda: ask("size_of_the_batch_compared_to_no_effect"),
    "dormant-gate": lambda: examine_design("hash_that_nobody_inverts").doubts,
    "unexplored-branch": lambda: examine_design("another_network_behind_a_hash").doubts,
    "live-bypass": lambda: examine_design("small_network_beside_the_large_one").doubts,
    "structure-not-examined": lambda: examine_design("branch_that_fails_where_it_is_not_taken").doubts,
    "structure-unfinished": lambda: examine_design("corner_pattern_by_less", Deadline(at=0.0)).doubts,
    "not-measured-spectral": lambda: doubt(missing=("spectral",)),
    "left-out-patch": lambda: doubt(left_out=("patch",)),
    "score-between-limits": lambda: weigh_one(4.5),
    "score-above-limit": lambda: weigh_one(40.0, obstacles=obstruct(5 * EYE[[0] * 8])),
    "trigger-fails-on-unseen-images": lambda: weigh_one(40.0, successes=2),
    "nothing-shown": lambda: weigh_one(4.0, detector="exact-shift"),
    "coverage-below-policy": lambda: demand(min_coverage=0.9),
    "required-detector-missing": lambda: demand(required_detectors="waves"),
    "repaired-model-not-clean": demand_clean_repair,
}


@pytest.mark.parametrize(("late", "doubted"), [(0, False), (1, False), (2, True)])
def test_triggers_that_only_further_steps_found_tell_what_is_normal_of_few_labels(late: int, doubted: bool) -> None:
    found = [replace(make_inversion(label), late=label < late) for label in range(CLASSES)]
    doubts = doubt(*found)
    assert [reason.code for reason in doubts] == ["few-triggers-found"] * doubted


@pytest.mark.parametrize("code", GIVEN)
def test_every_code_is_given_where_its_cause_is(code: str) -> None:
    reason = next(reason for reason in GIVEN[code]() if reason.code == code)
    cause = reasons.find_cause(code)
    assert cause is not None
    assert reason.advice == cause.advice
    told = re.findall(r"{([a-z_]+)", cause.seen)
    assert {*reason.numbers} == {*told} - {"detector", "doing", "output", "place"}
    assert "{" not in reason.seen
    assert reason.seen.endswith(".")


def test_every_code_of_the_catalog_is_tried() -> None:
    ends = {cause.code for cause in WORKER_ENDS.values()}  # tried in tests/unit/cli/test_isolation.py
    assert set(reasons.CATALOG) - ends <= set(GIVEN)


def test_nothing_is_given_where_nothing_is_amiss() -> None:
    assert not obstruct(CORRECT, make_inversion(0))
    assert not doubt(make_inversion(0), make_inversion(1))
    assert not open_subject(((0.0, 1.0),), "features")
    assert not weigh_one(1.0)
    assert not demand(min_coverage=0.5)


@pytest.mark.parametrize("code", GIVEN)
def test_every_code_is_explained_in_the_documentation(code: str) -> None:
    assert f"\n## {code}\n" in PAGE.read_text(encoding="utf-8")


def test_entries_say_everything_in_full_sentences() -> None:
    for cause in reasons.CATALOG.values():
        assert reasons.is_code(cause.code)
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", cause.code)
        assert not cause.title.endswith(".")
        assert cause.title[0].islower()
        assert all(text.endswith((".", "?")) for text in (cause.seen, cause.meaning, cause.advice))


@pytest.mark.parametrize(
    ("text", "known"),
    [("no-images", True), ("not-measured-sonar", True), ("no-image", False), ("not-measured-", False), ("", False)],
)
def test_detectors_of_third_parties_have_codes_of_their_own(text: str, known: bool) -> None:
    assert reasons.is_code(text) is known


def test_a_reason_is_explained_in_full() -> None:
    text = reasons.explain_reason(reasons.NO_IMAGES)
    assert text.startswith("no-images\nNo clean images were given.\n")
    assert reasons.NO_IMAGES.advice in text
