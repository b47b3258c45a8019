import pytest

from benchmarks.steadiness import Row, summarize

RUNS = ((10, 0), (10, 1), (5, 0))


def make_row(scores: tuple[float, ...], verdicts: tuple[str, ...]) -> Row:
    firsts = (scores[0] + 0.5, *scores[1:])
    return Row(model="m", kind="clean", runs=RUNS, scores=scores, firsts=firsts, verdicts=verdicts)


STEADY = make_row((0.2, 0.25, 0.22), ("clean", "clean", "clean"))
BY_SEED = make_row((0.2, 0.6, 0.2), ("clean", "inconclusive", "clean"))
BY_IMAGES = make_row((0.2, 0.2, 0.9), ("clean", "clean", "backdoored"))


def test_seeds_and_numbers_of_images_are_told_apart() -> None:
    assert BY_SEED.spread(by_seed=True) == pytest.approx(0.4)
    assert BY_SEED.spread(by_seed=False) == 0.0
    assert BY_IMAGES.spread(by_seed=False) == pytest.approx(0.7)
    assert BY_IMAGES.spread(by_seed=True) == 0.0


def test_what_is_steady_and_what_changes_is_counted() -> None:
    seeds, images, verdicts = summarize([STEADY, BY_SEED, BY_IMAGES])
    assert seeds.split("; one measurement: ") == [
        "seeds: 2 of 3 models within 0.1, at most 0.40",
        "1 of 3 models within 0.1, at most 0.50",
    ]
    assert images.split("; one measurement: ") == [
        "numbers of images: 2 of 3 models within 0.1, at most 0.70",
        "0 of 3 models within 0.1, at most 0.50",
    ]
    assert verdicts == "verdicts: 2 of 3 models have more than one, 1 of them both clean and backdoored"


def test_a_verdict_is_told_where_it_is_another() -> None:
    assert BY_SEED.describe() == "| m | clean | clean | 0.20 | 0.60 (inconclusive) | 0.20 | 0.40 | 0.00 |"
