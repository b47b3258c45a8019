"""What else a user could do with the same clean images, each written from its description.

Every baseline works on the same differentiable copy as the product, is written back into the same graph, and has its
main knob chosen on the same `D_valid` by what its user could know: agreement with the original, and the success of the
inverted trigger.
"""

from benchmarks.baselines import channel_lipschitz, clean_tuning, fine_pruning, implicit_hypergradient, unlearning
from benchmarks.baselines.problem import Baseline, Chosen, Problem, Tried, choose, pose

BASELINES: dict[str, Baseline] = {
    "fine-tuning": clean_tuning.BASELINE,
    "fine-pruning": fine_pruning.BASELINE,
    "unlearning": unlearning.BASELINE,
    "lipschitz": channel_lipschitz.BASELINE,
    "i-bau": implicit_hypergradient.BASELINE,
}

__all__ = ["BASELINES", "Baseline", "Chosen", "Problem", "Tried", "choose", "pose"]
