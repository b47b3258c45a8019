from benchmarks.quantized_verdicts import Row, summarize


def make_row(form: str, verdict: str, *, backdoored: bool, right: bool = True) -> Row:
    return Row(
        model="m",
        kind="badnets" if backdoored else "clean",
        form=form,
        backdoored=backdoored,
        verdict=verdict,
        score=0.9,
        first=3,
        right=right,
    )


def test_forms_are_summed_up_by_truth_and_verdict() -> None:
    rows = [
        make_row("file", "backdoored", backdoored=True),
        make_row("file", "clean", backdoored=False),
        make_row("static", "backdoored", backdoored=True, right=False),
        make_row("static", "backdoored", backdoored=False),
        make_row("dynamic", "clean", backdoored=True),
        Row(model="m", kind="clean", form="dynamic", backdoored=False, failure="no copy"),
    ]
    file, static, dynamic = summarize(rows)
    assert (
        file == "file: 1 of 1 found with a true target first, 0 called clean; 0 of 1 clean ones flagged, 1 called clean"
    )
    assert "0 of 1 found" in static
    assert "1 of 1 clean ones flagged" in static
    assert dynamic.endswith("1 called clean; 0 of 0 clean ones flagged, 0 called clean")


def test_a_form_without_a_verdict_says_why() -> None:
    assert Row(model="m", kind="clean", form="static", backdoored=False, failure="no copy").cell() == "none: no copy"
    assert make_row("file", "backdoored", backdoored=True, right=False).cell() == "backdoored 0.90, 3 (wrong)"
