"""Which labels are screened where there are very many, and which are refined.

Extra effort alone makes a mask smaller. A suspect may therefore be compared only with labels that got the same.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from onnxaudit.detectors.comparison import Role
from onnxaudit.pipeline.settings import DetectionConfig
from onnxaudit.records import Evidence
from onnxaudit.scoring.label_evidence import LabelEvidence, weigh
from onnxaudit.statistics import rate


@dataclass(frozen=True)
class Shortlist:
    """Labels that are screened, in their order.

    Attributes:
        labels: all of them, or the nearest by the detectors of all classes and those drawn.
        drawn: chosen without regard to evidence, so that they show what is normal.
    """

    labels: tuple[int, ...]
    drawn: frozenset[int]


def list_all(classes: int) -> Shortlist:
    """Everyone."""
    return Shortlist(tuple(range(classes)), frozenset(range(classes)))


def shorten(distances: Iterable[Mapping[int, float]], config: DetectionConfig, classes: int, *, seed: int) -> Shortlist:
    """The nearest labels by each of several distances, some drawn at random, and those that are watched."""
    drawn = frozenset(np.random.default_rng(seed).permutation(classes)[: config.drawn].tolist())
    chosen = {*drawn, *config.watched}
    for by_label in distances:
        chosen.update(sorted(by_label, key=lambda label: (by_label[label], label))[: config.shortlist])
    return Shortlist(tuple(sorted(chosen)), drawn)


def choose_roles(evidence: Sequence[LabelEvidence], config: DetectionConfig, *, seed: int) -> dict[int, Role]:
    """Who is refined: suspects, the strongest evidence first, then controls in the order of labels.

    Controls are drawn at random from the other labels, so that they stand for all of them. A label without a trigger
    is neither, unless it is watched: then it is measured as suspects are.
    """
    settled = [one.label for one in evidence if one.size is not None]
    watched = [one.label for one in evidence if one.label in config.watched]
    suspects = list(dict.fromkeys((*settled[: config.suspects], *watched)))
    others = sorted(set(settled) - set(suspects))
    controls = np.random.default_rng(seed).permutation(others)[: config.controls].tolist()
    roles: dict[int, Role] = dict.fromkeys(suspects, "suspect")
    return roles | dict.fromkeys(sorted(int(label) for label in controls), "control")


def choose_refined(
    ratios: Mapping[str, Mapping[int, float]], screened: Evidence, classes: int, config: DetectionConfig, *, seed: int
) -> dict[int, Role]:
    """Who is refined by the evidence of screening; nobody knows yet which triggers carry over.

    Args:
        ratios: by detector and label.
        screened: the evidence of screening for patches.
        classes: `N`.
        config: how many, and how evidence is weighed.
        seed: of the choice of controls.
    """
    granted = dict.fromkeys(screened.artifacts, rate(1, 1))
    return choose_roles(weigh(ratios, screened.distances, granted, classes, config.verdict), config, seed=seed)
