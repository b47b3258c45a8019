from dataclasses import replace

import pytest

from onnxaudit.detectors.registry import all_detectors, describe_detector
from onnxaudit.pipeline.nearness import NAMES, is_comparable, judge_nearness, list_unusual
from onnxaudit.pipeline.whole_image import list_near, list_whole_image_targets
from onnxaudit.records import DetectorRun, Layout, ScanReport, UniversalTrigger
from onnxaudit.statistics import rate
from tools.testbed.reports import make_scan_report, make_trigger

LABEL = 2
EVERY = ("patch", "photometric", "spectral", "warp")


def make_report(
    ratios: dict[str, float], *, ran: tuple[str, ...] = EVERY, measured: int = 4, complete: bool = True
) -> ScanReport:
    """A report of one label, by detectors that each measured so many."""
    known = {one.id: describe_detector(one, weighed=True) for one in all_detectors()}
    runs = tuple(
        DetectorRun(detector=known[name], labels=measured, complete=complete, passes=0, cpu_seconds=0.0) for name in ran
    )
    report = make_scan_report()
    return replace(report, labels=(replace(report.labels[LABEL], ratios=ratios),), detectors=runs)


def test_a_repaired_label_no_nearer_than_is_usual_is_within_the_limits() -> None:
    before = make_report({"photometric": 5.0})
    after = make_report({"patch": 1.7, "photometric": 2.2, "spectral": 0.9, "warp": 1.0})
    judged = judge_nearness(before, after, LABEL)
    assert [met for met, _ in judged] == [True] * 4
    assert judged[0][1].startswith("other masks lead to label 2 no more easily than is usual: it is 1.7 times closer")
    assert judged[1][1].startswith(
        "photometric changes of the whole image lead to label 2 no more easily than is usual"
    )
    assert judged[1][1].endswith("2.2 times closer than is normal for the repaired model (before: 5.0)")
    assert "before" not in judged[2][1]
    assert not list(list_unusual(after, LABEL))


@pytest.mark.parametrize(
    ("detector", "ratio", "families"),
    [
        ("patch", 1.9, ()),
        ("photometric", 2.4, ("photometric",)),
        ("spectral", 2.6, ("additive",)),
        ("warp", 1.4, ("warp",)),
    ],
)
def test_a_repaired_label_that_is_still_near_by_one_detector_misses_a_limit(
    detector: str, ratio: float, families: tuple[str, ...]
) -> None:
    after = make_report(dict.fromkeys(EVERY, 1.0) | {detector: ratio})
    missed = [sentence for met, sentence in judge_nearness(make_report({}), after, LABEL) if not met]
    assert [sentence.split(" still lead to label 2 unusually easily")[0] for sentence in missed] == [NAMES[detector]]
    assert list(list_unusual(after, LABEL)) == [detector]
    assert list_near(after, LABEL) == families


@pytest.mark.parametrize(("mine", "others", "met"), [(1.7, 1.2, False), (1.7, 1.6, True), (1.2, 0.9, True)])
def test_a_lead_over_the_next_label_shows_what_short_searches_hardly_tell_apart(
    mine: float, others: float, met: bool
) -> None:
    report = make_report({"patch": 9.0, "latent-inversion": 2.0, "photometric": mine})
    rest = [replace(row, ratios={"photometric": others}) for row in make_scan_report().labels if row.label != LABEL]
    report = replace(report, labels=(*rest, *report.labels))
    judged = judge_nearness(report, report, LABEL)[1]
    assert judged[0] == met
    assert judged[1].endswith(f"(before: {mine}), the next label {others} times")
    assert not list_whole_image_targets(report).get(LABEL)  # whose mask tells more


@pytest.mark.parametrize(
    ("mine", "others", "met"), [(4.0, 4.1, True), (4.0, 3.9, False), (4.8, 5.5, False), (2.2, 2.1, True)]
)
def test_a_label_that_another_one_is_nearer_than_misses_a_limit_only_where_hardly_any_is_so_near(
    mine: float, others: float, met: bool
) -> None:
    report = make_report({"photometric": mine})
    rest = [replace(row, ratios={"photometric": others}) for row in make_scan_report().labels if row.label != LABEL]
    judged = judge_nearness(report, replace(report, labels=(*rest, *report.labels)), LABEL)
    assert judged[1][0] == met


def test_what_no_detector_looked_for_is_said_to_be_untested_and_what_one_did_not_reach_misses_a_limit() -> None:
    after = make_report({"patch": 1.0, "spectral": 1.0}, ran=("patch", "spectral", "warp"))
    judged = judge_nearness(make_report({}), after, LABEL)
    assert [met for met, _ in judged] == [True, True, True, False]
    assert judged[1][1] == "whether photometric changes of the whole image lead to label 2 was not tested"
    assert judged[3][1] == "the new scan did not measure whether warp changes of the whole image lead to label 2"


@pytest.mark.parametrize(("complete", "met"), [(True, True), (False, False)])
def test_a_search_that_reached_no_label_at_all_speaks_for_none_once_it_was_complete(complete: bool, met: bool) -> None:
    after = make_report({}, measured=0, complete=complete)
    assert [one for one, _ in judge_nearness(make_report({}), after, LABEL)] == [met] * 4


def test_a_label_for_which_no_mask_was_found_is_not_near_by_masks() -> None:
    after = make_report(dict.fromkeys(EVERY[1:], 1.0))
    assert judge_nearness(make_report({}), after, LABEL)[0] == (
        True,
        "the new scan found no other masks that lead to label 2",
    )


def test_of_what_is_no_image_and_where_one_trigger_leads_everywhere_nothing_is_said() -> None:
    report = make_report({"photometric": 9.0})
    taken = replace(report.model.input, layout=Layout.NC)
    features = replace(report, model=replace(report.model, input=taken))
    mapped = replace(report, universal=UniversalTrigger(make_trigger(), (1, 2, 3, 0), rate(20, 20)))
    for one in (features, mapped):
        assert not is_comparable(one, LABEL)
        assert judge_nearness(one, report, LABEL) == []
    rows = (replace(report.labels[0], log_odds=1.0),)
    assert is_comparable(replace(mapped, labels=rows), LABEL)  # it stands out by itself too
