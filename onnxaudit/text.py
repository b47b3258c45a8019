"""How values look to people, the same in every human-readable output."""

import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # at run time `--help` would pay for numpy
    from onnxaudit.records import Rate

# What build servers act on where a line of a log begins with it (`::error::`) or holds it (`##[error]`).
_LOG_COMMAND = re.compile(r"::(?=[a-z-]+[ :])|##(?=\[)")


def as_text(name: str | bytes) -> str:
    """A string of a protobuf message: where it is no UTF-8, it is read as bytes, which no report can hold."""
    return name.decode("utf-8", "backslashreplace") if isinstance(name, bytes) else name


def show_plainly(text: str) -> str:
    """`text` on one line with nothing in it that a terminal or a build server's log would act on.

    Names come from strangers' files. Control characters, line ends, marks that change the direction of
    writing, and all else that is not printable appear as escapes; so does the first sign of a log command.
    """
    plain = "".join(char if char.isprintable() else _escape(char) for char in text)
    return _LOG_COMMAND.sub(lambda match: _escape(match[0][0]) + match[0][1], plain)


def format_rate(rate: "Rate | None") -> str:
    """`95 % [84, 99]`, value and interval in percent; a dash where nothing was measured."""
    if rate is None or rate.value is None:
        return "–"
    return f"{format_share(rate.value)} [{100 * rate.low:.0f}, {100 * rate.high:.0f}]"


def format_count(rate: "Rate") -> str:
    """`38/40`; a dash where nothing was measured."""
    return f"{rate.successes}/{rate.trials}" if rate.trials else "–"


def format_share(share: float) -> str:
    """A share in percent. Only all is 100 % and only none is 0 %."""
    percent = 100 * share
    if 0 < percent < 1 or 99 < percent < 100:
        return f"{min(max(percent, 0.1), 99.9):.1f} %"
    return f"{percent:.0f} %"


def format_number(value: float | None, digits: int = 1) -> str:
    """A number, or a dash where there is none."""
    return "–" if value is None else f"{value:.{digits}f}"


def format_amount(number: int) -> str:
    """`812`, `61.7 k`, `5.6 M`."""
    for size, prefix in ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "k")):
        if number >= size:
            return f"{number / size:.1f} {prefix}"
    return str(number)


def format_size(number: int) -> str:
    """`812 bytes`, `257.1 kB`, `5.6 MB`."""
    amount = format_amount(number)
    return f"{amount} bytes" if amount.isdecimal() else f"{amount}B"


def format_duration(seconds: float) -> str:
    """`8.2 s`, `3 min 20 s`, `2 h 05 min`; a dash for what is no time."""
    if not math.isfinite(seconds):
        return "–"
    if round(seconds, 1) < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def format_setting(value: Any) -> str:
    """A value of the policy as a reader would write it; of long entries (waivers) their number."""
    match value:
        case None:
            return "not set"
        case bool():
            return str(value).lower()
        case dict():
            return ", ".join(f"{name} = {part}" for name, part in value.items()) or "none"
        case list() | tuple() if all(isinstance(part, str) for part in value):
            return ", ".join(value) or "none"
        case list() | tuple():
            return f"{len(value)} {'entry' if len(value) == 1 else 'entries'}"
        case _:
            return str(value)


def name_label(label: int, class_names: Sequence[str] | None) -> str:
    """`7 (ship)`, or the bare index where the class has no name, or that one."""
    if class_names is None or not 0 <= label < len(class_names) or class_names[label] == str(label):
        return str(label)
    return f"{label} ({show_plainly(class_names[label])})"


def name_labels(labels: Sequence[int], class_names: Sequence[str] | None) -> str:
    """`class 7 (ship)`, or `classes 2, 7 (ship)`."""
    names = ", ".join(name_label(label, class_names) for label in labels)
    return f"{'class' if len(labels) == 1 else 'classes'} {names}"


def join_words(parts: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *before, last = parts or ("",)
    return f"{', '.join(before)} and {last}" if before else last


def _escape(char: str) -> str:
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
