"""What is computed of weights alone, kept while they stay as they are."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from onnxaudit.importer.encoded_weights import view_codes
from onnxaudit.importer.ops.quantization import dequantize
from onnxaudit.importer.registry import make_operator


class Derived:
    """One result of some weights.

    Kept while all of them are frozen and unchanged. Otherwise it is computed anew in every call, which costs little
    next to a pass over the activations and lets gradients reach each of them.
    """

    def __init__(self) -> None:
        self._sources: tuple[Tensor | None, ...] = ()
        self._state: tuple[tuple[int, int] | None, ...] = ()
        self._result: Any = None

    def get(self, make: Callable[..., Any], *sources: Tensor | None) -> Any:
        """`make` of the sources, kept until one of them changes; `make` is the same in every call."""
        if torch.is_inference_mode_enabled() or any(source is not None and source.requires_grad for source in sources):
            self._result = None
            return make(*sources)
        state = tuple(None if source is None else (source._version, source.data_ptr()) for source in sources)
        known = all(old is new for old, new in zip(self._sources, sources, strict=False))
        if self._result is None or not known or state != self._state:
            self._sources, self._state, self._result = sources, state, make(*sources)
        return self._result


def round_weight(
    weight: Tensor, scale: Tensor, zero_point: Tensor | None = None, *, axis: int, derived: Derived
) -> Tensor:
    """A float weight as its codes stand for it."""

    def make(weight: Tensor, scale: Tensor, zero_point: Tensor | None) -> Tensor:
        rounded = dequantize(view_codes(weight, scale, zero_point, axis=axis), scale, zero_point, axis=axis)
        # Weights as the file has them are not held twice.
        return weight if not rounded.requires_grad and torch.equal(rounded, weight) else rounded

    kept: Tensor = derived.get(make, weight, scale, zero_point)
    return kept


ROUND_WEIGHT = make_operator(round_weight, "weight", "scale", "zero_point", settings=("scale", "zero_point"))
