"""Fine-tuning alone: train on with the clean images under their labels.

    minimise over all weights   mean_x cross_entropy(g(x), y)

Source: the baseline of every paper on the subject, e.g. K. Liu et al., Fine-Pruning, RAID 2018, section 4.1.
"""

from benchmarks.baselines.problem import Baseline, Problem, Setting
from benchmarks.baselines.tuning import tune
from onnxaudit.intake import Model


def apply(problem: Problem, setting: Setting) -> Model:
    """One step size."""
    return tune(problem, problem.original, setting["step_size"])


BASELINE = Baseline("Liu et al., RAID 2018", tuple({"step_size": rate} for rate in (1e-4, 3e-4, 1e-3, 3e-3)), apply)
