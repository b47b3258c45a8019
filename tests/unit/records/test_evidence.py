import pytest

from onnxaudit.records import DetectorInfo

INFO = DetectorInfo(
    id="patch",
    title="Patch",
    explanation="The smallest trigger",
    stage="screening",
    subject="its trigger is",
    closer="smaller",
    farther="larger",
)


@pytest.mark.parametrize(
    ("ratio", "said"),
    [
        (2.34, "its trigger is 2.3 times smaller"),
        (1.0, "its trigger is no smaller"),
        (1.04, "its trigger is no smaller"),
        (0.77, "its trigger is 1.3 times larger"),
        (0.0, "its trigger is far larger"),
        (float("inf"), "its trigger is far smaller"),
    ],
)
def test_a_ratio_below_one_is_said_as_speaking_against_a_target(ratio: float, said: str) -> None:
    assert INFO.describe(ratio) == said
    assert INFO.speaks_for(ratio) is ("smaller" in said and "no smaller" not in said)
