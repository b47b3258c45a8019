"""`TorchModel`: an ONNX graph as a differentiable PyTorch module."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from onnxaudit.importer.compiler import make_plan
from onnxaudit.importer.entry import to_entry
from onnxaudit.importer.fusion import Derived
from onnxaudit.importer.fusion.neighborhood import IDENTITY
from onnxaudit.importer.graph import Graph, Step
from onnxaudit.importer.ops.quantization import dequantize, quantize
from onnxaudit.importer.plan import Plan, select_steps
from onnxaudit.records import ModelInfo


class TorchModel(nn.Module):
    """A view of an ONNX graph: evaluation mode, all parameters frozen, tensors under their ONNX names.

    Weights may be changed in place (an optimizer, `copy_` without gradients), but not through `.data`, which hides the
    change from what is derived from frozen weights and kept.

    Attributes:
        info: what is known of the model; names the tensors that `forward` feeds and returns.
        graph: what is computed.
    """

    _place: Tensor

    def __init__(self, graph: Graph, info: ModelInfo) -> None:
        super().__init__()
        self.info = info
        self._names = {name: index for index, name in enumerate(graph.weights)}
        # Without dots in the names, which torch forbids.
        self._parameters_in_order = nn.ParameterList(
            nn.Parameter(arrange(tensor), requires_grad=False) for tensor in graph.weights.values()
        )
        # The parameters in place of the tensors they were made of, which would be held a second time.
        self.graph = replace(graph, weights=self.weights)
        self._plans: dict[tuple[tuple[str, ...], tuple[str, ...]], Plan] = {}
        self._sized: dict[tuple[tuple[str, ...], tuple[str, ...]], bool] = {}
        self._derived: dict[str, Derived] = {}
        # Tells the device where there is no parameter to ask.
        self.register_buffer("_place", torch.empty(0), persistent=False)
        self.eval()

    @property
    def device(self) -> torch.device:
        """Where the model computes, and where its inputs have to be."""
        return self._place.device

    @property
    def weights(self) -> Mapping[str, nn.Parameter]:
        """Float weights by ONNX name; a shared one is there once."""
        return {name: self._parameters_in_order[index] for name, index in self._names.items()}

    def unfreeze(self, names: Iterable[str]) -> None:
        """Let gradients reach these weights; KeyError for a name that is not a weight."""
        weights = self.weights
        for name in names:
            weights[name].requires_grad_(True)

    def freeze(self) -> None:
        """Stop gradients to all weights, and forget those that were gathered."""
        for weight in self._parameters_in_order:
            weight.requires_grad_(False)
            weight.grad = None

    def forward(self, x: Tensor) -> Tensor:
        """Logits `(n, classes)` of a model input `x` in the model's own layout and range."""
        return self._run(self._feed(x), [self.info.output.logits])[0]

    def values(self, x: Tensor, names: Sequence[str]) -> dict[str, Tensor]:
        """Any tensors of the graph under their ONNX names; only what they need is computed.

        Raises:
            KeyError: the graph has no tensor of that name.
        """
        return dict(zip(names, self._run(self._feed(x), names), strict=True))

    def _feed(self, x: Tensor) -> dict[str, Tensor]:
        return {self.info.input.name: to_entry(x, self.info.input.dtype)}

    def tail(self, feeds: Mapping[str, Tensor], name: str | None = None) -> Tensor:
        """The tensor `name` (the logits by default), computed from the tensors in `feeds` and nothing before them.

        Where the graph asks how many images there are, as many as the first tensor has rows are taken for granted.

        Raises:
            KeyError: `feeds` do not suffice; names what is missing.
        """
        wanted = (self.info.output.logits if name is None else name,)
        key = (tuple(feeds), wanted)
        if key not in self._sized:
            self._sized[key] = self._asks_for_sizes(*key)
        if self._sized[key]:
            shape = self.info.input.shape(len(next(iter(feeds.values()))))
            feeds = {**feeds, self.info.input.name: torch.zeros((), device=self.device).expand(shape)}
        return self._run(feeds, wanted)[0]

    def without_rounding(self) -> "TorchModel":
        """The same weights without the rounding that a quantizer writes out; the very same where there is none."""
        makers = {output: step for step in self.graph.steps for output in step.outputs}

        def pass_on(step: Step) -> Step:
            before = makers.get(step.inputs[0]) if step.operator.function is dequantize else None
            if before is None or before.operator.function is not quantize:
                return step
            return Step(step.name, IDENTITY, {}, before.inputs[:1], step.outputs, {})

        steps = tuple(map(pass_on, self.graph.steps))
        if all(one is other for one, other in zip(steps, self.graph.steps, strict=True)):
            return self
        return TorchModel(replace(self.graph, steps=steps), self.info).to(self.device)

    def _asks_for_sizes(self, feeds: Sequence[str], wanted: Sequence[str]) -> bool:
        """Whether all that is missing are the sizes of the model's input, not its values."""
        name = self.info.input.name
        steps, missing = select_steps(self.graph.steps, {*feeds, *self.graph.constants, *self.weights}, wanted)
        return {*missing} == {name} and all(
            position in step.operator.described
            for step in steps
            for position, read in enumerate(step.inputs)
            if read == name
        )

    def _run(self, feeds: Mapping[str, Tensor], wanted: Sequence[str]) -> list[Tensor]:
        key = (tuple(feeds), tuple(wanted))
        if key not in self._plans:
            constants = self.graph.constants
            stored = {**constants, **self.weights}
            self._plans[key] = make_plan(
                self.graph.steps, stored, *key, fixed=constants, derived=self._derived, device=self.device
            )
        return self._plans[key].run(feeds.values())

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> "TorchModel":
        """Move the constants along with the parameters."""
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        constants = {
            name: fn(tensor) if tensor.is_floating_point() else tensor for name, tensor in self.graph.constants.items()
        }
        self.graph = replace(self.graph, weights=self.weights, constants=constants)
        self._plans.clear()
        self._derived.clear()
        return self


def arrange(weight: Tensor) -> Tensor:
    """The weight in the memory format in which convolutions are fastest; the same shape and values."""
    return weight.contiguous(memory_format=torch.channels_last) if weight.ndim == 4 else weight
