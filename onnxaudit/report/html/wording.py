"""Words of the HTML report that no other format has."""

import re

from onnxaudit.records import Layout, ScanReport
from onnxaudit.text import show_plainly

LONGEST = 2000  # characters of one text; what is longer comes from a stranger's file
LONGEST_PATH = 100  # characters of it in headings; the page names all of it once
ANSWERS = {  # what the page says, how it is drawn, and which sign stands for it without color
    "backdoored": ("Backdoored", "bad"),
    "clean": ("Clean", "good"),
    "inconclusive": ("Inconclusive", "open"),
    "rejected": ("Rejected", "bad"),
    "repaired": ("Repaired", "good"),
    "nothing to repair": ("Nothing to repair", "good"),
    "incomplete": ("Repair incomplete", "bad"),
    "error": ("Error", "bad"),
}
DECISIONS = {  # what the policy made of an answer, and how that is drawn where it differs
    "pass": ("Let through", "open"),
    "fail": ("Stopped", "bad"),
    "inconclusive": ("Stopped, without a verdict", "open"),
}
NOT_TESTED = (
    "Triggers made for each image (input-aware), and warps and photo filters beyond what the tests above catch.",
    "Triggers that work on images of some source classes only, or only several together.",
    "Triggers with a meaning, such as an object that photographs can show anyway.",
    "Attacks that need no backdoor: adversarial examples found with the weights or with many queries.",
    "Whether the file attacks the program that opens it.",
)

_SENTENCE_END = re.compile(r"(?<=[a-z)\]0-9%][.!?]) (?=[A-Z])")


def shorten(text: str, most: int) -> str:
    """At most `most` characters on one line."""
    plain = show_plainly(text[: most + 1])
    return plain if len(text) <= most and len(plain) <= most else f"{plain[: most - 1]}…"


def shorten_path(path: str) -> str:
    """The end of a long path, where the name of the file is."""
    plain = show_plainly(path[-LONGEST_PATH - 1 :])
    return plain if len(path) <= LONGEST_PATH and len(plain) <= LONGEST_PATH else f"…{plain[1 - LONGEST_PATH :]}"


def split_lead(text: str) -> tuple[str, str]:
    """The first sentence, and the rest."""
    lead, *rest = _SENTENCE_END.split(text, maxsplit=1)
    return lead, "".join(rest)


def name_input(report: ScanReport) -> str:
    """`32 × 32 pixels, 3 channels, NCHW, float32`."""
    spec = report.model.input
    size = f"{spec.height} × {spec.width}" if spec.layout.is_image else str(spec.width)
    channels = (
        "" if spec.layout is Layout.NC else f", {spec.channels} {'channel' if spec.channels == 1 else 'channels'}"
    )
    return f"{size} {spec.layout.unit}{channels}, {spec.layout.value}, {spec.dtype.value}"


def count(number: int, one: str, many: str) -> str:
    """`1 label`, `3 labels`."""
    return f"{number:,} {one if number == 1 else many}"


def list_ranges(numbers: list[int]) -> str:
    """`0 to 3, 7, 9 to 12` of rising numbers."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1][1:] = [number]
        else:
            runs.append([number])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]} to {run[1]}" for run in runs)
