"""How the texts of options become values."""

import math
import re
from pathlib import Path

import typer

from onnxaudit.cache.store import is_url
from onnxaudit.gate.quantities import parse_duration, parse_size


def read_duration(text: str) -> float:
    """Seconds in `90`, `90s`, `10m`, `1h30m` or `30d`."""
    try:
        return parse_duration(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def read_bytes(text: str) -> int:
    """Bytes in `4GiB` or `500MB`."""
    try:
        return parse_size(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def read_place(text: str) -> Path | str:
    """A folder, or the URL of a store."""
    return text if is_url(text) else Path(text)


def read_size(text: str) -> tuple[int, int]:
    """Height and width in `48x192`; height 1 and the number of features or time steps in `784`."""
    match = re.fullmatch(r"(?:([1-9]\d{0,5})[x×])?([1-9]\d{0,5})", text)
    if match is None:
        raise typer.BadParameter(f"{text!r} is no size; write height and width: 224x224")
    return int(match[1] or 1), int(match[2])


def read_shape(text: str) -> tuple[int, ...]:
    """Sizes of one input, without the batch, in `3x32x32`."""
    parts = re.split(r"[x×,]", text)
    if not 1 <= len(parts) <= 4 or not all(re.fullmatch(r"[1-9]\d{0,5}", part) for part in parts):
        raise typer.BadParameter(f"{text!r} is no shape; write the sizes of one input, without the batch: 3x32x32")
    return tuple(map(int, parts))


def read_shard(text: str) -> tuple[int, int]:
    """Which of how many parts in `3/10`."""
    match = re.fullmatch(r"([1-9]\d{0,5})/([1-9]\d{0,5})", text)
    if match is None or int(match[1]) > int(match[2]):
        raise typer.BadParameter(f"{text!r} is no part; write its number and how many there are: 3/10")
    return int(match[1]), int(match[2])


def read_numbers(text: str) -> tuple[float, ...]:
    """The numbers in `0.485,0.456,0.406`."""
    try:
        numbers = tuple(float(part) for part in text.split(","))
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no list of numbers; write them with commas: 0.5,0.5,0.5") from None
    if not all(math.isfinite(number) for number in numbers):
        raise typer.BadParameter(f"{text!r} holds a number that is not finite")
    return numbers


def read_range(text: str) -> tuple[float, ...]:
    """The two numbers in `0,255`, the lower first."""
    numbers = read_numbers(text)
    if len(numbers) != 2 or numbers[0] >= numbers[1]:
        raise typer.BadParameter(f"{text!r} is no range; write the values of black and white: 0,1 or 0,255 or -1,1")
    return numbers


def read_deviations(text: str) -> tuple[float, ...]:
    """Standard deviations: positive numbers."""
    numbers = read_numbers(text)
    if min(numbers) <= 0:
        raise typer.BadParameter("standard deviations have to be above zero")
    return numbers
