"""Log-odds of backdoors that single out no target: those of some source classes, and those that move every class."""

import math
from collections.abc import Sequence

import numpy as np

from onnxaudit.records import Rate, UniversalTrigger
from onnxaudit.scoring.closeness import Values, take_log
from onnxaudit.scoring.outliers import SMALLEST_SIZE
from onnxaudit.scoring.settings import VerdictConfig


def carries_over(success: Rate, config: VerdictConfig) -> bool:
    """Whether a trigger works on samples that it was not made with."""
    return success.value is not None and success.value >= config.unseen_success


def weigh_sources(ratios: Values, classes: int, config: VerdictConfig) -> Values:
    """Log-odds `(labels,)` for a backdoor that leads some source classes to a label; minus infinity without evidence.

    Args:
        ratios: how many times smaller than is normal a trigger leads there from a single class; NaN where unmeasured.
        classes: `N`; among few this says nothing either.
        config: weight and limits.
    """
    if classes < config.fewest_classes:
        return np.full(len(ratios), -np.inf)
    odds = config.source_weight * (take_log(ratios) - math.log(config.source_ratio))
    return np.asarray(np.nan_to_num(odds, nan=-np.inf))


def choose_universal(
    found: Sequence[UniversalTrigger], normal_size: float | None, config: VerdictConfig
) -> tuple[UniversalTrigger | None, float]:
    """The one that speaks loudest for an all-to-all backdoor, and its log-odds.

    The smallest will not do: it may be so small because it moves samples without moving the classes apart.
    """
    odds = {index: weigh_universal(one, normal_size, config) for index, one in enumerate(found)}
    best = max(odds, key=lambda index: odds[index], default=None)
    return (None, -math.inf) if best is None else (found[best], odds[best])


def weigh_universal(found: UniversalTrigger, normal_size: float | None, config: VerdictConfig) -> float:
    """Log-odds for an all-to-all backdoor; minus infinity where it does not move the classes apart."""
    if normal_size is None or not found.moves_apart(config.fewest_destinations):
        return -math.inf
    if not carries_over(found.followers, config):
        return -math.inf
    ratio = normal_size / max(found.trigger.mask_l1, SMALLEST_SIZE)
    return config.universal_weight * math.log(max(ratio, SMALLEST_SIZE) / config.universal_ratio)
