"""A discrete-event simulation of scans on many cores: arrivals, order, failures, scans that go on or start anew."""

import heapq
from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np

from benchmarks.registry_costs import Registry

ARRIVE, FREE, FAIL, REPAIRED = range(4)
RUNS, FIRST, EARLY, USUAL, NOT_YET = range(5)  # between: siblings of a find, models from outside, all others


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How a registry is scanned.

    Attributes:
        cores: one scan each.
        by_risk: models from outside first, and siblings of a find before them; else in order of arrival.
        once: models with the same weights are scanned once.
        resume: a scan that was lost goes on behind its last finished unit.
        units: of a scan.
        between_failures: seconds of a core between two; infinite for none.
        repair: seconds that a core is missing after one.
        sensitivity: share of the backdoored models that a scan finds.
    """

    cores: int = 64
    by_risk: bool = True
    once: bool = True
    resume: bool = True
    units: int = 12
    between_failures: float = np.inf
    repair: float = 600.0
    sensitivity: float = 0.7


@dataclass(frozen=True, kw_only=True, eq=False)
class Course:
    """What came of it.

    Attributes:
        verdicts: when each model had one, in seconds, `(models,)`; those of one weight get it together.
        found: whether its backdoor was found, `(models,)`.
        busy: seconds of cores, lost work among them.
        lost: seconds of work that was done again.
        failures: how many.
        end: of the last scan.
    """

    verdicts: np.ndarray
    found: np.ndarray
    busy: float
    lost: float
    failures: int
    end: float


@dataclass
class _State:
    """Of a simulation under way."""

    waiting: list[tuple[int, float, int]] = field(default_factory=list)
    left: dict[int, float] = field(default_factory=dict)
    rank: dict[int, int] = field(default_factory=dict)
    done: set[int] = field(default_factory=set)


class Simulation:
    """Scans of the models of a registry, which arrive at given times.

    Args:
        registry: the models.
        arrivals: in seconds, `(models,)`.
        plan: how they are scanned.
        seed: of failures and of what is found.
    """

    def __init__(self, registry: Registry, arrivals: np.ndarray, plan: Plan, seed: int) -> None:
        """Nothing has happened."""
        self._registry, self._plan, self._rng = registry, plan, np.random.default_rng(seed)
        self._keys = registry.weights if plan.once else np.arange(len(registry.weights))
        self._events: list[tuple[float, int, int]] = [(float(time), ARRIVE, one) for one, time in enumerate(arrivals)]
        heapq.heapify(self._events)
        self._state, self._cores = _State(), plan.cores
        self._siblings = defaultdict[int, list[int]](list)
        self._members = defaultdict[int, list[int]](list)
        self._verdicts = np.full(len(arrivals), np.nan)
        self._found = np.zeros(len(arrivals), bool)
        self._busy = self._lost = 0.0
        self._failures = 0

    def run(self) -> Course:
        """To the end of the last scan."""
        now = 0.0
        while self._events:
            now, kind, one = heapq.heappop(self._events)
            if kind == ARRIVE:
                self._arrive(now, one)
            elif kind == FREE:
                self._finish(now, one)
            elif kind == REPAIRED:
                self._cores += 1
            if not self._events or self._events[0][0] > now:  # all that happens at one moment is known
                self._fill(now)
        end = float(np.nanmax(self._verdicts))
        return Course(
            verdicts=self._verdicts,
            found=self._found,
            busy=self._busy,
            lost=self._lost,
            failures=self._failures,
            end=end,
        )

    def _arrive(self, now: float, one: int) -> None:
        key, state = int(self._keys[one]), self._state
        self._members[key].append(one)
        if key in state.done:  # a digest that is known has its verdict at once
            self._settle(now, key)
            return
        if key not in state.left:
            state.left[key], state.rank[key] = float(self._registry.seconds[key]), NOT_YET
            self._siblings[int(self._registry.family[key])].append(key)
        self._promote(now, key, EARLY if self._plan.by_risk and self._registry.outside[one] else USUAL)

    def _promote(self, now: float, key: int, rank: int) -> None:
        """Have it wait further ahead, unless it does, runs, or is done."""
        if self._state.rank[key] > rank:
            self._state.rank[key] = rank
            heapq.heappush(self._state.waiting, (rank, now, key))

    def _fill(self, now: float) -> None:
        state = self._state
        while self._cores and state.waiting:
            rank, _, key = heapq.heappop(state.waiting)
            if rank != state.rank.get(key) or key in state.done:  # it went ahead meanwhile
                continue
            state.rank[key] = RUNS
            self._cores -= 1
            self._begin(now, key)

    def _begin(self, now: float, key: int) -> None:
        needed = self._state.left[key]
        until = (
            self._rng.exponential(self._plan.between_failures) if np.isfinite(self._plan.between_failures) else np.inf
        )
        if until >= needed:
            self._busy += needed
            heapq.heappush(self._events, (now + needed, FREE, key))
            return
        unit = float(self._registry.seconds[key]) / self._plan.units
        done = float(self._registry.seconds[key]) - needed + until
        kept = unit * (done // unit) if self._plan.resume else 0.0
        self._busy, self._lost, self._failures = self._busy + until, self._lost + done - kept, self._failures + 1
        self._state.left[key] = float(self._registry.seconds[key]) - kept
        self._state.rank[key] = FIRST
        heapq.heappush(self._state.waiting, (FIRST, now, key))
        heapq.heappush(self._events, (now + until + self._plan.repair, REPAIRED, key))

    def _finish(self, now: float, key: int) -> None:
        self._cores += 1
        self._state.done.add(key)
        hit = bool(self._registry.backdoored[key]) and self._rng.random() < self._plan.sensitivity
        self._found[key] = hit
        self._settle(now, key)
        if hit and self._plan.by_risk:
            for other in self._siblings[int(self._registry.family[key])]:
                self._promote(now, other, FIRST)

    def _settle(self, now: float, key: int) -> None:
        for one in self._members.pop(key, ()):
            self._verdicts[one], self._found[one] = now, self._found[key]
