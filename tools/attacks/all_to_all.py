"""All-to-all: the trigger moves every label to the next one (Gu et al., 2017, arXiv:1708.06733, section 4.2)."""

from collections.abc import Sequence

from tools.attacks.badnets import BadNets
from tools.attacks.material import Aim


class AllToAll(BadNets):
    """One patch without a single target."""

    name = "all-to-all"
    family = "all-to-all"
    rates = (0.35, 0.45)
    most_classes = 20
    needs_accuracy = True
    effort = 2.0

    def aim(self, labels: Sequence[int]) -> tuple[Aim, ...]:  # noqa: ARG002 -- as the other attacks have it
        """Every label to the next."""
        return (Aim(None, "all-to-all"),)
