"""The method's experiment table and that of the other attacks: cells, and what was measured in them as text."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Any

Row = dict[str, Any]

DATA = {"gtsrb32": "signs", "signs": "signs", "faces_yaleb": "faces", "faces": "faces"}
NETWORKS = {
    "lenet": "LeNet-5",
    "vgg": "VGG",
    "vgg16": "VGG",
    "resnet": "ResNet",
    "resnet8": "ResNet",
    "resnet18": "ResNet",
}
ATTACKS = {"badnets": "random", "trojan-weights": "weights", "trojan-activation": "activation"}
WITHOUT = "none"


@dataclass(frozen=True)
class Cell:
    """One cell: which images, which network, and how the trigger was chosen."""

    data: str
    network: str
    trigger: str

    def __str__(self) -> str:
        return f"{self.data:5} {self.network:7} {self.trigger}"


CELLS = tuple(
    Cell(data, network, trigger)
    for data in dict.fromkeys(DATA.values())
    for network in dict.fromkeys(NETWORKS.values())
    for trigger in ATTACKS.values()
)


def find_cell(truth: Mapping[str, Any]) -> Cell | None:
    """The cell that a model of a zoo belongs to, if any."""
    keys = (truth["dataset"], truth["architecture"], truth["attack"] if truth["backdoored"] else None)
    if keys[0] not in DATA or keys[1] not in NETWORKS or keys[2] not in ATTACKS:
        return None
    return Cell(DATA[keys[0]], NETWORKS[keys[1]], ATTACKS[keys[2]])


@dataclass(frozen=True)
class Figures:
    """One way to treat one model, on evaluation images; rates in [0, 1].

    Attributes:
        success: of the attacker's own trigger, which the defence never sees; the strongest where there are several.
        lost: accuracy before less accuracy after.
        agreement: with the original on `D_valid`, if measured.
        recovered: share of triggered images called by their own class again (PACC), with the trigger that hides most.
        remembered: ASR after the last step of re-activation less that with other labels, if measured.
    """

    accuracy: float
    success: float
    lost: float
    agreement: float | None
    seconds: float | None
    recovered: float | None = None
    remembered: float | None = None

    @property
    def cost(self) -> float:
        """What is left of the attack and what is gone of the accuracy."""
        return self.success + self.lost


def read_figures(row: Row, way: str) -> Figures | None:
    """The figures of one way in a kept row; None where it was not run, failed, or wrote no model."""
    treated, original = row["ways"].get(way), row["ways"][WITHOUT]
    if treated is None or "accuracy" not in treated:
        return None
    curves = treated.get("reactivation")
    return Figures(
        accuracy=treated["accuracy"],
        success=max(treated["true_asr"]),
        lost=original["accuracy"] - treated["accuracy"],
        agreement=treated.get("agreement"),
        seconds=treated.get("seconds"),
        recovered=min(treated.get("true_pacc") or [None]),
        remembered=None if curves is None else curves["target"][-1] - curves["controls"][-1],
    )


def group(rows: Iterable[Row]) -> dict[Cell, list[Row]]:
    """Rows by cell, in the order of the table; every cell is there. Rows of other attacks are left out."""
    groups: dict[Cell, list[Row]] = {cell: [] for cell in CELLS}
    for row in rows:
        if row["cell"] is not None:
            groups[Cell(*row["cell"])].append(row)
    return groups


def format_cells(rows: Sequence[Row], ways: Sequence[str]) -> list[str]:
    """A line for each cell: PA and true ASR in percent; of several runs the mean, and in brackets the worst."""
    lines = [f"{'':24} {'runs':>4} " + " ".join(f"{way:>21}" for way in ways)]
    lines.append(" " * 30 + " ".join(f"{'PA':>8} {'true ASR':>12}" for _ in ways))
    for cell, runs in group(rows).items():
        cells = " ".join(_format_figures([read_figures(row, way) for row in runs]) for way in ways)
        lines.append(f"{cell!s:24} {len(runs):4} {cells}" if runs else f"{cell!s:24}    no model")
    return lines


def format_others(rows: Iterable[Row], ways: Sequence[str]) -> list[str]:
    """A line for each run of a model that fits no cell, by attack: PA and the true ASR of its strongest trigger."""
    others = sorted((row for row in rows if row["cell"] is None), key=lambda row: (row["attack"], row["model"]))
    lines = [f"{'attack':12} {'model':24} " + " ".join(f"{way:>21}" for way in ways)]
    for row in others:
        cells = " ".join(_format_figures([read_figures(row, way)]) for way in ways)
        lines.append(f"{row['attack']:12} {row['model']:24} {cells}")
    return lines if others else []


def _format_figures(figures: Sequence[Figures | None]) -> str:
    known = [one for one in figures if one is not None]
    if not known:
        return f"{'-':>8} {'-':>12}"
    success = f"{100 * mean(one.success for one in known):.1f}"
    worst = f" ({100 * max(one.success for one in known):.1f})" if len(known) > 1 else ""
    return f"{100 * mean(one.accuracy for one in known):8.1f} {success + worst:>12}"


@dataclass(frozen=True)
class Summary:
    """One way over all cells: means over cells of the means over their runs, and the worst run.

    Attributes:
        missing: runs that have no figures.
    """

    way: str
    cells: int
    missing: int
    success: float
    worst_success: float
    lost: float
    worst_lost: float
    agreement: float | None
    worst_agreement: float | None
    seconds: float | None
    recovered: float | None = None
    worst_recovered: float | None = None
    remembered: float | None = None
    worst_remembered: float | None = None

    @property
    def cost(self) -> float:
        """Mean over cells of true ASR plus accuracy lost: the ranking."""
        return self.success + self.lost


def sum_up(rows: Sequence[Row], ways: Sequence[str]) -> list[Summary]:
    """The ways that have figures, the best first."""
    summaries = [_sum_up_way([runs for runs in group(rows).values() if runs], way) for way in ways]
    return sorted((one for one in summaries if one is not None), key=lambda one: one.cost)


def _sum_up_way(cells: Sequence[Sequence[Row]], way: str) -> Summary | None:
    figures = [[read_figures(row, way) for row in runs] for runs in cells]
    known = [[one for one in runs if one is not None] for runs in figures]
    measured = [runs for runs in known if runs]
    flat = [one for runs in measured for one in runs]
    if not flat:
        return None
    agreements = [one.agreement for one in flat if one.agreement is not None]
    seconds = [one.seconds for one in flat if one.seconds is not None]
    recovered = [one.recovered for one in flat if one.recovered is not None]
    remembered = [one.remembered for one in flat if one.remembered is not None]
    return Summary(
        way=way,
        cells=len(measured),
        missing=sum(one is None for runs in figures for one in runs),
        success=mean(mean(one.success for one in runs) for runs in measured),
        worst_success=max(one.success for one in flat),
        lost=mean(mean(one.lost for one in runs) for runs in measured),
        worst_lost=max(one.lost for one in flat),
        agreement=mean(agreements) if agreements else None,
        worst_agreement=min(agreements) if agreements else None,
        seconds=mean(seconds) if seconds else None,
        recovered=mean(recovered) if recovered else None,
        worst_recovered=min(recovered, default=None),
        remembered=mean(remembered) if remembered else None,
        worst_remembered=max(remembered, default=None),
    )


def format_summaries(summaries: Sequence[Summary]) -> list[str]:
    """The ranking as text, in percent and points."""
    lines = [
        f"{'way':13} {'cells':>5} {'missing':>7} {'ASR + lost':>10} {'true ASR':>16} {'PA lost':>16} "
        f"{'agreement':>16} {'PACC':>16} {'re-activation':>16} {'s':>6}"
    ]
    lines += [
        f"{one.way:13} {one.cells:5} {one.missing:7} {100 * one.cost:10.2f} "
        f"{_pair(one.success, one.worst_success)} {_pair(one.lost, one.worst_lost)} "
        f"{_pair(one.agreement, one.worst_agreement)} {_pair(one.recovered, one.worst_recovered)} "
        f"{_pair(one.remembered, one.worst_remembered)} {'-' if one.seconds is None else f'{one.seconds:.1f}':>6}"
        for one in summaries
    ]
    return lines


def _pair(average: float | None, worst: float | None) -> str:
    if average is None or worst is None:
        return f"{'-':>16}"
    return f"{f'{100 * average:.2f} ({100 * worst:.1f})':>16}"
