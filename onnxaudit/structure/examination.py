"""The structural examination of one model: dormant parts, whether they can be woken, and what they do then."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from onnxaudit.deadline import Deadline
from onnxaudit.errors import ModelError, OutOfTimeError
from onnxaudit.findings import structure_reasons
from onnxaudit.importer import Classifier
from onnxaudit.records import Floats, GraphPart, Ints, Irregularity, Reason, Samples, WakingImage
from onnxaudit.records.irregularity import DORMANT_GATE
from onnxaudit.structure.bypass import list_bypasses
from onnxaudit.structure.copy import Copy
from onnxaudit.structure.dormancy import Dormant, find_dormant, list_gates, needs_single_images, take_median
from onnxaudit.structure.effect import ONE_CLASS, STRONG, Answers, Forced, Proof, answer, find_proofs, force
from onnxaudit.structure.excerpt import cut_excerpt
from onnxaudit.structure.flow import Edge, find_kind, selects
from onnxaudit.structure.probes import Probes, draw_probes
from onnxaudit.structure.search import SearchConfig, choose_waist, measure_move, search

EXPLORED = 0.95  # share of images on which a choice comes out alike: where it is less, both branches were seen
SHUT = 1e-2  # a factor that is as good as zero
LAYERS = frozenset(("Conv", "ConvTranspose", "Gemm", "MatMul", "Einsum", "LSTM", "GRU", "RNN"))
Predict = Callable[[Floats], Ints]


@dataclass(frozen=True, kw_only=True)
class StructureConfig:
    """Settings of the structural examination.

    Attributes:
        images: clean images on which parts must have something to do.
        fewest_proofs: share of the searched images on which a gate must be opened.
        trunk: share of the weights before a gate from which on it judges what the network sees, not the image.
        search: of the search for images that open a gate.
    """

    images: int = 24
    fewest_proofs: float = 0.5
    trunk: float = 0.5
    search: SearchConfig = field(default_factory=SearchConfig)


@dataclass(frozen=True, kw_only=True)
class Structure:
    """What was found: what the file does against its audit, what leaves the verdict open, and where in the graph."""

    irregularities: tuple[Irregularity, ...] = ()
    doubts: tuple[Reason, ...] = ()
    parts: tuple[GraphPart, ...] = ()

    def join(self, other: "Structure") -> "Structure":
        """What both say; the same reason about two places of one gate is told once."""
        known = {reason.code for reason in self.doubts}
        fresh = [place for place, reason in enumerate(other.doubts) if reason.code not in known]
        return Structure(
            irregularities=self.irregularities + other.irregularities,
            doubts=self.doubts + tuple(other.doubts[place] for place in fresh),
            parts=self.parts + (other.parts if fresh or other.irregularities else ()),
        )


def examine(
    classifier: Classifier,
    samples: Samples,
    predict: Predict,
    config: StructureConfig = StructureConfig(),
    *,
    seed: int,
    deadline: Deadline = Deadline(),
) -> Structure:
    """Look for parts of the graph that answer in the model's place.

    Args:
        classifier: the copy of the network behind its preprocessing.
        samples: clean images.
        predict: classes of images by onnxruntime, which has the last word on each proof.
        config: all settings.
        seed: of all randomness.
        deadline: what is not done by then is told as a doubt.
    """
    whole, copy = Structure(), Copy(classifier)
    if not copy.flow.edges:
        return whole
    try:
        for found in _examine_all(copy, samples, predict, config, seed=seed, deadline=deadline):
            whole = whole.join(found)
            if whole.irregularities:
                break
    except OutOfTimeError:
        return whole.join(Structure(doubts=(structure_reasons.STRUCTURE_UNFINISHED.give(),)))
    return whole


def _examine_all(
    copy: Copy, samples: Samples, predict: Predict, config: StructureConfig, *, seed: int, deadline: Deadline
) -> Iterator[Structure]:
    """What each gate amounts to, and where that is nothing, each way around the trunk."""
    probes = draw_probes(samples, config.images, seed=seed)
    try:
        found = _find_gates(copy, probes)
    except ModelError:
        yield Structure(doubts=(structure_reasons.STRUCTURE_UNREAD.give(),))
        return
    examination, doubted = _Examination(found[0], probes, predict, config, seed=seed, deadline=deadline), False
    for gate in found[1]:
        deadline.check()
        one = examination.examine(gate)
        doubted |= bool(one.doubts)
        yield one
    known = {gate.edge.alias for gate in found[1]}
    for bypass in list_bypasses(found[0].flow):
        if bypass.alias not in known and not doubted:
            deadline.check()
            one = examination.examine_bypass(bypass)
            doubted |= bool(one.doubts)
            yield one


def _find_gates(copy: Copy, probes: Probes) -> tuple[Copy, tuple[Dormant, ...]]:
    clean, changed = (copy.enter(torch.from_numpy(images)) for images in (probes.clean, probes.changed))
    if needs_single_images(copy, clean):
        copy = copy.ask_alone()
    return copy, tuple(list_gates(copy, find_dormant(copy, clean, changed)))


class _Examination:
    """Gate after gate of one model."""

    def __init__(
        self, copy: Copy, probes: Probes, predict: Predict, config: StructureConfig, *, seed: int, deadline: Deadline
    ) -> None:
        self.copy, self.probes, self.predict, self.config = copy, probes, predict, config
        self.seed, self.deadline = seed, deadline
        self.inputs: Tensor = copy.enter(torch.from_numpy(probes.clean))
        self.clean: Answers = answer(copy, self.inputs)

    def examine(self, gate: Dormant) -> Structure:
        """What a gate amounts to: nothing, a doubt, or something that the file does against its audit."""
        images = torch.from_numpy(self.probes.clean).to(self.copy.device)
        waist = choose_waist(self.copy, gate, images)
        if self._adapts_range(gate) or self._judges_the_answer(gate):
            return Structure()
        with torch.inference_mode():
            usual = self.copy.read(self.inputs[:1], [waist])[waist]
        forced = force(self.copy, waist, usual, self.inputs, self.clean)
        suspicious = forced is not None and forced.suspicious
        proofs = self._search(gate, suspicious=suspicious)
        if proofs:
            told = Irregularity(rule=DORMANT_GATE, place=waist, says=_describe(waist, proofs))
            part = self._picture(gate, waist, told.rule, told.says, forced=forced, proof=proofs[0])
            return Structure(irregularities=(told,), parts=(part,))
        reason = None
        if forced is not None and suspicious and not self._opens_on_nothing(gate):
            reason = structure_reasons.DORMANT_GATE.give(place=repr(waist), changed=forced.changed)
        elif self._count_unexplored(gate):
            reason = structure_reasons.UNEXPLORED_BRANCH.give(place=repr(gate.edge.merge))
        if reason is None:
            return Structure()
        return Structure(doubts=(reason,), parts=(self._picture(gate, waist, reason.code, reason.seen, forced=forced),))

    def examine_bypass(self, edge: Edge) -> Structure:
        """Whether there are images on which a way around the trunk, though never idle, decides by itself."""
        with torch.inference_mode():
            usual = take_median(self.copy.read(self.inputs, [edge.alias])[edge.alias])
        gate = Dormant(edge=edge, usual=usual, idle=0.0, still=False)
        proofs = self._search(gate, suspicious=False, config=replace(self.config.search, live=True))
        if not proofs:
            return Structure()
        reason = structure_reasons.LIVE_BYPASS.give(place=repr(edge.tensor))
        part = self._picture(gate, edge.tensor, reason.code, reason.seen, forced=None, proof=proofs[0])
        return Structure(doubts=(reason,), parts=(part,))

    def _picture(
        self, gate: Dormant, waist: str, code: str, says: str, *, forced: Forced | None, proof: Proof | None = None
    ) -> GraphPart:
        """The part of the graph with its nodes, and with the image that wakes it where there is one."""
        waking = None
        if proof is not None:
            change = proof.image.numpy() - self.probes.clean[proof.origin]
            index = int(self.probes.index[proof.origin])
            waking = WakingImage(sample=index, change=change, before=proof.held, after=proof.answer)
        return GraphPart(
            code=code,
            place=waist,
            says=says,
            nodes=cut_excerpt(self.copy.flow, gate.edge, waist),
            opened=None if forced is None else round(forced.changed, 4),
            proof=waking,
        )

    def _search(self, gate: Dormant, *, suspicious: bool, config: SearchConfig | None = None) -> list[Proof]:
        """One proof for each clean image; none where they are too few.

        Where the gate, opened by hand, takes the answers over, one is enough. Else (an early exit, another expert) what
        it answers has to go to one class.
        """
        proofs: dict[int, Proof] = {}
        count = min(self.config.search.shorten().images, len(self.probes.clean))
        enough = 1 if suspicious else max(2, round(self.config.fewest_proofs * count))
        hasty = not suspicious and (self.copy.alone or not gate.still)
        usual = self.config.search.shorten() if hasty else self.config.search
        found = search(self.copy, gate, self.probes.clean, config or usual, seed=self.seed, deadline=self.deadline)
        attempts = next(found, None)
        while attempts is not None:
            fresh, strong = find_proofs(self.copy, gate, attempts, self.clean)
            proofs = {proof.origin: proof for proof in fresh} | proofs
            if len(proofs) >= enough:
                proofs = {proof.origin: proof for proof in self._confirm(list(proofs.values()))}
                confirmed = list(proofs.values())
                if len(confirmed) >= enough and (suspicious or _find_main(confirmed)[1] >= ONE_CLASS):
                    return confirmed
            try:
                attempts = found.send(strong)
            except StopIteration:
                break
        return []

    def _confirm(self, proofs: list[Proof]) -> list[Proof]:
        """Those to which onnxruntime says the same."""
        images = np.stack([proof.image.numpy() for proof in proofs])
        parts = np.split(images, len(images)) if self.copy.alone else [images]
        classes = np.concatenate([self.predict(part) for part in parts])
        return [proof for proof, said in zip(proofs, classes, strict=True) if said == proof.answer]

    def _moves(self, gate: Dormant, inputs: Tensor) -> Tensor:
        with torch.inference_mode():
            value = self.copy.read(inputs, [gate.edge.alias])[gate.edge.alias]
        return (value != gate.usual).reshape(len(value), -1).any(1)

    def _adapts_range(self, gate: Dormant) -> bool:
        """Whether it opens for images in another range of values, and keeps the answers: that is what it is for."""
        for factor in (255.0, 1.0 / 255.0):
            scaled = self.inputs * factor
            try:
                moved = self._moves(gate, scaled)
                with torch.inference_mode():
                    logits = self.copy.hold(scaled, {}).double()
            except ModelError:
                continue
            apart = (logits - self.clean.logits).square().mean(1).sqrt()
            if bool(moved.all()) and float(apart.median()) <= STRONG * self.clean.spread:
                return True
        return False

    def _judges_the_answer(self, gate: Dormant) -> bool:
        """Whether it reads what the network made of the image, and opens where there is nothing to see."""
        flow = self.copy.flow
        share = flow.count_weights(flow.list_before(gate.edge.alias)) / flow.all_weights
        return share >= self.config.trunk and self._opens_on_nothing(gate)

    def _opens_on_nothing(self, gate: Dormant) -> bool:
        empty = torch.from_numpy(self.probes.empty).to(self.copy.device)
        return bool(measure_move(self.copy, gate, empty).double().mean() >= 0.25)

    def _count_unexplored(self, gate: Dormant) -> int:
        """Weights of layers that count only where a choice, or a factor of zero, comes out otherwise."""
        flow, step = self.copy.flow, self.copy.flow.graph.steps[gate.edge.step]
        if gate.idle < EXPLORED:
            return 0
        if selects(step):
            left = [step.inputs[2 if bool(gate.usual.flatten()[0]) else 1]]
        elif find_kind(step) == "Mul" and float(gate.usual.double().abs().max()) <= SHUT:
            left = [name for name in step.inputs if name != gate.edge.alias]
        else:
            return 0
        whole = set(flow.list_before(flow.logits))
        alone = {index for name in left for index in whole - set(flow.list_before(flow.logits, without=name))}
        return flow.count_weights(tuple(i for i in sorted(alone) if find_kind(flow.graph.steps[i]) in LAYERS))


def _find_main(proofs: list[Proof]) -> tuple[int, float]:
    """The class that most proofs get, and the share that do."""
    answers = [proof.answer for proof in proofs]
    label = max(set(answers), key=answers.count)
    return label, answers.count(label) / len(answers)


def _describe(waist: str, proofs: list[Proof]) -> str:
    label, share = _find_main(proofs)
    gives = f"class {label}" if share >= ONE_CLASS else "other classes"
    shown = f"{len(proofs)} of {len(proofs)}" if len(proofs) > 1 else "1"
    return (
        f"Tensor {waist!r} does nothing on clean images; images were found that wake it, and it alone then gives them "
        f"{gives} in place of what the network sees in them ({shown} shown to onnxruntime)."
    )
