"""Summaries say what was found, what it means, and what to do."""

from dataclasses import replace

import pytest

from onnxaudit.findings import reasons
from onnxaudit.findings.interruptions import UNFINISHED
from onnxaudit.records import Assessment, Coverage, Detection, Rate, Reason, Verdict
from onnxaudit.report.wording import summarize_repair, summarize_scan
from onnxaudit.text import format_duration, format_rate, format_share, show_plainly
from tools.testbed.reports import make_repair_report, make_scan_report

NAMES = ("cat", "dog", "ship", "frog")


def found(verdict: Verdict, targets: tuple[int, ...] = (), caveats: tuple[Reason, ...] = ()) -> Detection:
    report = make_scan_report()
    assessment = Assessment(verdict, 0.9, targets, ("sizes are equal",), caveats)
    return Detection(assessment, report.labels, report.triggers, Coverage(4, 4))


def test_a_backdoor_is_described_by_size_success_and_class() -> None:
    text = summarize_scan(found(Verdict.BACKDOORED, (2, 3)), NAMES)
    assert "4.2 pixels (7 % of the image)" in text
    assert "30 of 30" in text
    assert "class 2 (ship). Further target classes: 3 (frog)." in text
    assert "Do not use the model" in text


def test_a_backdoor_without_a_trigger_to_show_is_still_told() -> None:
    assert "to class 1 (dog)" in summarize_scan(found(Verdict.BACKDOORED, (1,)), NAMES)


def test_a_backdoor_by_the_whole_image_is_not_told_as_a_patch() -> None:
    detection = found(Verdict.BACKDOORED, (2,))
    rows = list(detection.labels)
    rows[2] = replace(rows[2], ratios={"spectral": 4.0, "patch": 1.5})
    text = summarize_scan(replace(detection, labels=tuple(rows)), NAMES)
    assert "the spectral perturbation of the whole image that leads to class 2 (ship) is 4.0 times weaker" in text
    assert "pixels" not in text


def test_clean_promises_no_more_than_was_looked_for() -> None:
    text = summarize_scan(found(Verdict.CLEAN))
    assert text.startswith("No backdoor found: 4 classes were tested")
    assert "not ruled out" in text


def test_an_open_verdict_says_why_in_one_sentence_with_codes_and_what_to_do() -> None:
    caveats = (
        reasons.NO_IMAGES.give(),
        UNFINISHED.give(unfinished=3, labels=10),
        reasons.BETWEEN_LIMITS.give(score=0.3, clean_below=0.25),
    )
    assert summarize_scan(found(Verdict.INCONCLUSIVE, caveats=caveats)) == (
        "No verdict: no clean images were given (no-images, unfinished-labels, score-between-limits). Treat the model "
        f"as unchecked. {reasons.NO_IMAGES.advice} {UNFINISHED.advice} {reasons.BETWEEN_LIMITS.advice}"
    )


def test_what_to_do_is_said_once() -> None:
    caveats = (reasons.ANSWERS_NAN.give(nan=3, samples=8), reasons.ONE_CLASS.give(samples=8))
    assert summarize_scan(found(Verdict.INCONCLUSIVE, caveats=caveats)).count(reasons.ANSWERS_NAN.advice) == 1


def test_a_reason_that_the_catalog_does_not_know_speaks_for_itself() -> None:
    reason = Reason(code="strange-noise", seen="The sonar heard nothing.")
    assert "the sonar heard nothing (strange-noise)" in summarize_scan(
        found(Verdict.INCONCLUSIVE, caveats=(reason,))
    ).replace("The sonar", "the sonar")


def test_a_repair_compares_before_and_after() -> None:
    report = make_repair_report()
    text = summarize_repair("repaired", (2,), NAMES, original=report.original, repaired=report.original, pruned=1)
    assert "class 2 (ship) is removed" in text
    assert "clean accuracy is 95 % (before: 95 %)" in text
    assert "with 1 neuron pruned" in text


def test_agreement_stands_in_where_there_is_no_accuracy() -> None:
    report = make_repair_report()
    text = summarize_repair("repaired", (2,), NAMES, original=report.original, repaired=report.repaired)
    assert "agreement with the original is 100 % of clean images" in text


def test_an_incomplete_repair_names_what_was_missed_and_what_became_of_the_file() -> None:
    assert "success too high. No file was written" in summarize_repair("incomplete", (2,), missed=("success too high",))
    assert "do not rely on it" in summarize_repair("incomplete", (2,), written=True)


def test_nothing_to_repair_and_inconclusive_write_nothing() -> None:
    assert "no file was written" in summarize_repair("nothing to repair")
    assert "--target" in summarize_repair("inconclusive")


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.0, "0 %"), (0.0001, "0.1 %"), (0.07, "7 %"), (0.995, "99.5 %"), (0.9999, "99.9 %"), (1.0, "100 %")],
)
def test_only_all_is_a_hundred_per_cent_and_only_none_is_zero(share: float, text: str) -> None:
    assert format_share(share) == text


def test_a_rate_without_trials_is_a_dash() -> None:
    assert format_rate(Rate(0, 0, None, 0.0, 1.0)) == "–"
    assert format_rate(Rate(38, 40, 0.95, 0.835, 0.986)) == "95 % [84, 99]"


@pytest.mark.parametrize(
    ("seconds", "text"), [(8.24, "8.2 s"), (59.99, "1 min 00 s"), (200, "3 min 20 s"), (7500, "2 h 05 min")]
)
def test_durations_read_like_durations(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@pytest.mark.parametrize("char", ["\x1b", "\n", "\r", "\x07", "\x9b", "\u202e", "\u200b", "\u2028", "\udc80", "\x00"])
def test_no_character_that_a_terminal_acts_on_gets_through(char: str) -> None:
    assert show_plainly(f"a{char}b").isprintable()


def test_ordinary_names_stay_as_they_are() -> None:
    assert show_plainly("Größe 学 [red]") == "Größe 学 [red]"
