"""The shortest change of inner features that leads to each label: cheap evidence, whatever the trigger looks like.

For each label `t`, over features `h(x)` of samples `x` of other classes and with `g` the rest of the network, minimize

    mean_x relu(κ − margin(g(h(x) + v), t)) / s  +  λ · |v|₂ / (σ · √d),     margin = z_t − max of the other logits

over the change `v`, with `s` the spread of the logits and `σ` that of the features; the smallest `|v|₂` at which enough
samples are sent to the label is kept. A backdoor is a short way through feature space whatever its trigger looks
like, where pixel masks see only small patches.

After the idea of Z. Wang et al., Rethinking the reverse-engineering of Trojan triggers, NeurIPS 2022, that triggers of
all kinds meet in feature space.

Differs from the source: one change for all samples of a label, with neither image nor mask nor generator; all labels
in one batch; only the rest of the network runs, on cached features.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from onnxaudit.deadline import Deadline
from onnxaudit.detectors.base import Context, Detector, Words
from onnxaudit.detectors.comparison import fill_unreached
from onnxaudit.detectors.registry import detector
from onnxaudit.importer import Classifier
from onnxaudit.inversion.adam import AdamConfig
from onnxaudit.inversion.engine import Problem, Shrinking
from onnxaudit.inversion.forwards import device_of
from onnxaudit.inversion.objectives import get_ahead
from onnxaudit.inversion.schedule import Schedule
from onnxaudit.perturbations.latent import Latent
from onnxaudit.records import Evidence, Floats, Ints, Samples
from onnxaudit.workers import Workers, count_rows

_PIECE = 2**21  # values of images, of a large set, that go through the network at once: 14 photos of 224x224


@dataclass(frozen=True)
class LatentInversionConfig:
    """Settings of `measure_lengths`.

    Attributes:
        steps: of Adam.
        samples: of other classes, for each label.
        margin: `κ`, as a share of the logits' spread.
        step_size: of Adam, as a share of the features' spread.
        schedule: of the penalty on the change's length; every step sees all samples.
        most_read: so many values of images may go through the network in one piece: 64 MiB. Pieces change the last bits
            of some networks' features, so that small sets stay whole.
        most_cached: at most so many values of features are held: 1 GiB.
        most_values: at most so many feature values go through the network at once, on one core: 4 MiB.
    """

    steps: int = 150
    samples: int = 24
    margin: float = 0.1
    step_size: float = 0.1
    schedule: Schedule = field(default_factory=lambda: Schedule(window=1, first_penalty=0.1))
    most_read: int = 2**24
    most_cached: int = 2**28
    most_values: int = 2**20


@detector
@dataclass(frozen=True)
class LatentInversion(Detector):
    """How near inner features are to each label."""

    id = "latent-inversion"
    title = "Latent inversion"
    explanation = "The shortest change of inner features that leads to the class"
    stage = "survey"
    words = Words(
        subject="the change of inner features that leads there is",
        closer="shorter",
        farther="longer",
        progress="changing inner features",
    )
    needs: ClassVar = "features"
    replicated = True
    rule = "OA104"

    config: LatentInversionConfig = LatentInversionConfig()

    def measure(self, context: Context, labels: Sequence[int]) -> Evidence:
        """Lengths for all labels; nothing where there is no tensor to change."""
        if context.features is None:
            return Evidence(detector=self.id)
        assert isinstance(context.classifier, Classifier)
        found = measure_lengths(
            context.classifier,
            context.known,
            context.features,
            self.config,
            seed=context.seed,
            deadline=context.deadline,
            read=None if context.of_known is None else context.of_known.inner.get(context.features),
        )
        return Evidence(
            detector=self.id,
            distances=fill_unreached(found, labels),
            unit="spreads of the features",
            complete=bool(found) or not context.deadline.passed,
        )


def measure_lengths(
    classifier: Classifier,
    samples: Samples,
    features: str,
    config: LatentInversionConfig,
    *,
    seed: int,
    deadline: Deadline,
    read: Tensor | None = None,
) -> dict[int, float]:
    """The length of the shortest change found towards each label, in units of the features' spread.

    Args:
        classifier: the network.
        samples: clean samples with labels.
        features: name of the tensor that is changed.
        config: all settings.
        seed: of the choice of samples.
        deadline: when it passes nothing is returned, because labels have to be compared at equal effort.
        read: the tensor's values on all samples, `(n, ...)`, where they are known.

    Returns:
        Lengths by label; no entry for a label that was not reached or has no samples of other classes.
    """
    assert samples.labels is not None
    found = (samples, read) if read is not None else _read_features(classifier, samples, features, config, deadline)
    if found is None:
        return {}
    samples, cached = found
    assert samples.labels is not None
    with torch.no_grad():
        classes = classifier.tail({features: cached[:1]}).shape[1]
    spread = float(cached.flatten(1).std(dim=0).mean())
    chosen = _choose_samples(samples.labels, classes, config.samples, seed)

    if not chosen:
        return {}
    family = Latent(features=tuple(cached.shape[1:]))
    problem = Problem(
        family=family,
        respond=lambda shifted: classifier.tail({features: shifted}),
        objective=get_ahead(config.margin),
        samples=cached,
        labels=torch.tensor(list(chosen), device=cached.device),
        starts=torch.zeros(len(chosen), *family.shape, device=cached.device),
        order=torch.from_numpy(np.stack(list(chosen.values()))).to(cached.device)[:, None],
        unit=spread * cached[0].numel() ** 0.5,
    )
    with Workers(cached.device) as workers:
        shrinking = Shrinking(
            problem,
            steps=config.steps,
            adam=AdamConfig(step_size=config.step_size * spread),
            schedule=config.schedule,
            most_rows=count_rows(config.most_values, config.samples * cached[0].numel(), cached.device),
            workers=workers,
        )
        finished = shrinking.run(deadline)
    lengths = dict(zip(chosen, shrinking.sizes.tolist(), strict=True)) if finished else {}
    return {label: length / spread for label, length in lengths.items() if np.isfinite(length)}


def _read_features(
    classifier: Classifier, samples: Samples, features: str, config: LatentInversionConfig, deadline: Deadline
) -> tuple[Samples, Tensor] | None:
    """Samples and their features `(n, ...)`; None where the deadline passed before.

    Where the features of all would take too much memory only some samples are used, spread over all.
    """
    parts = list[Tensor]()
    with torch.no_grad():
        first = _run(classifier, samples.images[:1], features)
        most = max(config.samples, config.most_cached // first[0].numel())
        if most < len(samples):
            samples = samples.take(np.linspace(0, len(samples) - 1, most).round().astype(np.int64))
        images = samples.images
        each = len(images) if images.size <= config.most_read else max(1, _PIECE // images[0].size)
        for start in range(0, len(images), each):
            if deadline.passed:
                return None
            parts.append(_run(classifier, images[start : start + each], features))
    return samples, torch.cat(parts) if len(parts) > 1 else parts[0]


def _run(classifier: Classifier, images: Floats, features: str) -> Tensor:
    return classifier.values(torch.from_numpy(images).to(device_of(classifier)), [features])[features]


def _choose_samples(labels: Ints, classes: int, count: int, seed: int) -> dict[int, Ints]:
    """For each class the positions of `count` samples of other classes; no entry where there are none."""
    stream = np.random.default_rng(seed)
    others = {label: np.flatnonzero(labels != label) for label in range(classes)}
    return {
        label: stream.choice(index, count, replace=len(index) < count) for label, index in others.items() if len(index)
    }
