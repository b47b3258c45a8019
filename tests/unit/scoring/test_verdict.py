import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from onnxaudit.detectors.comparison import compare
from onnxaudit.detectors.registry import choose, describe_detector
from onnxaudit.findings import reasons
from onnxaudit.records import Assessment, Rate, Reason, Trigger, UniversalTrigger, Verdict
from onnxaudit.scoring.label_evidence import LabelEvidence, weigh
from onnxaudit.scoring.label_mappings import choose_universal, weigh_universal
from onnxaudit.scoring.settings import VerdictConfig
from onnxaudit.scoring.verdict import assess, is_near_a_limit
from onnxaudit.statistics import rate

Ratios = Mapping[str, float]
CONFIG = VerdictConfig()
RATIOS = (
    "patch",
    "latent-inversion",
    "compactness",
    "exact-shift",
    "spectral",
    "photometric",
    "warp",
    "surrogate",
    "source-specific",
)
DETECTORS = [describe_detector(kind) for kind in choose()]
NOTHING = (None, -math.inf)
OBSTACLE, DOUBT = reasons.ONE_CLASS.give(samples=8), reasons.NO_IMAGES.give()
STRONG = {"patch": 6.0, "latent-inversion": 1.6, "compactness": 2.0, "exact-shift": 1.4, "spectral": 1.2}


def weigh_labels(
    *outliers: Ratios,
    labels: int = 14,
    classes: int | None = None,
    success: dict[int, Rate] | None = None,
    accuracy: float | None = 0.95,
) -> tuple[LabelEvidence, ...]:
    """Labels as close as is normal, but for the first few, whose ratios are given."""
    ratios = {detector: dict.fromkeys(range(labels), 1.0) for detector in RATIOS}
    for label, closer in enumerate(outliers):
        for detector, ratio in closer.items():
            ratios[detector][label] = ratio
    rates = {label: rate(45, 48) for label in range(labels)} | (success or {})
    sizes = {label: 40 / ratio for label, ratio in ratios["patch"].items()}
    return weigh(ratios, sizes, rates, classes or labels, CONFIG, accuracy=accuracy)


def assess_labels(
    *outliers: Ratios,
    universal: tuple[UniversalTrigger | None, float] = NOTHING,
    obstacles: tuple[Reason, ...] = (),
    doubts: tuple[Reason, ...] = (),
    **options: Any,
) -> Assessment:
    return assess(weigh_labels(*outliers, **options), universal, obstacles, doubts, CONFIG, detectors=DETECTORS)


def make_universal(destinations: Sequence[int | None], pixels: int = 2, successes: int = 40) -> UniversalTrigger:
    mask = np.zeros((1, 8, 8), np.float32)
    mask.flat[:pixels] = 1.0
    return UniversalTrigger(Trigger(mask, np.zeros((1, 8, 8), np.float32)), tuple(destinations), rate(successes, 48))


def test_a_label_that_is_closer_in_every_way_is_a_backdoors_target() -> None:
    assessment = assess_labels(STRONG)
    assert assessment.verdict is Verdict.BACKDOORED
    assert assessment.target_labels == (0,)
    assert assessment.score > 0.9


def test_labels_as_close_as_is_normal_are_clean() -> None:
    assessment = assess_labels()
    assert assessment.verdict is Verdict.CLEAN
    assert assessment.target_labels == ()
    assert assessment.score < CONFIG.clean_below
    assert len(assessment.reasons) == 1


def test_two_targets_are_named_and_the_surest_comes_first() -> None:
    stronger = {detector: 1.5 * ratio for detector, ratio in STRONG.items()}
    assert assess_labels(STRONG, stronger).target_labels == (1, 0)


@pytest.mark.parametrize("inner", [{"exact-shift": 3.0}, {"exact-shift": 5.2, "latent-inversion": 1.6, "patch": 1.1}])
def test_inner_features_alone_convict_nobody_and_clear_nobody(inner: Ratios) -> None:
    assessment = assess_labels(inner)
    assert assessment.verdict is Verdict.INCONCLUSIVE
    assert "nothing-shown" in {caveat.code for caveat in assessment.caveats}


def test_a_patch_ten_times_smaller_than_normal_is_never_clean() -> None:
    assert assess_labels({"patch": 10.0}).verdict is not Verdict.CLEAN


@pytest.mark.parametrize("detector", RATIOS)
def test_a_label_half_as_far_again_in_one_way_alone_convicts_nobody(detector: Any) -> None:
    assert assess_labels({detector: 1.5}).verdict is not Verdict.BACKDOORED


def test_a_trigger_from_one_class_that_no_clean_model_has_convicts_alone() -> None:
    natural, found, open_ = (assess_labels({"source-specific": ratio}) for ratio in (2.0, 3.0, 2.5))
    assert (natural.verdict, found.verdict, open_.verdict) == (
        Verdict.CLEAN,
        Verdict.BACKDOORED,
        Verdict.INCONCLUSIVE,
    )
    assert found.target_labels == (0,)


def test_among_few_classes_or_on_a_badly_trained_model_it_does_not() -> None:
    assert assess_labels({"source-specific": 3.0}, labels=8).verdict is not Verdict.BACKDOORED
    assert assess_labels({"source-specific": 3.0}, accuracy=0.7).verdict is not Verdict.BACKDOORED


def test_a_warp_far_milder_than_those_to_all_other_classes_counts() -> None:
    without, with_warp = (weigh_labels({"exact-shift": 1.3, "warp": ratio})[0] for ratio in (1.0, 6.0))
    assert with_warp.log_odds > without.log_odds + 1


def test_a_trigger_as_small_as_surrogates_expect_convicts_nobody() -> None:
    middling = {"patch": 3.0, "latent-inversion": 1.4, "exact-shift": 1.2}
    odds = [weigh_labels({**middling, "surrogate": ratio})[0].log_odds for ratio in (0.4, 1.0, 1.6)]
    assert odds[0] < odds[1] < odds[2]
    assert weigh_labels(middling)[0].log_odds == odds[1]


def test_what_surrogates_take_off_opens_a_verdict_and_clears_no_model() -> None:
    suspicious = {"patch": 2.0, "latent-inversion": 1.2, "exact-shift": 1.2}
    without, with_them = (assess_labels(one) for one in (suspicious, {**suspicious, "surrogate": 0.4}))
    assert without.score > CONFIG.clean_below
    assert with_them.verdict is Verdict.INCONCLUSIVE
    assert with_them.score == pytest.approx(CONFIG.clean_below)
    assert with_them.score >= CONFIG.clean_below
    assert assess_labels({"patch": 1.1, "surrogate": 0.4}).verdict is Verdict.CLEAN


def test_a_label_of_which_surrogates_expect_a_large_trigger_is_not_accused_by_that() -> None:
    near_inside = {"exact-shift": 5.2, "latent-inversion": 1.5, "patch": 1.1, "surrogate": 1.7}
    assert weigh_labels(near_inside)[0].log_odds <= 0
    assert weigh_labels({"surrogate": 1.8})[0].log_odds < -2


def test_a_long_way_through_features_speaks_against_a_small_trigger() -> None:
    near, far = ({"patch": 3.0, "latent-inversion": shift} for shift in (1.3, 0.7))
    assert weigh_labels(near)[0].log_odds > weigh_labels(far)[0].log_odds


def test_a_trigger_in_one_piece_counts_more_than_one_in_many_strokes() -> None:
    piece, strokes = ({"patch": 2.0, "compactness": compactness} for compactness in (2.0, 0.6))
    assert weigh_labels(piece)[0].log_odds > 0.5 + weigh_labels(strokes)[0].log_odds
    assert weigh_labels({"compactness": 0.6})[0].log_odds == weigh_labels({})[0].log_odds


def test_evidence_from_synthetic_images_weighs_less() -> None:
    ratios, success = {"patch": {0: 9.0, 1: 1.0}}, {0: rate(45, 48), 1: rate(45, 48)}
    with_images, without = (
        weigh(ratios, {}, success, 12, CONFIG, synthetic=synthetic, accuracy=0.95) for synthetic in (False, True)
    )
    assert without[0].log_odds == with_images[0].log_odds - CONFIG.synthetic_discount


def test_the_most_conspicuous_of_few_labels_counts_no_more_than_that_of_ten() -> None:
    strong = {**STRONG, "exact-shift": 1.0}
    few, nine = (weigh_labels(strong, labels=labels)[0].log_odds for labels in (3, 9))
    ten, many = (weigh_labels(strong, labels=labels)[0].log_odds for labels in (10, 40))
    assert few <= nine
    assert many < ten


def test_exact_shifts_of_few_classes_say_nothing() -> None:
    with_shift, without = ({"patch": 2.0, "exact-shift": ratio} for ratio in (3.0, 1.0))
    few = [weigh_labels(ratios, labels=8)[0].log_odds for ratios in (with_shift, without)]
    many = [weigh_labels(ratios, labels=12)[0].log_odds for ratios in (with_shift, without)]
    assert few[0] == few[1]
    assert many[0] > many[1]


def test_strong_waves_do_not_acquit_a_patch() -> None:
    far, normal = ({**STRONG, "spectral": waves} for waves in (0.5, 1.0))
    assert weigh_labels(far)[0].log_odds == weigh_labels(normal)[0].log_odds


def test_what_is_usual_among_a_models_labels_counts_less() -> None:
    lone = {"patch": compare({0: 10.0} | dict.fromkeys(range(1, 14), 40.0))}
    sizes = {0: 10.0} | {label: 40.0 * 2.0 ** (label % 3 - 1) for label in range(1, 14)}
    usual = {"patch": compare(sizes)}
    odds = [weigh(ratios, sizes, {0: rate(9, 9)}, 14, CONFIG)[0].log_odds for ratios in (lone, usual)]
    assert odds[0] > odds[1]


def test_the_same_label_says_less_among_more() -> None:
    few, many = (weigh_labels(STRONG, classes=classes)[0].log_odds for classes in (15, 1500))
    assert few - many == pytest.approx(math.log(100))


@pytest.mark.parametrize("success", [rate(4, 48), rate(0, 0)])
def test_a_trigger_that_fails_on_unseen_samples_convicts_nobody_and_clears_nobody(success: float) -> None:
    assessment = assess_labels({"patch": 40.0}, success={0: success})
    assert assessment.verdict is Verdict.INCONCLUSIVE
    assert assessment.score == 0.5
    assert assessment.target_labels == (0,)


def test_other_evidence_convicts_even_where_the_trigger_fails() -> None:
    strong = {"patch": 2.0, "exact-shift": 3.0, "photometric": 9.0}
    assert assess_labels(strong, success={0: rate(4, 48)}).verdict is Verdict.BACKDOORED


def test_weak_suspicion_is_neither_a_backdoor_nor_clean() -> None:
    weak = next(
        one
        for ratio in np.linspace(1, 10, 200)
        if CONFIG.clean_below < (one := assess_labels({"patch": ratio})).score < 0.5
    )
    assert weak.verdict is Verdict.INCONCLUSIVE
    assert weak.target_labels == (0,)


def test_nothing_to_compare_is_never_clean() -> None:
    assessment = assess((), NOTHING, (), (), CONFIG)
    assert assessment.verdict is Verdict.INCONCLUSIVE
    assert [reason.code for reason in assessment.caveats] == ["nothing-compared"]


@pytest.mark.parametrize("outliers", [(STRONG,), ()])
def test_obstacles_leave_every_verdict_open_and_say_why(outliers: tuple[Ratios, ...]) -> None:
    assessment = assess_labels(*outliers, obstacles=(OBSTACLE,))
    assert assessment.verdict is Verdict.INCONCLUSIVE
    assert assessment.reasons[0] == OBSTACLE.seen
    codes = [reason.code for reason in assessment.caveats]
    assert codes == [OBSTACLE.code, *(["score-above-limit"] if outliers else [])]


def test_doubts_rule_out_clean_alone() -> None:
    open_verdict, backdoored = assess_labels(doubts=(DOUBT,)), assess_labels(STRONG, doubts=(DOUBT,))
    assert open_verdict.verdict is Verdict.INCONCLUSIVE
    assert backdoored.verdict is Verdict.BACKDOORED
    assert open_verdict.caveats == backdoored.caveats == (DOUBT,)


def test_reasons_give_the_figures() -> None:
    (reason,) = assess_labels(STRONG).reasons
    assert "Label 0" in reason
    assert "6.7 pixels" in reason
    assert "45 of 48 unseen samples" in reason
    assert "6.0 times smaller" in reason


def test_reasons_name_the_class() -> None:
    found = assess(weigh_labels(STRONG), NOTHING, (), (), CONFIG, detectors=DETECTORS, class_names=["stop", "go"])
    assert found.reasons[0].startswith("Label 0 (stop): ")


def test_one_small_trigger_that_sends_each_class_elsewhere_is_a_backdoor() -> None:
    found = make_universal([1, 2, 3, 4, 0])
    odds = weigh_universal(found, 40.0, CONFIG)
    assessment = assess_labels(universal=(found, odds), labels=5)
    assert assessment.verdict is Verdict.BACKDOORED
    assert assessment.target_labels == (0, 1, 2, 3, 4)
    assert "0 to 1, 1 to 2" in assessment.reasons[0]


@pytest.mark.parametrize(
    "found",
    [
        make_universal([1, 2, 3, 4, 0], pixels=60),  # as large as is normal
        make_universal([1, 2, 1, 1, 1]),  # a single target, or two
        make_universal([1, 2, None, None, None, None, None, None]),
        make_universal([1, 2, 3, 4, 0], successes=4),  # unseen samples do not follow
    ],
)
def test_other_universal_triggers_convict_nobody(found: UniversalTrigger) -> None:
    odds = weigh_universal(found, 40.0, CONFIG)
    assert odds < 0
    assert assess_labels(universal=(found, odds)).verdict is Verdict.CLEAN


def test_the_universal_trigger_that_moves_classes_apart_counts_not_the_smallest() -> None:
    small, apart = make_universal([1, 1, 1, 1, 1], pixels=1), make_universal([1, 2, 3, 4, 0], pixels=3)
    assert choose_universal([small, apart], 40.0, CONFIG)[0] is apart
    assert choose_universal([], 40.0, CONFIG) == (None, -math.inf)


@pytest.mark.parametrize("size", [0.0, 1e-30])
def test_size_zero_is_no_error(size: float) -> None:
    ratios = {"patch": compare({0: size, 1: 40.0, 2: 40.0, 3: 40.0})}
    assert weigh(ratios, {0: size}, {0: rate(9, 9)}, 4, CONFIG)[0].log_odds > 0


@pytest.mark.parametrize("value", [3.0, 40.0])
def test_equal_sizes_convict_nobody_however_small(value: float) -> None:
    ratios = {"patch": compare(dict.fromkeys(range(12), value))}
    evidence = weigh(ratios, {}, dict.fromkeys(range(12), rate(48, 48)), 12, CONFIG)
    assert assess(evidence, NOTHING, (), (), CONFIG).verdict is Verdict.CLEAN


def test_a_label_of_few_classes_has_to_stand_out_more_than_any_of_a_clean_model() -> None:
    odds = [weigh_labels({"patch": ratio}, labels=8)[0].log_odds for ratio in np.linspace(1, 20, 100)]
    assert min(odds) < 0.0
    assert max(odds) > CONFIG.convincing_among_few
    assert not any(0.0 < one <= CONFIG.convincing_among_few for one in odds)


def test_what_speaks_against_a_target_never_stands_among_what_speaks_for_it() -> None:
    (reason,) = assess_labels({**STRONG, "spectral": 0.8, "compactness": 1.01}).reasons
    said_for, said_against = reason.split("; against a target speaks that ")
    assert "6.0 times smaller" in said_for
    assert "spectral" not in said_for
    assert "1.2 times" in said_against
    assert "no more compact" in said_against


@pytest.mark.parametrize("accuracy", [0.6, None])
def test_a_model_that_is_not_known_to_be_well_trained_needs_more_evidence(accuracy: float | None) -> None:
    middling = {"patch": 3.0, "latent-inversion": 1.3, "compactness": 1.5, "exact-shift": 1.1}
    known, unknown = (assess_labels(middling, accuracy=one) for one in (0.95, accuracy))
    assert known.verdict is Verdict.BACKDOORED
    assert unknown.verdict is Verdict.INCONCLUSIVE
    assert unknown.target_labels == (0,)
    assert assess_labels(STRONG, accuracy=accuracy).verdict is Verdict.BACKDOORED


@pytest.mark.parametrize(("log_odds", "compact", "named"), [(-0.8, 0.5, True), (-0.8, 0.2, False), (-1.2, 0.5, False)])
def test_a_second_target_is_named_beside_one_that_convinces_and_not_alone(
    log_odds: float, compact: float, *, named: bool
) -> None:
    """Of a network with two targets the second came to .31: a repair of the first left its trigger an ASR of 26 %."""
    rates = rate(4, 4)
    second = LabelEvidence(1, {}, log_odds, 12.0, rates, added=1.5, compact=compact)
    first, other = LabelEvidence(0, {}, 2.0, 6.0, rates, compact=0.9), LabelEvidence(2, {}, -3.0, 40.0, rates)
    found = assess([first, second, other], NOTHING, (), (), CONFIG)
    assert found.target_labels == ((0, 1) if named else (0,))
    assert any(reason.startswith("Label 1:") for reason in found.reasons) is named
    alone = assess([second, other], NOTHING, (), (), CONFIG)
    assert alone.verdict is not Verdict.BACKDOORED


CLEAN_BELOW = math.log(0.25 / 0.75)


def say(log_odds: float, *, convincing: float = 0.0, withheld: float = 0.0) -> LabelEvidence:
    return LabelEvidence(0, {}, log_odds, None, rate(4, 4), convincing=convincing, withheld=withheld)


@pytest.mark.parametrize(
    ("log_odds", "near"),
    [(0.0, True), (0.69, True), (0.71, False), (-0.5, True), (CLEAN_BELOW - 0.69, True), (CLEAN_BELOW - 0.71, False)],
)
def test_near_a_limit_is_within_so_many_log_odds_of_either(log_odds: float, *, near: bool) -> None:
    assert is_near_a_limit([say(log_odds), say(-3.0)], -math.inf, CONFIG) is near
    assert is_near_a_limit([say(-3.0)], log_odds, CONFIG) is near


@pytest.mark.parametrize(("withheld", "near"), [(1.0, False), (3.2, False), (3.4, True)])
def test_what_is_held_back_is_near_the_limit_that_would_convince(withheld: float, *, near: bool) -> None:
    """The score of such a model is 1/2, which is no limit of it."""
    assert is_near_a_limit([say(0.0, convincing=4.0, withheld=withheld)], -math.inf, CONFIG) is near


def test_without_evidence_nothing_is_near_a_limit() -> None:
    assert not is_near_a_limit([], -math.inf, CONFIG)


def test_what_a_badly_trained_model_does_not_convince_of_is_withheld() -> None:
    strong = {"patch": 3.0, "exact-shift": 1.2}
    (trained, *_), (badly, *_) = (weigh_labels(strong, accuracy=accuracy) for accuracy in (0.95, 0.5))
    assert 0 < trained.log_odds < CONFIG.convincing
    assert (badly.log_odds, badly.withheld) == (0.0, trained.log_odds)
