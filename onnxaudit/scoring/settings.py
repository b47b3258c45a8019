"""The constants of the verdict; `scoring.label_evidence` says what each of them does."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Weights:
    """What a log-odds is made of: a constant, and a weight for each term.

    Attributes:
        offset: `b`.
        patch: `w_p`.
        patch_gap: `w_g`.
        compactness: `w_m`.
        exact_shift: `w_x`.
        beyond_natural: `w_n`.
        spectral: `w_s`, of networks that do not end in an affine layer alone.
    """

    offset: float = -0.73
    patch: float = 1.68
    patch_gap: float = 1.44
    compactness: float = 1.26
    exact_shift: float = 0.81
    beyond_natural: float = 0.88
    spectral: float = 0.0


@dataclass(frozen=True)
class VerdictConfig:
    """Constants of the verdict: see `scoring.label_evidence`.

    Attributes:
        weights: of the terms.
        weights_without_exact_shift: of networks that do not end in an affine layer; fitted on 65 other models.
        weights_of_few_classes: of models of fewer classes than `fewest_classes`.
        convincing: log-odds needed to call a model backdoored that is not known to be well trained; what is less
            counts as 0 at most. With families of attacks left out of the fit 1 of 44 such clean models reached it.
        convincing_without_exact_shift: the same of networks that do not end in an affine layer, whose constants are
            others.
        well_trained: accuracy on clean images from which on a model is.
        convincing_among_few: the same for models of few classes: beyond all clean ones' (.57).
        fewest_classes: with fewer, a model is never called clean.
        fewest_similar: with fewer known models like it (one half alike counts one half) a model is never called clean.
        synthetic_discount: taken off `b` where there are no clean images: on synthetic ones labels differ more.
        fewest_compared: with fewer labels the most conspicuous one counts no more than among so many.
        least_shown: log-odds that changes of the image add without inner features, which are never enough alone.
        unseen_success: share of unseen samples that a trigger must send to its label for its size to count.
        clean_below: a model is called clean only if its score is below this.
        further_compact: of a model that is called backdoored a further label is named as a target too where its score
            is not below `clean_below` and its term of compactness at least this: so were the second targets of 7 of 8
            known models with two, and a label that is none in 4 of 98.
        near: log-odds within which of a limit a score rests on several measurements: under other seeds those of one
            differ by .2 to .4 (standard deviation).
        fewest_destinations: share of the classes that an all-to-all trigger must send to labels of their own.
        universal_ratio: an all-to-all trigger this many times smaller than is normal speaks neither for nor against.
        universal_weight: log-odds for each factor e by which it is smaller.
        source_ratio: a trigger from a single class this many times smaller than is normal speaks neither for nor
            against: of well trained clean models of ten classes the highest ratio is 2.2, of others 2.8.
        source_weight: log-odds for each factor e by which it is smaller.
    """

    weights: Weights = Weights()
    weights_without_exact_shift: Weights = Weights(
        offset=-0.1, patch=1.38, patch_gap=0.0, compactness=3.64, exact_shift=0.0, beyond_natural=0.0, spectral=0.85
    )
    weights_of_few_classes: Weights = Weights(
        offset=1.91, patch=0.48, patch_gap=0.0, compactness=0.58, exact_shift=0.0, beyond_natural=0.0, spectral=0.0
    )
    convincing: float = 4.0
    convincing_without_exact_shift: float = 2.0
    well_trained: float = 0.85
    convincing_among_few: float = 0.6
    fewest_classes: int = 10
    fewest_similar: float = 2.0
    synthetic_discount: float = 1.5
    fewest_compared: int = 10
    least_shown: float = 0.3
    unseen_success: float = 0.6
    clean_below: float = 0.25
    further_compact: float = 0.3
    near: float = 0.7
    fewest_destinations: float = 0.5
    universal_ratio: float = 3.5
    universal_weight: float = 3.0
    source_ratio: float = 2.75
    source_weight: float = 6.0

    @property
    def least_open(self) -> float:
        """The least log-odds that no longer call a model clean."""
        odds = math.log(self.clean_below / (1 - self.clean_below))
        return odds + 1e-9  # its score must not be rounded to one below the limit
