from onnxaudit.records import Measurement, Rate
from onnxaudit.report.measures import list_measures

NONE, HALF, ALL = Rate(0, 0, None, 0.0, 1.0), Rate(5, 10, 0.5, 0.24, 0.76), Rate(10, 10, 1.0, 0.72, 1.0)


def fields(*stages: Measurement) -> list[str]:
    return [measure.field for measure, _ in list_measures(stages)]


def test_figures_that_were_measured_at_no_stage_are_left_out() -> None:
    assert fields(Measurement(NONE, ALL, HALF)) == ["agreement", "success_rate"]


def test_a_figure_of_one_stage_is_shown_for_all() -> None:
    before, after = Measurement(NONE, ALL, ALL), Measurement(NONE, ALL, HALF, poisoned_accuracy=HALF)
    shown = {measure.field: rates for measure, rates in list_measures((before, after))}
    assert shown["poisoned_accuracy"] == [None, HALF]


def test_every_figure_has_a_name_of_its_own() -> None:
    full = Measurement(ALL, ALL, ALL, known_success_rate=ALL, poisoned_accuracy=ALL, known_poisoned_accuracy=ALL)
    headings = [measure.heading for measure, _ in list_measures((full,))]
    assert headings[0] == "clean accuracy (PA)"
    assert len(set(headings)) == len(full.__dataclass_fields__)
