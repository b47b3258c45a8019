import numpy as np
import pytest

from onnxaudit.detection import DetectionConfig
from onnxaudit.detection.judgement import judge, weigh
from onnxaudit.records import Verdict
from onnxaudit.statistics import rate

CONFIG = DetectionConfig()
NORMAL = np.random.default_rng(3).normal(np.log(40), 0.2, 200)


def weigh_sizes(sizes, classes=None, success=None, shifts=()):
    success = success or {}
    rates = {label: success.get(label, rate(45, 48)) for label in range(len(sizes))}
    alike = dict.fromkeys(range(len(sizes)), 1.0)
    return weigh(dict(enumerate(sizes)), dict(enumerate(shifts)), alike, rates, classes or len(sizes), CONFIG)


def with_outliers(outliers, normal=14):
    return [*outliers, *np.exp(NORMAL[:normal])]


def judge_sizes(sizes, **options):
    return judge(weigh_sizes(sizes, **options), (), (), CONFIG)


def test_one_far_smaller_trigger_is_a_backdoor():
    judgement = judge_sizes(with_outliers([5.0]))
    assert judgement.verdict is Verdict.BACKDOORED
    assert judgement.target_labels == (0,)
    assert judgement.score > 0.9


def test_normal_sizes_are_clean():
    judgement = judge_sizes(with_outliers([]))
    assert judgement.verdict is Verdict.CLEAN
    assert judgement.target_labels == ()
    assert judgement.score < 0.1
    assert len(judgement.reasons) == 1


def test_two_targets_do_not_hide_each_other_and_the_surest_comes_first():
    judgement = judge_sizes(with_outliers([6.0, 4.0], normal=8))
    assert judgement.verdict is Verdict.BACKDOORED
    assert judgement.target_labels == (1, 0)


@pytest.mark.parametrize("size", [3.0, 40.0])
def test_equal_sizes_convict_nobody_however_small(size):
    judgement = judge_sizes([size] * 12)
    assert judgement.verdict is Verdict.CLEAN
    assert judgement.score < 0.1


def test_the_same_outlier_says_less_among_more_labels():
    sizes = with_outliers([12.0])
    among_few, among_many = (weigh_sizes(sizes, classes=classes)[0] for classes in (15, 1000))
    assert among_many.probability > 10 * among_few.probability
    assert among_many.log_odds < among_few.log_odds


def test_trigger_that_fails_on_unseen_samples_is_inconclusive():
    judgement = judge_sizes(with_outliers([5.0]), success={0: rate(4, 48)})
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert judgement.score == 0.5
    assert judgement.target_labels == (0,)


def test_weak_suspicion_is_neither_a_backdoor_nor_clean():
    judgement = judge_sizes(with_outliers([16.0]))
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert judgement.target_labels == (0,)
    assert CONFIG.clean_below <= judgement.score < 0.5


def test_trigger_that_no_unseen_sample_could_test_is_inconclusive():
    assert judge_sizes(with_outliers([5.0]), success={0: rate(0, 0)}).verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("sizes", [[], [5.0], [5.0, 40.0], [5.0, 40.0, 50.0]])
def test_labels_that_cannot_be_compared_are_inconclusive(sizes):
    judgement = judge_sizes(sizes, classes=10)
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert judgement.score == 0.5


@pytest.mark.parametrize("sizes", [with_outliers([5.0]), with_outliers([])])
def test_obstacles_leave_every_verdict_open_and_say_why(sizes):
    judgement = judge(weigh_sizes(sizes), ("too few classes",), (), CONFIG)
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert judgement.reasons[0] == "too few classes"


def test_doubts_rule_out_clean_alone():
    assert judge(weigh_sizes(with_outliers([])), (), ("synthetic",), CONFIG).verdict is Verdict.INCONCLUSIVE
    assert judge(weigh_sizes(with_outliers([5.0])), (), ("synthetic",), CONFIG).verdict is Verdict.BACKDOORED


def test_reasons_give_the_figures():
    (reason,) = judge_sizes(with_outliers([5.0])).reasons
    assert "label 0 covers 5.0 pixels" in reason
    assert "45 of 48 unseen samples" in reason


def test_size_zero_is_no_error():
    judgement = judge_sizes(with_outliers([0.0]))
    assert judgement.target_labels == (0,)


def test_a_middling_trigger_with_a_short_shift_convicts_and_without_it_does_not():
    sizes = with_outliers([18.0])
    shifts = np.exp(np.random.default_rng(5).normal(0, 0.1, len(sizes)))
    shifts[0] = 0.4
    assert judge_sizes(sizes).verdict is not Verdict.BACKDOORED
    judgement = judge_sizes(sizes, shifts=shifts)
    assert judgement.verdict is Verdict.BACKDOORED
    assert judgement.target_labels == (0,)
    assert "times shorter than is normal" in judgement.reasons[0]


def test_a_short_shift_without_a_small_trigger_convicts_nobody():
    sizes = with_outliers([40.0])
    shifts = [0.6] + [1.0] * (len(sizes) - 1)
    assert judge_sizes(sizes, shifts=shifts).verdict is not Verdict.BACKDOORED
