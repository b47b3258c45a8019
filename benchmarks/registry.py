"""A registry of 100,000 models, simulated: throughput, cost, time to a verdict, against arrivals and failures.

    python -m benchmarks.registry [--models 100000] [--cores 64] [--seed 0] [--json FILE]

Costs are fitted on the scans of the calibration table. What the registry is made of, how often cores fail and what a
scan finds are assumptions, named in `Mix` and `Plan`. Three tables: a stock that is scanned once, models that arrive
day after day, and a new detector for all.
"""

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.registry_costs import CostModel, Mix, Registry, draw, fit, read_races, read_scans
from benchmarks.registry_events import Course, Plan, Simulation
from benchmarks.results import add_json_option, keep

TABLE = Path(__file__).parents[1] / "tools" / "calibration" / "evidence.jsonl.gz"
HOUR, DAY = 3600.0, 86400.0
PRICE = 0.04  # of a core for an hour
NEW_DETECTOR = 0.1  # of a scan's seconds
HEAD = """\
| | core hours | cost | days | hours to a verdict: half, 95 % | from outside: 95 % | days to 90 % of finds | repeated |
|---|---|---|---|---|---|---|---|"""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One simulated course.

    Attributes:
        table: which.
        plan: in words.
        core_hours: that were taken.
        cost: of these.
        days: to the last verdict.
        to_verdict: hours from arrival, in the middle, and for 95 of 100.
        outside: the same for models from outside, for 95 of 100.
        to_finds: days until nine in ten of all that are found were found.
        failures: of cores.
        repeated: share of the work that was done again.
    """

    table: str
    plan: str
    core_hours: float
    cost: float
    days: float
    to_verdict: tuple[float, float]
    outside: float
    to_finds: float
    failures: int
    repeated: float


def describe(table: str, words: str, registry: Registry, arrivals: np.ndarray, course: Course) -> Row:
    """The row of a course."""
    waits = (course.verdicts - arrivals) / HOUR
    finds = course.verdicts[course.found]
    return Row(
        table=table,
        plan=words,
        core_hours=course.busy / HOUR,
        cost=PRICE * course.busy / HOUR,
        days=course.end / DAY,
        to_verdict=(float(np.median(waits)), float(np.quantile(waits, 0.95))),
        outside=float(np.quantile(waits[registry.outside], 0.95)),
        to_finds=float(np.quantile(finds, 0.9)) / DAY if len(finds) else 0.0,
        failures=course.failures,
        repeated=course.lost / course.busy,
    )


def word(costs: CostModel, count: int) -> str:
    """What a cost model says, and how far it holds."""
    within = np.exp(costs.spread * np.array([0.6745, 1.645]))
    return (
        f"seconds ~ classes^{costs.by_classes:.2f} * values^{costs.by_values:.2f}, times a constant by architecture; "
        f"of {count} scans, each left out of the fit, half lie within a factor of {within[0]:.2f}, nine in ten within "
        f"{within[1]:.1f}"
    )


def simulate_stock(registry: Registry, plan: Plan, seed: int) -> list[Row]:
    """All models are there at the beginning."""
    arrivals = np.zeros(len(registry.weights))
    plans = {
        "each file, in order": replace(plan, once=False, by_risk=False),
        "each digest, in order": replace(plan, by_risk=False),
        "each digest, by risk": plan,
        "a core fails every 12 h, goes on": replace(plan, between_failures=12 * HOUR),
        "a core fails every 12 h, anew": replace(plan, between_failures=12 * HOUR, resume=False),
        "a core fails every hour, goes on": replace(plan, between_failures=HOUR),
        "a core fails every hour, anew": replace(plan, between_failures=HOUR, resume=False),
    }
    return [
        describe("stock", words, registry, arrivals, Simulation(registry, arrivals, one, seed).run())
        for words, one in plans.items()
    ]


def simulate_arrivals(registry: Registry, plan: Plan, seed: int) -> list[Row]:
    """Models arrive one by one, at a rate that takes a share of the cores."""
    rows, unique = [], np.unique(registry.weights)
    each = float(registry.seconds[unique].sum()) / len(registry.weights)
    for load in (0.5, 0.9, 1.1):
        rate = load * plan.cores / each
        times = np.cumsum(np.random.default_rng(seed).exponential(1 / rate, len(registry.weights)))
        for words, by_risk in (("in order", False), ("by risk", True)):
            course = Simulation(registry, times, replace(plan, by_risk=by_risk), seed).run()
            told = f"{rate * DAY:,.0f} a day ({100 * load:.0f} % of the cores), {words}"
            rows.append(describe("arrivals", told, registry, times, course))
    return rows


def simulate_detector(registry: Registry, plan: Plan, seed: int) -> list[Row]:
    """A new detector for models that all have been scanned."""
    arrivals = np.zeros(len(registry.weights))
    partial = replace(registry, seconds=NEW_DETECTOR * registry.seconds)
    return [
        describe("new detector", words, one, arrivals, Simulation(one, arrivals, plan, seed).run())
        for words, one in (("all is scanned anew", registry), ("it alone runs", partial))
    ]


def main() -> None:
    """Simulate and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", type=int, default=100_000)
    parser.add_argument("--cores", type=int, default=64)
    parser.add_argument("--seed", type=int, default=0)
    add_json_option(parser)
    options = parser.parse_args()
    usual, races = read_scans(TABLE), read_races(TABLE)
    plan = Plan(cores=options.cores)
    registry = draw(Mix(models=options.models), usual, races, options.seed)
    print(f"small images: {word(fit(usual), len(usual))}\nlarge ones: {word(fit(races), len(races))}\n")
    print(HEAD)
    rows = []
    for simulate in (simulate_stock, simulate_arrivals, simulate_detector):
        for row in simulate(registry, plan, options.seed):
            rows.append(row)
            half, most = row.to_verdict
            told = (
                f"| {row.plan} | {row.core_hours:,.0f} | ${row.cost:,.0f} | {row.days:.1f} | {half:.1f}, {most:.1f} |"
            )
            print(f"{told} {row.outside:.1f} | {row.to_finds:.1f} | {100 * row.repeated:.1f} % |", flush=True)
    keep(options.json, "registry", rows)


if __name__ == "__main__":
    main()
