"""Durations and sizes as people write them."""

import re

SECONDS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
BYTES = {"": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "kB": 10**3, "MB": 10**6, "GB": 10**9}


def parse_duration(text: str) -> float:
    """Seconds in `90`, `90s`, `10m`, `1h30m` or `30d`.

    Raises:
        ValueError: it is none, or of no length.
    """
    if re.fullmatch(r"\d+(\.\d+)?", text, re.ASCII):
        seconds = float(text)
    elif re.fullmatch(r"(\d+(\.\d+)?[dhms])+", text, re.ASCII):
        seconds = sum(float(number) * SECONDS[unit] for number, unit in re.findall(r"([\d.]+)([dhms])", text))
    else:
        raise ValueError(f"{text!r} is no duration; write 90s, 10m, 1h30m or 30d")
    if not 0 < seconds < float("inf"):
        raise ValueError("a duration has to be longer than nothing")
    return seconds


def parse_size(text: str) -> int:
    """Bytes in `4GiB`, `500 MB` or `1000000`.

    Raises:
        ValueError: it is none, or nothing.
    """
    match = re.fullmatch(r"(\d{1,18})\s*([A-Za-z]*)", text, re.ASCII)
    if match is None or match[2] not in BYTES or not int(match[1]):
        raise ValueError(f"{text!r} is no size; write 4GiB or 500MB")
    return int(match[1]) * BYTES[match[2]]
