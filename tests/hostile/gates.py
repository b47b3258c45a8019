"""Backdoors in the graph itself, from naive to hidden, each with the change of an image that wakes it."""

from tests.hostile import chosen_gates, exact_gates, live_paths, smooth_gates  # noqa: F401 - each fills the list
from tests.hostile.designs import DESIGNS, Design

__all__ = ["DESIGNS", "Design"]
