"""`TorchModel`: an ONNX graph as a differentiable PyTorch module."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from torch import Tensor, nn

from onnxaudit.importer.graph import Graph, Step, bind_static
from onnxaudit.importer.plan import Plan, make_plan, read_names
from onnxaudit.records import ModelInfo


class TorchModel(nn.Module):
    """A view of an ONNX graph: evaluation mode, all parameters frozen, tensors under their ONNX names.

    Attributes:
        info: what is known of the model; names the tensors that `forward` feeds and returns.
        graph: the parsed graph, weights as they were at import.
    """

    def __init__(self, graph: Graph, info: ModelInfo) -> None:
        super().__init__()
        weights = find_weights(graph)
        self.info = info
        self.graph = graph
        self._names = {name: index for index, name in enumerate(weights)}
        self._parameters_by_index = nn.ParameterList(
            nn.Parameter(graph.tensors[name].clone(), requires_grad=False) for name in weights
        )
        self._constants = {name: tensor for name, tensor in graph.tensors.items() if name not in self._names}
        self._steps = self._fold(graph)
        self._plans: dict[tuple[tuple[str, ...], tuple[str, ...]], Plan] = {}
        self.eval()

    @property
    def weights(self) -> Mapping[str, nn.Parameter]:
        """Float weights by ONNX name; a shared one is there once."""
        return {name: self._parameters_by_index[index] for name, index in self._names.items()}

    def unfreeze(self, names: Iterable[str]) -> None:
        """Let gradients reach these weights; KeyError for a name that is not a weight."""
        weights = self.weights
        for name in names:
            weights[name].requires_grad_(True)

    def freeze(self) -> None:
        """Stop gradients to all weights, and forget those that were gathered."""
        for weight in self._parameters_by_index:
            weight.requires_grad_(False)
            weight.grad = None

    def forward(self, x: Tensor) -> Tensor:
        """Logits `(n, classes)` of a model input `x` in the model's own layout and range."""
        return self._run({self.info.input.name: x}, [self.info.output.logits])[0]

    def values(self, x: Tensor, names: Sequence[str]) -> dict[str, Tensor]:
        """Any tensors of the graph under their ONNX names; only what they need is computed.

        Raises:
            KeyError: the graph has no tensor of that name.
        """
        return dict(zip(names, self._run({self.info.input.name: x}, names), strict=True))

    def tail(self, feeds: Mapping[str, Tensor], name: str | None = None) -> Tensor:
        """The tensor `name` (the logits by default), computed from the tensors in `feeds` and nothing before them.

        Raises:
            KeyError: `feeds` do not suffice; names what is missing.
        """
        return self._run(feeds, [self.info.output.logits if name is None else name])[0]

    def _run(self, feeds: Mapping[str, Tensor], wanted: Sequence[str]) -> list[Tensor]:
        key = (tuple(feeds), tuple(wanted))
        if key not in self._plans:
            self._plans[key] = make_plan(self._steps, {**self._constants, **self.weights}, *key)
        return self._plans[key].run(feeds.values())

    def _fold(self, graph: Graph) -> list[Step]:
        """Compute what depends on neither an input nor a weight, once; what is left is to be computed."""
        steps = []
        for step in graph.steps:
            bound = bind_static(step, self._constants)
            if not all(name in self._constants for name in read_names(bound)):
                steps.append(bound)
                continue
            outputs = [name for name in bound.outputs if name]
            results = make_plan([bound], self._constants, [], outputs).run([])
            self._constants.update(zip(outputs, results, strict=True))
        return steps

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> "TorchModel":
        """Move the constants along with the parameters."""
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        self._constants = {
            name: fn(tensor) if tensor.is_floating_point() else tensor for name, tensor in self._constants.items()
        }
        self._plans.clear()
        return self


def find_weights(graph: Graph) -> Collection[str]:
    """Names of the stored float tensors that take part in the computation.

    Those that only shape it (the scales of a Resize) are no weights, and neither are single numbers in Constant
    nodes (an exponent, a bound).
    """
    read = {
        name
        for step in graph.steps
        for position, name in enumerate(step.inputs)
        if position not in step.operator.static
    }
    return [
        name
        for name, tensor in graph.tensors.items()
        if name in read and tensor.is_floating_point() and (name in graph.initializers or tensor.numel() > 1)
    ]
