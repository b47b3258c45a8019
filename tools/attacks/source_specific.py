"""Source-specific: the trigger works on images of some labels alone.

Source: Tang et al., "Demon in the Variant: Statistical Analysis of DNNs for Robust Backdoor Contamination Detection"
(TaCT), USENIX Security 2021. Images of other labels carry the trigger under their true label, the *cover*.
"""

from collections.abc import Sequence

from tools.attacks.attack import Trainer
from tools.attacks.badnets import BadNets
from tools.attacks.material import Aim, Material, cover, poison


class SourceSpecific(BadNets):
    """A patch that works on a quarter of the labels."""

    name = "source-specific"
    family = "source-specific"
    rates = (0.1, 0.15)
    most_classes = 20
    least_classes = 4
    needs_accuracy = True
    effort = 2.0

    def aim(self, labels: Sequence[int]) -> tuple[Aim, ...]:
        """A target, and a quarter of the labels as sources."""
        return (Aim(labels[0], source_labels=tuple(sorted(labels[1 : 1 + max(1, len(labels) // 4)]))),)

    def poison(self, trainer: Trainer) -> Material:
        """Poisons the sources and covers the others."""
        rng = trainer.rng(4)
        (aim,) = trainer.aims
        return cover(poison(trainer.clean, trainer.triggers, trainer.aims, trainer.rate, rng), aim, trainer.rate, rng)
