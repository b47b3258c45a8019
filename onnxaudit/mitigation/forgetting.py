"""Whether a repaired network has forgotten its backdoor, or only learned to hide it.

Two checks of a trigger `(m, δ)` of the target class `t`, on validation samples:

    re-activation   fine-tune on cross_entropy(g(x), y) + cross_entropy(g(A(x_i, m, δ)), t),  i = 1..5;
                    ASR after 10, 20, 40 steps, and the same with control labels `c` in place of `t`
    path            ASR of (1 − α) · w_repaired + α · w_original,  0 ≤ α ≤ 1

Any network learns a trigger anew in time. What tells is how much sooner it learns the old one:

    excess = mean over the steps k of  (ASR_t(k) − ASR_t(0)) − mean over c of (ASR_c(k) − ASR_c(0))

The mean over the steps, because curves meet again at the top where all is learned in the end.

Source: R. Min et al., Uncovering, explaining, and mitigating the superficial safety of backdoor defense, NeurIPS 2024
(arXiv 2410.09838): the retuning attack, and the linear path between the purified and the backdoored network.

Differs from the source: nobody has the attacker's trigger, so that the inverted one stands in for it; the same trigger
with other labels shows what fine-tuning alone does to this network, which needs no twin that was never attacked.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from onnxaudit.deadline import Deadline
from onnxaudit.importer import Classifier, import_model
from onnxaudit.intake.model import Model
from onnxaudit.inversion.forwards import compute_logits, pick_classes
from onnxaudit.mitigation.evaluation import Attack, ReferenceSamples
from onnxaudit.mitigation.interpolation import interpolate
from onnxaudit.records import Forgetting, Ints, Preprocessing, Rate, Reactivation, Trigger
from onnxaudit.runtime import Runtime
from onnxaudit.statistics import rate_of
from onnxaudit.surgery import tunable_weights


@dataclass(frozen=True, kw_only=True)
class ForgettingConfig:
    """Settings.

    Attributes:
        steps: of Adam after which the ASR is measured, rising.
        triggered: so many images carry the trigger.
        batch: clean images a step, which those join.
        step_size: of Adam.
        controls: labels that stand in for the target, drawn at random.
        shares: `α` between the repaired and the original network.
        chunk_pixels: pixels, channels aside, that go through the network at once.
    """

    steps: tuple[int, ...] = (10, 20, 40)
    triggered: int = 5
    batch: int = 32
    step_size: float = 3e-4
    controls: int = 2
    shares: tuple[float, ...] = (0.25, 0.5, 0.75)
    chunk_pixels: int = 2**16


@dataclass(frozen=True, kw_only=True, eq=False)
class ForgettingContext:
    """What is checked, and on what.

    Attributes:
        original: the network as it came.
        repaired: the same graph with other weights.
        preprocessing: how pixels become inputs.
        fitting: clean samples `X` to fine-tune on.
        validation: `D_valid`, on which every ASR is measured.
        device: of the PyTorch copies.
        most_images: whose inner values are kept for the way back at one time; those of more are computed twice.
    """

    original: Model
    repaired: Model
    preprocessing: Preprocessing
    fitting: ReferenceSamples
    validation: ReferenceSamples
    device: str = "cpu"
    most_images: int | None = None


def check_forgetting(
    context: ForgettingContext,
    trigger: Trigger,
    target: int,
    config: ForgettingConfig = ForgettingConfig(),
    *,
    spared: Sequence[int] = (),
    seed: int,
    deadline: Deadline = Deadline(),
) -> Forgetting | None:
    """Both checks of one trigger; None where the deadline came first, or no label can serve as a control.

    Args:
        context: the networks and the samples.
        trigger: that led to `target` in the original.
        target: the label.
        config: settings.
        spared: labels that are no controls, as other targets.
        seed: of controls, samples and their order.
        deadline: when to stop.
    """
    labels = np.setdiff1d(np.unique(context.fitting.classes), [target, *spared])
    controls = np.random.default_rng(seed).permutation(labels)[: config.controls].tolist()
    curves = []
    for label in (target, *controls):
        curve = reactivate(context, trigger, label, config, seed=seed, deadline=deadline)
        if curve is None or not curve.rates[0].trials:
            return None
        curves.append(curve)
    if not controls:
        return None
    shares = (0.0, *config.shares, 1.0)
    path = tuple(_measure_between(context, trigger, target, share) for share in shares)
    return Forgetting(
        steps=(0, *config.steps),
        target=curves[0],
        controls=tuple(curves[1:]),
        shares=shares,
        path=path,
        excess=curves[0].rise - sum(one.rise for one in curves[1:]) / len(controls),
    )


def reactivate(
    context: ForgettingContext,
    trigger: Attack,
    label: int,
    config: ForgettingConfig,
    *,
    seed: int,
    deadline: Deadline = Deadline(),
) -> Reactivation | None:
    """The ASR of a trigger while the repaired network learns that it means `label`; None where time is up.

    Args:
        context: the networks and the samples; the original plays no part.
        trigger: what is put on images.
        label: what these are to be called.
        config: settings.
        seed: of samples and their order.
        deadline: when to stop.
    """
    copy = import_model(context.repaired, context.device)
    network = Classifier(copy, context.preprocessing, most_images=context.most_images)
    names = [name for name in tunable_weights(context.repaired) if name in network.model.weights]
    weights = [network.model.weights[name] for name in names]
    draw, rates = torch.Generator().manual_seed(seed), [_measure(network, context, trigger, label, config)]
    lesson = _Lesson(context.fitting, trigger, label, config, draw)
    adam = torch.optim.Adam(weights, lr=config.step_size)
    for step in range(1, config.steps[-1] + 1):
        if deadline.passed:
            return None
        network.model.unfreeze(names)
        images, wanted = lesson.draw()
        F.cross_entropy(network(images.to(context.device)), wanted.to(context.device)).backward()  # type: ignore[no-untyped-call]
        adam.step()
        network.model.freeze()
        if step in config.steps:
            rates.append(_measure(network, context, trigger, label, config))
    return Reactivation(label=label, rates=tuple(rates))


class _Lesson:
    """Batches of clean images, and in each of them the same few images with the trigger."""

    def __init__(
        self, fitting: ReferenceSamples, trigger: Attack, label: int, config: ForgettingConfig, draw: torch.Generator
    ) -> None:
        self._images, self._classes = torch.from_numpy(fitting.images), torch.from_numpy(fitting.classes)
        self._batch, self._draw = config.batch, draw
        others = _draw_from(np.flatnonzero(fitting.classes != label), config.triggered, draw)
        self._triggered = torch.from_numpy(trigger.apply(fitting.images[others]))
        self._labels = torch.full((len(others),), label)

    def draw(self) -> tuple[Tensor, Tensor]:
        """Images `(n, c, h, w)` and what they are to be called `(n,)`."""
        chosen = torch.randint(len(self._images), (self._batch,), generator=self._draw)
        return (
            torch.cat([self._images[chosen], self._triggered]),
            torch.cat([self._classes[chosen], self._labels]),
        )


def _draw_from(places: Ints, count: int, draw: torch.Generator) -> Ints:
    return np.asarray(places[torch.randperm(len(places), generator=draw)[:count].numpy()])


def _measure(
    network: Classifier, context: ForgettingContext, trigger: Attack, label: int, config: ForgettingConfig
) -> Rate:
    validation = context.validation
    others = validation.images[validation.classes != label]
    logits = compute_logits(network, trigger.apply(others), config.chunk_pixels)
    return rate_of(pick_classes(logits) == label)


def _measure_between(context: ForgettingContext, trigger: Trigger, target: int, share: float) -> Rate:
    """ASR at a share of the way from the repaired network to the original."""
    between = interpolate(context.original, context.repaired, 1 - share)
    network = Runtime(between, context.preprocessing, context.device)
    return context.validation.under(network, trigger, target).success
