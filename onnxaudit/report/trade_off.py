"""Agreement against attack success: which of the networks that a repair computed are worth choosing from."""

from collections.abc import Sequence

from onnxaudit.records import RepairCandidate
from onnxaudit.text import format_rate, format_share

HEADINGS = ("trade-off", "agreement", "ASR", "divergence")


def describe_best(
    candidates: Sequence[RepairCandidate], *, min_agreement: float, max_success: float
) -> tuple[str, ...]:
    """A sentence that names the agreement to be had within the limit of the ASR; none where both limits are met."""
    within = [one for one in candidates if _succeeds(one) < max_success]
    if not within or any(_agrees(one) >= min_agreement for one in within):
        return ()
    best = max(within, key=_agrees)
    count = f"{best.agreement.successes} of {best.agreement.trials}"
    return (
        f"the best candidate with the trigger below {format_share(max_success)} agrees on {count} clean images; "
        f"--min-agreement {int(100 * _agrees(best)) / 100:.2f} accepts it",
    )


def find_front(candidates: Sequence[RepairCandidate]) -> tuple[RepairCandidate, ...]:
    """Those that no other one beats in agreement and ASR together, the highest agreement first."""
    front: list[RepairCandidate] = []
    for one in sorted(candidates, key=lambda one: (-_agrees(one), _succeeds(one), not one.chosen)):
        if not front or _succeeds(one) < _succeeds(front[-1]):
            front.append(one)
    return tuple(front)


def list_row(one: RepairCandidate) -> tuple[str, ...]:
    """A candidate under `HEADINGS`."""
    place = f"round {one.round}" if one.share == 1.0 else f"{format_share(one.share)} of the way to round {one.round}"
    name = f"{place}, chosen" if one.chosen else place
    return name, format_rate(one.agreement), format_rate(one.success_rate), f"{one.divergence:.3f}"


def _agrees(one: RepairCandidate) -> float:
    return one.agreement.value or 0.0


def _succeeds(one: RepairCandidate) -> float:
    return one.success_rate.value or 0.0
