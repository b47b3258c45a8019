from dataclasses import replace

import pytest

from onnxaudit.findings.comparison import describe_comparison
from onnxaudit.records import Comparison, Verdict
from tools.testbed.reports import make_scan_report

FOUND = Comparison(clean=0.04, backdoored=0.8, like_clean=24.4, like_backdoored=20.0, least_false_positive_rate=0.115)


@pytest.mark.parametrize(("rate", "promise"), [(0.115, "no false positive rate below 12 %"), (1.0, "can be promised")])
def test_both_p_values_stand_with_the_numbers_that_they_rest_on(rate: float, promise: str) -> None:
    found = replace(FOUND, least_false_positive_rate=rate)
    said = describe_comparison(replace(make_scan_report(Verdict.CLEAN), comparison=found))
    assert said is not None
    assert "p = 0.04 (from 24 alike)" in said
    assert "p = 0.80 (from 20)" in said
    assert promise in said


def test_a_scan_that_was_not_measured_as_known_models_were_is_compared_with_none() -> None:
    assert describe_comparison(make_scan_report(Verdict.CLEAN)) is None
