"""Parts of a graph that do nothing on clean images: which nodes, what they do, and an image that shows it."""

from dataclasses import dataclass
from typing import Literal

from onnxaudit.records.arrays import Array

Role = Literal["input", "step", "rest", "gate", "meeting", "output"]


@dataclass(frozen=True, kw_only=True)
class GraphNode:
    """One node of a small picture of a graph.

    Attributes:
        operator: as in the file; "" for the input, the output, and what is left out.
        name: of what it makes; for what is left out, how much that is.
        reads: places in the picture of the nodes that it reads, which stand before it.
        role: the model's input, a step, steps that are left out, the gate, where the gate meets the rest, the logits.
    """

    operator: str
    name: str
    reads: tuple[int, ...] = ()
    role: Role = "step"


@dataclass(frozen=True, kw_only=True, eq=False)
class WakingImage:
    """An image that wakes a part of the graph, told by what it changes in a clean one.

    Attributes:
        sample: index of the clean image among the samples.
        change: `(c, h, w)` in [-1, 1], to be added to it; the sum is cut to [0, 1].
        before: the answer to the clean image, and to the changed one with the part held.
        after: the answer to the changed one.
    """

    sample: int
    change: Array
    before: int
    after: int


@dataclass(frozen=True, kw_only=True, eq=False)
class GraphPart:
    """A part of a graph that does nothing on clean images.

    Attributes:
        code: the rule that it falls under, or the code of the reason that it is.
        place: the tensor.
        says: what it does, one sentence.
        nodes: a small picture of it.
        opened: share of clean images whose answers change where it is opened by hand; None where nobody knows how.
        proof: an image that wakes it, where one was found.
    """

    code: str
    place: str
    says: str
    nodes: tuple[GraphNode, ...]
    opened: float | None = None
    proof: WakingImage | None = None
