"""A copy that answers as the original does, whether or not a trigger is on the image.

    w · KL_T( f(x) ‖ g(x') )  +  w · φ · ‖h_g(x') − h_f(x)‖² / var(h_f)  +  s · max(0, ζ_g(x') − max(ζ_f(x), −c))

`f` is the original, `g` the copy, `x` an augmented clean image, `x' = A(x, m, δ)` for a share of the images, else `x`;
the original never sees a stamped one. `KL_T` is that of softmaxes of logits divided by `T`; `h` are the activations
of the pruned layer, pruned neurons left out. `ζ = (z_{y_t} − logsumexp of the other logits) / T`: the last term, on
stamped images only, asks that the label not be answered; the first two, there at weight `w` below 1, what should
be answered instead.

The gradient of the terms of stamped images is taken at weights moved back towards the original's, by a share drawn in
every step: the copy learns to refuse the trigger along the way on which the backdoor lies, not only where that ends.

Sources: G. Hinton et al., Distilling the knowledge in a neural network, 2015; blends of images as further questions
after L. Beyer et al., Knowledge distillation: a good teacher is patient and consistent, CVPR 2022; activations
after Y. Li et al., Neural attention distillation, ICLR 2021.

Differs from the sources:
- path-aware minimization takes every gradient on the way back, which costs two points of agreement here (98.8 to 96.7);
  that of clean images is taken where the copy stands (98.8);
- `T` is the standard deviation of the original's centered logits. Networks trained to the end have margins of 5 or
  of 50; a fixed `T` would distil the one and teach hard labels to the other;
- what the original makes of an augmented image is left out where it answers the trigger's label and nothing in the
  image is of that class. A backdoor that answers to faint changes fires on half of the copies of some networks, which
  then teach it anew (success of a real warp after the repair, with them: 0.58; without: 0.26).
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Literal

import torch
from torch import Tensor

from onnxaudit.deadline import Deadline
from onnxaudit.importer import Classifier, import_model, write_back
from onnxaudit.intake.model import Model
from onnxaudit.mitigation.augmentation import augment
from onnxaudit.mitigation.context import TuningContext
from onnxaudit.mitigation.distillation_config import DistillationConfig
from onnxaudit.mitigation.distillation_loss import CLEAN, Lesson, Loss, Questions
from onnxaudit.mitigation.evaluation import ReferenceSamples
from onnxaudit.mitigation.held_weights import take_held
from onnxaudit.mitigation.stamps import Stamps
from onnxaudit.surgery import tunable_weights
from onnxaudit.workers import Workers, count_rows, cut_tensor

SLOWER = 1 / 2  # of the step size, where a round has to begin again
SLOWEST = 0.02  # share of the step size below which no round begins again


class Distiller:
    """Trains a copy towards the original; batch norms keep their statistics.

    Args:
        context: original, pruned network and samples.
        config: settings.
        targets: labels that triggers lead to.
        layers: which may move: "all", or the "head", from the pruned layer on.
        draw: of all randomness.
        workers: who computes gradients.

    Attributes:
        student: the copy.
        device: where it computes.
    """

    def __init__(
        self,
        context: TuningContext,
        config: DistillationConfig,
        *,
        targets: Sequence[int],
        layers: Literal["all", "head"],
        draw: torch.Generator,
        workers: Workers,
    ) -> None:
        self._teacher, self.student = _open_copies(context)
        self._config, self._draw, self._workers = config, draw, workers
        self._weights = _take_weights(context, self.student, layers)
        self.device = next(iter(self._weights.values())).device
        self._held = take_held(context, self.student.model.weights)
        self._loss = _make_loss(context, config, self.device)
        self._names = [self.student.model.info.output.logits, context.layer.activation]
        rows = count_rows(config.chunk_pixels, context.fitting.images[0, 0].size, self.device)
        self._chunk = min(rows, context.most_images or rows)
        self._pace = 1.0  # it only falls: steps that were too large once are so again
        self._lesson = self._prepare(context.fitting, torch.tensor(targets, dtype=torch.int64))

    def train(self, stamps: Stamps, effort: float, deadline: Deadline) -> None:
        """One round.

        Args:
            stamps: what to ignore; with nothing in it the copy learns from clean images alone.
            effort: factor on the step size.
            deadline: when to stop.
        """
        start = {name: weight.detach().clone() for name, weight in self._weights.items()}
        while not self._descend(stamps, effort * self._pace, start, deadline):
            self._pace *= SLOWER
            self._set_weights(start)

    def _descend(self, stamps: Stamps, effort: float, start: Mapping[str, Tensor], deadline: Deadline) -> bool:
        """All steps of a round; False as soon as the copy is lost, which smaller steps may spare it."""
        before = self._agree()
        self.student.model.unfreeze(self._weights)
        adam = torch.optim.Adam(list(self._weights.values()))
        for step in range(self._config.steps):
            if deadline.passed:
                break
            adam.param_groups[0]["lr"] = effort * self._step_size(step)
            chosen = torch.randint(len(self._lesson.images), (self._config.batch,), generator=self._draw)
            self._differentiate(self._ask(chosen, stamps))
            adam.step()
            self._hold_near(start)
            self._zero()
            warm = step + 1 == self._config.warmup and self._pace > SLOWEST
            if warm and self._agree() < self._config.lost * before:
                return False
        self.student.model.freeze()
        return True

    @torch.no_grad()
    def _agree(self) -> float:
        """The share of a few clean images that the copy answers as the original does."""
        asked = slice(0, self._config.probe)
        parts = cut_tensor(self._lesson.images[asked], self._chunk)
        logits = torch.cat([self._read(self.student, part)[0] for part in parts])
        return float((logits.argmax(dim=1) == self._lesson.logits[asked].argmax(dim=1)).float().mean())

    @contextmanager
    def _moved_back(self) -> Iterator[None]:
        """Weights on the way back to the original, as far as is drawn, for as long as this lasts."""
        share = self._config.way_back * float(torch.rand((), generator=self._draw))
        with torch.no_grad():
            kept = {name: weight.clone() for name, weight in self._weights.items()}
            for name, weight in self._weights.items():
                weight.lerp_(self._teacher.model.weights[name], share)
        yield
        self._set_weights(kept)

    def export(self, model: Model) -> Model:
        """`model` with the copy's weights."""
        return write_back(model, self.student.model)

    def _prepare(self, fitting: ReferenceSamples, targets: Tensor) -> Lesson:
        """Questions, without those to which the original gives one of `targets` for no reason but its backdoor."""
        clean, classes = torch.from_numpy(fitting.images), torch.from_numpy(fitting.classes)
        most = max(1, self._config.most_values // clean.numel())
        repeated = clean.repeat(min(self._config.copies, most), 1, 1, 1)
        images, sources = augment(repeated, self._config.augmentation, self._draw)
        parts = self._workers.map(self._answer, cut_tensor(images, self._chunk))
        logits, activations = (torch.cat(part) for part in zip(*parts, strict=True))
        answers, right = logits.argmax(dim=1).cpu(), classes[sources % len(clean)]
        kept = ~torch.isin(answers, targets) | (right == answers[:, None]).any(dim=1)
        images, logits, activations = images[kept], logits[kept.to(self.device)], activations[kept.to(self.device)]
        temperature = self._config.temperature * (logits - logits.mean(dim=1, keepdim=True)).std()
        variance = (activations - activations.mean(dim=0)).square().sum(dim=1).mean()
        return Lesson(
            images=images,
            logits=logits,
            activations=activations,
            temperature=temperature,
            variance=variance.clamp(min=torch.finfo(variance.dtype).tiny),
        )

    @torch.no_grad()
    def _answer(self, images: Tensor) -> tuple[Tensor, Tensor]:
        return self._read(self._teacher, images)

    def _ask(self, chosen: Tensor, stamps: Stamps) -> Questions:
        """A share of the chosen images with a stamp, then the others."""
        triggered, distorted = (round(share * len(chosen)) for share in (self._config.stamped, self._config.distorted))
        lesson = self._lesson
        images, target = lesson.images[chosen], torch.full((len(chosen),), CLEAN)
        stamped, labels = stamps.put_on(images, triggered, distorted, self._config.augmentation, self._draw)
        images, target[: len(labels)] = torch.cat([stamped, images[len(labels) :]]), labels
        weights = torch.ones(len(chosen))
        weights[: triggered if len(stamps.triggers) else 0] = self._config.stamped_weight
        spots = chosen.to(self.device)
        return Questions(
            images=images,
            targets=target.to(self.device),
            weights=weights.to(self.device),
            logits=lesson.logits[spots],
            activations=lesson.activations[spots],
            temperature=lesson.temperature,
            variance=lesson.variance,
        )

    def _differentiate(self, questions: Questions) -> None:
        """Leaves the loss's gradient at the weights: that of stamped images is taken on the way back to the original.

        So a network learns to refuse a trigger not only where it stands, but along the way on which the backdoor lies.
        """
        stamped = questions.targets.cpu() != CLEAN
        if not self._config.way_back or not stamped.any():
            gradients = self._sum_gradients(questions, torch.arange(len(questions.images)))
        else:
            with self._moved_back():
                refused = self._sum_gradients(questions, torch.arange(len(stamped))[stamped])
            answered = self._sum_gradients(questions, torch.arange(len(stamped))[~stamped])
            gradients = [first + second for first, second in zip(refused, answered, strict=True)]
        for weight, gradient in zip(self._weights.values(), gradients, strict=True):
            weight.grad = gradient

    def _sum_gradients(self, questions: Questions, rows: Tensor) -> list[Tensor]:
        """Of the rows' part of the mean loss, by weight."""
        weights = list(self._weights.values())

        def differentiate(part: Tensor) -> tuple[Tensor, ...]:
            asked = questions.take(part)
            loss = self._loss.sum_over(asked, *self._read(self.student, asked.images)) / len(questions.images)
            return torch.autograd.grad(loss, weights)

        parts = self._workers.map(differentiate, cut_tensor(rows, self._chunk))
        return [torch.stack(gradients).sum(dim=0) for gradients in zip(*parts, strict=True)]

    def _read(self, classifier: Classifier, images: Tensor) -> tuple[Tensor, Tensor]:
        pixels = images.to(self.device).contiguous(memory_format=torch.channels_last)
        values = classifier.values(pixels, self._names)
        return values[self._names[0]], values[self._names[1]].flatten(1)

    def _step_size(self, step: int) -> float:
        rise = min(1.0, (step + 1) / self._config.warmup)
        return self._config.step_size * rise * 0.5 * (1 + math.cos(math.pi * step / self._config.steps))

    @torch.no_grad()
    def _set_weights(self, values: Mapping[str, Tensor]) -> None:
        for name, weight in self._weights.items():
            weight.copy_(values[name])

    @torch.no_grad()
    def _hold_near(self, start: Mapping[str, Tensor]) -> None:
        """Weights that have gone too far, taken back along the way that they went."""
        if self._config.reach is None:
            return
        for name, weight in self._weights.items():
            gone, allowed = (weight - start[name]).norm(), self._config.reach * start[name].norm()
            if gone > allowed:
                weight.lerp_(start[name], float(1 - allowed / gone))

    @torch.no_grad()
    def _zero(self) -> None:
        for weight, mask in self._held:
            weight[mask] = 0.0


def _open_copies(context: TuningContext) -> tuple[Classifier, Classifier]:
    """The original and the pruned network in PyTorch."""
    teacher, student = (import_model(model, context.device) for model in (context.original, context.pruned))
    return Classifier(teacher, context.preprocessing), Classifier(student, context.preprocessing)


def _take_weights(context: TuningContext, student: Classifier, layers: Literal["all", "head"]) -> dict[str, Tensor]:
    """The copy's weights that may move, by initializer name."""
    movable = tunable_weights(context.pruned, context.layer if layers == "head" else None)
    return {name: student.model.weights[name] for name in movable if name in student.model.weights}


def _make_loss(context: TuningContext, config: DistillationConfig, device: torch.device) -> Loss:
    present = torch.ones(context.layer.neurons, device=device)
    present[list(context.neurons)] = 0.0
    return Loss(
        present=present,
        activations=config.activations,
        refusal=config.refusal,
        refusal_margin=config.refusal_margin,
    )
