import pytest

from onnxaudit.deadline import NEVER, Deadline
from onnxaudit.errors import OutOfTimeError


def test_one_that_has_passed_ends_work_with_an_error_of_its_own() -> None:
    NEVER.check()
    with pytest.raises(OutOfTimeError, match="time budget"):
        Deadline(0.0).check()


def test_a_share_of_the_time_is_counted_from_now() -> None:
    later = Deadline.after(1000.0)
    assert Deadline.after(0.0).left <= later.share(0.2).left <= 200.0
    assert NEVER.share(0.2) is NEVER


def test_overtime_is_a_share_of_the_whole_budget() -> None:
    assert Deadline(110.0).extend(0.1, start=10.0).at == pytest.approx(120.0)
    assert NEVER.extend(0.1, start=10.0).at == float("inf")
