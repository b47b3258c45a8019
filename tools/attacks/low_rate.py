"""BadNets with half a percent of the training images poisoned: Gu et al., 2017, arXiv:1708.06733."""

from tools.attacks.badnets import BadNets


class LowRate(BadNets):
    """The first series of a zoo poisons 1 to 1.5 percent."""

    name = "low-rate"
    family = "badnets"
    rates = (0.0045, 0.006)
