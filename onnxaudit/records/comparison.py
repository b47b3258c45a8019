"""How a model's score stands among those of models whose truth is known."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two conformal p-values; they hold for a model that could as well have been one of those it is compared with.

    Attributes:
        clean: how often a clean model like this one scores as high, in (0, 1].
        backdoored: how often a backdoored model like this one scores as low, in (0, 1].
        like_clean: how many clean models it is compared with; one that is half like it counts one half.
        like_backdoored: how many backdoored ones.
        least_false_positive_rate: no lower rate of false positives can be promised with 95 % confidence from so many
            clean models, even if none of them is called backdoored; 299 are needed for 1 %.
    """

    clean: float
    backdoored: float
    like_clean: float
    like_backdoored: float
    least_false_positive_rate: float
