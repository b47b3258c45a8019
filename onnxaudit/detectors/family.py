"""How a detector measures labels by the smallest perturbation of one family."""

from collections.abc import Sequence

from onnxaudit.detectors.base import Context
from onnxaudit.inversion.labels import CONVENTIONS, Conventions, LabelsConfig, measure_sizes
from onnxaudit.inversion.sample_orders import find_others
from onnxaudit.perturbations.base import Family
from onnxaudit.records import Evidence


def measure_family(
    name: str,
    context: Context,
    labels: Sequence[int],
    family: Family,
    config: LabelsConfig,
    *,
    conventions: Conventions = CONVENTIONS,
) -> Evidence:
    """The size of the smallest perturbation that leads to each label; where there is none, what was tried.

    Args:
        name: id of the detector.
        context: what it may look at.
        labels: to measure.
        family: of the perturbations.
        config: of the inversion.
        conventions: likewise, of rounding.
    """
    others = find_others(context.classifier, context.known, labels, config.chunk_pixels)
    usable = {label: index for label, index in others.items() if len(index)}
    sizes = measure_sizes(
        context.classifier,
        context.known.images,
        usable,
        family,
        config,
        seed=context.seed,
        deadline=context.deadline,
        conventions=conventions,
    )
    return Evidence(
        detector=name,
        distances=sizes.all,
        unit=family.unit,
        complete=bool(sizes.all) or not usable,
        passes=config.count_passes(len(usable)),
        artifacts=sizes.perturbations,
    )
