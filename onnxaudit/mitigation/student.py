"""The network while it is tuned: a copy that learns to ignore triggers, and all triggers known against it."""

from collections import defaultdict
from collections.abc import Sequence

import torch

from onnxaudit.deadline import Deadline
from onnxaudit.intake.model import Model
from onnxaudit.mitigation.adversary import harden
from onnxaudit.mitigation.context import TuningContext
from onnxaudit.mitigation.distillation import Distiller
from onnxaudit.mitigation.distortions import draw_distortions, shape_distortions
from onnxaudit.mitigation.evaluation import measure_divergence
from onnxaudit.mitigation.fine_tuning_config import FineTuningConfig
from onnxaudit.mitigation.random_triggers import draw_triggers
from onnxaudit.mitigation.stamps import Stamps, stack, unstack
from onnxaudit.mitigation.tuning_round import Distorted, Invert, Triggers, TuningRound
from onnxaudit.perturbations.perturbation import Perturbation
from onnxaudit.records import Trigger
from onnxaudit.runtime import Runtime
from onnxaudit.workers import Workers

Labeled = list[tuple[Trigger, int]]


class Student:
    """The copy as it stands, and what is known against it.

    Args:
        context: what is tuned.
        config: settings.
        targets: labels that triggers lead to.
        distorted: what is known of changes of the whole image that lead to them.
        seed: of all randomness.
        workers: who computes.

    Attributes:
        distorted: ids of the families of distortions that are made against a target, of those against which any are.
        models: the network after each round.
        near: by how many families of distortions targets were unusually near, after each round.
        found: by label, all triggers given or inverted so far.
        hardened: by label, all that were made of them.
        distortions: all whole-image changes made so far, each with the label that it leads to.
    """

    def __init__(
        self,
        context: TuningContext,
        config: FineTuningConfig,
        *,
        targets: Sequence[int],
        distorted: Distorted,
        seed: int,
        workers: Workers,
    ) -> None:
        self.distorted = {label: tuple(distorted.known[label]) for label in targets if label in distorted.known}
        self._probe = distorted.probe
        self.near: list[int] = []
        self.found: dict[int, list[Trigger]] = defaultdict(list)
        self.hardened: dict[int, list[Trigger]] = defaultdict(list)
        self.distortions: list[tuple[Perturbation, int]] = []
        self.models: list[Model] = []
        self._context, self._config, self._workers = context, config, workers
        original = Runtime(context.original, context.preprocessing, context.device)
        self._wanted = original.logits(context.validation.images)
        self._draw = torch.Generator().manual_seed(seed)
        self._distiller = Distiller(
            context, config.distillation, targets=targets, layers=config.layers, draw=self._draw, workers=workers
        )

    def learn(self, triggers: Triggers) -> None:
        """Take further triggers in."""
        for label, found in triggers.items():
            self.found[label] += found

    def learn_fresh(self, invert: Invert, model: Model, numbers: Sequence[int]) -> bool:
        """Invert every label again on `model`, from each fresh start; whether anything was found."""
        starts = [(label, number) for number in numbers for label in self.found]
        fresh = self._workers.map(lambda start: invert(model, *start), starts)
        for (label, _), found in zip(starts, fresh, strict=True):
            self.found[label] += found
        return any(fresh)

    def harden(self) -> None:
        """Make every trigger found so far work on the copy as it stands."""
        for label, found in self.found.items():
            self.hardened[label] += self._harden(found, label)
        fitting = self._context.fitting
        self.distortions += shape_distortions(
            self._distiller.student,
            fitting.images,
            fitting.classes,
            self.distorted,
            self._config.distortion,
            draw=self._draw,
            workers=self._workers,
        )

    def distill(self, effort: float, deadline: Deadline) -> None:
        """One round with all triggers; its outcome joins `models`."""
        triggers = pair(self.found) + pair(self.hardened) + self._draw_further()
        self._distiller.train(Stamps.of(triggers, self.distortions + self._draw_distortions()), effort, deadline)
        self.models.append(self._distiller.export(self._context.pruned))
        self.near.append(self._learn_near(self.models[-1]))

    def _learn_near(self, model: Model) -> int:
        """Take in the families of distortions by which targets are unusually near on `model`; how many there are."""
        found = {label: self._probe(model, label) for label in self.found} if self._probe else {}
        for label, near in found.items():
            if near:
                self.distorted[label] = tuple(dict.fromkeys((*self.distorted.get(label, ()), *near)))
        return sum(map(len, found.values()))

    def _draw_further(self) -> Labeled:
        """Random triggers for every target, new ones in every round."""
        images, count = self._context.fitting.images, self._config.random_triggers
        shape = images.shape[1], images.shape[2], images.shape[3]
        return [(one, label) for label in self.found for one in draw_triggers(count, shape, self._draw)]

    def _draw_distortions(self) -> list[tuple[Perturbation, int]]:
        """Random changes of the whole image, new ones in every round."""
        images = self._context.fitting.images
        shape = images.shape[1], images.shape[2], images.shape[3]
        return draw_distortions(shape, self.distorted, self._config.distortion, self._draw)

    def measure(self, model: Model, near: int = 0) -> TuningRound:
        """A network on validation samples, clean and under all that is known; `near` is handed on."""
        context = self._context
        network, validation = Runtime(model, context.preprocessing, context.device), context.validation
        under = validation.under_worst(network, pair(self.found))
        return TuningRound(
            agreement=validation.agreement(network),
            success_rate=under.success,
            hardened_success_rate=validation.under_worst(network, pair(self.hardened)).success,
            distorted_success_rate=validation.under_all(network, self.distortions).success,
            divergence=measure_divergence(self._wanted, network.logits(validation.images)),
            poisoned_accuracy=under.accuracy,
            near=near,
        )

    def _harden(self, found: Sequence[Trigger], label: int) -> list[Trigger]:
        fitting = self._context.fitting
        victims = fitting.images[fitting.classes != label]
        if not found or not len(victims):
            return []
        student = self._distiller.student
        stacked = stack(found).to(self._distiller.device)
        labels = torch.full((len(found),), label, device=stacked.device)
        config, draw, workers = self._config.hardening, self._draw, self._workers
        return unstack(harden(student, victims, stacked, labels, config, draw=draw, workers=workers))


def pair(triggers: Triggers) -> Labeled:
    """Each trigger with the label that it leads to."""
    return [(trigger, label) for label, some in triggers.items() for trigger in some]
