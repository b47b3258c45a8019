"""Settings of the pruning loop."""

from dataclasses import dataclass, replace
from typing import Literal, Self


@dataclass(frozen=True)
class PruningConfig:
    """Settings of the loop.

    Attributes:
        criterion: how neurons are chosen: by "efficiency", or as published, by the trigger's "success" alone.
        min_agreement: `q0`.
        max_success: `S` below which the limits are met.
        moved_fall: how far below `q0` the agreement on moved copies of `D_valid` may be in the loop by efficiency.
        aim: `S` at which the loop by efficiency ends. It lies below the limit, for the attacker's own trigger does
            better than the inverted ones that are measured.
        agreement_fall: how far `Q` may fall in one round as published. One disagreement more is chance (it is 0.5 % of
            215 samples, 2 % of 50): never less than one sample is allowed.
        largest_group: most neurons in one trial by efficiency, as a share of the layer.
        most_refused: neurons in a row that cost too much agreement, after which the loop by efficiency ends.
        ridge: strength `ρ` of the least-squares fit; 0 leaves it out.
        guarded: whether a fit that brings the trigger back, or costs agreement, is dropped, as published.
        starts: fresh inversions on the original whose triggers count too.
        reinversions: so many times triggers are inverted afresh on the pruned network, and the loop goes on.
    """

    criterion: Literal["efficiency", "success"] = "efficiency"
    min_agreement: float = 0.97
    max_success: float = 0.10
    moved_fall: float = 0.03
    aim: float = 0.03
    agreement_fall: float = 0.01
    largest_group: float = 0.1
    most_refused: int = 12
    ridge: float = 0.1
    guarded: bool = True
    starts: int = 2
    reinversions: int = 3

    def shorten(self) -> Self:
        """The settings for large images: of inversions, and of rounds without a prune, a part."""
        return replace(
            self,
            most_refused=min(self.most_refused, 4),
            starts=min(self.starts, 1),
            reinversions=min(self.reinversions, 1),
        )
