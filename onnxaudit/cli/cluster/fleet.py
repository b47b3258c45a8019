"""The scans of a run on a cluster, as the command's own process sees them.

Models are sent to wherever there is room, and files go to a machine once. What comes back is as untrusted as what a
worker process says. Reports are those of a run on this machine: what decides results has the same version everywhere.
"""

import contextlib
import secrets
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from onnxaudit.cli.board import Board
from onnxaudit.cli.cluster.engine import Engine, LostError, Machine
from onnxaudit.cli.cluster.job import Job, list_made, read_answer, write
from onnxaudit.cli.cluster.parcel import Parcel, pack_model, pack_source
from onnxaudit.cli.cluster.sent import MOST_HELPERS, Sent, choose_helped
from onnxaudit.cli.errand import SOURCES, Crew, Errand, Outcome, answer_of
from onnxaudit.cli.exits import report_notice
from onnxaudit.cli.fleet import estimate_memory
from onnxaudit.cli.isolation import read_document
from onnxaudit.cli.recall import describe_machine
from onnxaudit.errors import OnnxauditError, UsageError, WorkerError
from onnxaudit.isolation.worker import TICK

AHEAD = 2  # jobs for each core: the next is there when one ends, and no more models are held than that
CARD = 16 * 2**30  # bytes of a small GPU: a scan that needs a quarter of it leaves room for three more
LEAST_OF_CARD = 0.125
CUDA = "cuda"
LONGEST_NOTICE, MOST_NOTICES = 500, 8  # characters, and so many from all machines


class ClusterFleet:
    """The scans of a run, from the first to the last.

    Args:
        errands: in the order in which they begin.
        engine: does them; is closed with this.
        board: is told of progress.
        crew: what they have in common.
        jobs: at most so many at once; None: as many as there are cores for.
    """

    def __init__(
        self, errands: Sequence[Errand], engine: Engine, board: Board, crew: Crew, *, jobs: int | None
    ) -> None:
        """None has begun."""
        self._waiting = deque((errand, False) for errand in errands)
        self._running: dict[Any, Sent] = {}
        self._engine, self._board, self._crew, self._jobs = engine, board, crew, jobs
        self._run, self._made = secrets.token_hex(16), list_made()
        self._sources: dict[str, tuple[str, Any]] = {}  # digest, and what the engine calls it
        self._told = list[str]()
        self._helpers = Counter[int]()  # begun, by the number of the errand

    def run(self) -> Iterator[tuple[Errand, Outcome]]:
        """What comes of each scan, as soon as it is known.

        Raises:
            UsageError: a GPU is asked for, and no machine has one.
        """
        wanted = any(errand.options.get("device") == CUDA for errand, _ in self._waiting)
        if wanted and not any(one.gpus for one in self._engine.list_machines()):
            raise UsageError("--device cuda: no machine of the cluster has a GPU that Ray knows of")
        while self._waiting or self._running:
            while self._waiting and len(self._running) < self._count_places():
                yield from self._begin(*self._waiting.popleft())
            self._send_helpers()
            self._send_again()
            for handle in self._engine.await_any(list(self._running), TICK) if self._running else ():
                yield from self._finish(handle)

    def interrupt(self) -> Iterator[tuple[Errand, Outcome]]:
        """End all that runs; of what had not come to its end nothing is known here."""
        self._drop_all()
        yield from ()

    def close(self) -> None:
        """End all that still runs, and leave the cluster."""
        self._drop_all()
        self._engine.close()

    def _drop_all(self) -> None:
        for handle in self._running:
            self._engine.drop(handle)
        self._running.clear()

    def _count_places(self) -> int:
        return self._jobs or max(1, int(AHEAD * self._count_cores()))

    def _count_cores(self) -> float:
        return sum(one.cores for one in self._engine.list_machines())

    def _send_helpers(self) -> None:
        """Where no model waits and cores are left over, have parts of those that run done there."""
        if self._waiting or self._crew.recollection.shared is None:
            return
        while len(self._running) < (self._jobs or int(self._count_cores())):
            helped = choose_helped(self._running.values(), self._helpers)
            if helped is None:
                return
            self._helpers[helped.errand.number] += 1
            self._submit(replace(helped, job=replace(helped.job, place=self._helpers[helped.errand.number])))

    def _send_again(self) -> None:
        """What fits no machine any more, since the one that it was meant for is lost, would wait for ever."""
        machines = self._engine.list_machines()
        for handle, sent in list(self._running.items()):
            if machines and not any(one.has_room_for(sent.demand) for one in machines):
                self._engine.drop(handle)
                del self._running[handle]
                if not sent.job.place:
                    self._waiting.append((sent.errand, sent.alone))

    def _submit(self, sent: Sent) -> None:
        self._running[self._engine.submit(write(sent.job), sent.parcels, sent.demand)] = sent

    def _drop_helpers(self, errand: Errand) -> None:
        for handle, sent in list(self._running.items()):
            if sent.errand is errand:
                self._engine.drop(handle)
                del self._running[handle]

    def _begin(self, errand: Errand, alone: bool) -> Iterator[tuple[Errand, Outcome]]:
        if not alone:
            self._board.begin(errand.number, errand.name)
            known = errand.recall()
            if known is not None:
                yield self._tell(errand, known)
                return
        try:
            self._send(errand, alone)
        except OnnxauditError as error:
            yield self._tell(errand, errand.fail(error))

    def _send(self, errand: Errand, alone: bool) -> None:
        sources = {name: errand.options[name] for name in SOURCES if name in errand.options}
        demand = self._settle(errand, alone)
        most = max(one.memory for one in self._engine.list_machines())
        errand.again = not alone and "memory" not in errand.options and demand.memory < most
        model = pack_model(errand.model)
        sent = [self._send_source(source) for source in sources.values()]
        digests = (model.digest, *(digest for digest, _ in sent))
        job = self._describe(errand, sources, digests, demand)
        parcels = [self._engine.put(model.content), *(parcel for _, parcel in sent)]
        self._submit(Sent(errand=errand, alone=alone, job=job, parcels=parcels, demand=demand))

    def _send_source(self, source: str) -> tuple[str, Any]:
        if source not in self._sources:
            parcel: Parcel = pack_source(source)
            self._sources[source] = (parcel.digest, self._engine.put(parcel.content))
        return self._sources[source]

    def _settle(self, errand: Errand, alone: bool) -> Machine:
        """What a scan takes: its part of the cores and memory, more memory where its files are large; all if alone."""
        needed = estimate_memory(errand.model)
        gpus = min(1.0, max(LEAST_OF_CARD, needed / CARD)) if errand.options.get("device") == CUDA else 0.0
        machines = [one for one in self._engine.list_machines() if one.gpus >= gpus]
        if not machines:
            raise WorkerError("no machine of the cluster that could do it is there any more")
        total, largest = sum(one.cores for one in machines), max(one.memory for one in machines)
        cores = max(1, int(min(max(one.cores for one in machines), total // self._jobs if self._jobs else 1)))
        share = int(min(one.memory / one.cores for one in machines) * cores)
        memory = min(largest, errand.options.get("memory") or (largest if alone else max(share, needed)))
        most = max(one.cores for one in machines if one.memory >= memory)  # of one that has the memory too
        return Machine(cores=min(cores, int(most)), memory=memory, gpus=gpus)

    def _describe(self, errand: Errand, sources: dict[str, str], digests: tuple[str, ...], demand: Machine) -> Job:
        policy, settings, options = self._crew.policy, self._crew.settings, dict(errand.options)
        cache = self._crew.recollection.shared
        for name in sources:
            del options[name]
        return Job(
            run=self._run,
            model=errand.name,
            file=errand.model.name,
            digests=digests,
            sources=sources,
            preprocessing=options.pop("preprocessing", None),
            input_size=options.pop("input_size", None),
            options=options,
            detectors=policy.detectors,
            domains=policy.domains,
            time_budget=policy.time_budget,
            memory_limit=policy.memory_limit,
            memory=None if "memory" in options else demand.memory or None,
            cores=int(demand.cores),
            cache=None if cache is None else cache.place,
            cache_limit=0 if cache is None else cache.limit,
            apart=settings.apart,
            debug=settings.debug,
            made=self._made,
        )

    def _finish(self, handle: Any) -> Iterator[tuple[Errand, Outcome]]:
        sent = self._running.pop(handle, None)
        if sent is None:  # a helper whose scan has ended
            return
        if sent.job.place:
            self._hear_helper(sent, handle)
            return
        errand = sent.errand
        self._drop_helpers(errand)
        try:
            answer = read_answer(self._engine.take(handle))
            self._pass_on(answer.notices)
            if answer.short and errand.again:
                self._waiting.append((errand, True))  # once more, with all the memory of one machine
                return
            errand.settled = answer.settled
            outcome = errand.conclude(
                read_document(answer.document.encode()), lasting=answer.machine == describe_machine()
            )
        except LostError as error:
            outcome = errand.fail(WorkerError(f"{error} [worker-crashed]"))
        except OnnxauditError as error:
            outcome = errand.fail(error)
        yield self._tell(errand, outcome)

    def _hear_helper(self, sent: Sent, handle: Any) -> None:
        """A helper's answer is passed over; where it could not help, no other is sent."""
        with contextlib.suppress(LostError, WorkerError):
            if read_answer(self._engine.take(handle)).stray:
                self._helpers[sent.errand.number] = MOST_HELPERS

    def _pass_on(self, notices: Sequence[str]) -> None:
        """Tell each notice once, however many machines have it."""
        for notice in (one[:LONGEST_NOTICE] for one in notices):
            if notice not in self._told and len(self._told) < MOST_NOTICES:
                self._told.append(notice)
                report_notice(f"on a machine of the cluster: {notice}")

    def _tell(self, errand: Errand, outcome: Outcome) -> tuple[Errand, Outcome]:
        self._board.end(errand.number, answer_of(outcome))
        return errand, outcome
