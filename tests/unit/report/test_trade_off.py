"""Which candidates of a repair are shown, and what is said of them."""

from onnxaudit.report.trade_off import describe_best, find_front, list_row
from tools.testbed.reports import make_candidates


def test_what_another_candidate_beats_is_left_out() -> None:
    assert [(one.round, one.share) for one in find_front(make_candidates())] == [(2, 0.9), (2, 1.0)]
    assert find_front(()) == ()


def test_the_agreement_to_be_had_is_named_where_the_limit_is_missed() -> None:
    worse = make_candidates()[:2]
    (sentence,) = describe_best(worse, min_agreement=0.97, max_success=0.1)
    assert "18 of 20" in sentence
    assert "--min-agreement 0.90" in sentence
    assert describe_best(make_candidates(), min_agreement=0.97, max_success=0.1) == ()
    assert describe_best((), min_agreement=0.97, max_success=0.1) == ()


def test_a_row_says_where_a_candidate_comes_from() -> None:
    names = [list_row(one)[0] for one in make_candidates()]
    assert names == ["round 1", "round 2, chosen", "90 % of the way to round 2"]
