"""Whether a repaired model has forgotten its backdoor, in words."""

from onnxaudit.records import Forgetting
from onnxaudit.text import format_share

WORKS = 0.5  # of the images: from there on a trigger is said to work


def describe_forgetting(found: Forgetting) -> str:
    """Both checks of one target in one line."""
    curve = ", ".join(format_share(rate.value or 0.0) for rate in found.target.rates)
    steps = ", ".join(map(str, found.steps))
    others = sum(one.rates[-1].value or 0.0 for one in found.controls) / max(1, len(found.controls))
    return (
        f"learned again for label {found.target.label}, ASR {curve} after {steps} steps; with other labels "
        f"{format_share(others)}, excess {100 * found.excess:+.0f} points; {_describe_path(found)}"
    )


def _describe_path(found: Forgetting) -> str:
    works = [share for share, rate in zip(found.shares, found.path, strict=True) if (rate.value or 0.0) >= WORKS]
    if not works:
        return "on the way back to the original weights the trigger works nowhere"
    return f"the trigger works again from {format_share(min(works))} of the way back to the original weights"
