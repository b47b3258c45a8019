"""A flat graph: steps over named tensors, and the tensors that the file stores."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch

from onnxaudit.importer.registry import Operator

MISSING = ""  # ONNX's own name for an optional input or output that is left out


@dataclass(frozen=True)
class Step:
    """One node, ready to be computed.

    Attributes:
        name: for messages: the node's operator and name (or first output).
        operator: what the registry knows of it.
        attributes: keyword arguments, the spec's defaults left out.
        inputs: tensor names, `MISSING` where an optional one is left out; what nested graphs read comes last.
        outputs: tensor names, likewise.
        values: inputs by position that are known beforehand, in place of the tensors of those names.
    """

    name: str
    operator: Operator
    attributes: Mapping[str, Any]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    values: Mapping[int, Any]

    @property
    def function(self) -> Callable[..., Any]:
        """The operator with its attributes bound."""
        return partial(self.operator.function, **self.attributes) if self.attributes else self.operator.function


@dataclass(frozen=True)
class Quantization:
    """How a weight is stored as whole numbers: `weight = (code − zero point) · scale`.

    Attributes:
        codes: name of the stored tensor of whole numbers.
        scale, zero_point: one for all, one an entry of `axis`, or one a block of `block_size` entries along it.
    """

    codes: str
    scale: torch.Tensor
    zero_point: torch.Tensor | None
    axis: int
    block_size: int


@dataclass(frozen=True)
class Graph:
    """A flat graph.

    Attributes:
        inputs: names of the tensors that have to be fed.
        outputs: names of the graph's outputs.
        steps: in an order in which they can be computed.
        weights: stored float tensors that take part in the computation, by name.
        constants: all other tensors that are stored or follow from such, by name.
        quantized: how those weights are stored that are stored as whole numbers.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    steps: tuple[Step, ...]
    weights: Mapping[str, torch.Tensor]
    constants: Mapping[str, torch.Tensor]
    quantized: Mapping[str, Quantization] = field(default_factory=dict)


def read_names(step: Step) -> list[str]:
    """Names of the tensors that a step reads."""
    return [name for position, name in enumerate(step.inputs) if name != MISSING and position not in step.values]
