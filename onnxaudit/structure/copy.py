"""The copy of a network taken apart: any tensor can be read, and any held at a value of our own."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from onnxaudit.importer import Classifier
from onnxaudit.importer.entry import to_entry
from onnxaudit.importer.graph import Graph
from onnxaudit.importer.module import TorchModel
from onnxaudit.structure.flow import Flow, trace_flow

MOST_PIXELS = 2**19  # images x height x width in one run


class Copy:
    """A classifier over its flow.

    Attributes:
        flow: the graph, with a name for each edge.
        alone: whether images are asked one by one, because one condition speaks for all of a batch.
    """

    def __init__(self, classifier: Classifier, flow: Flow | None = None, *, alone: bool = False) -> None:
        info = classifier.model.info
        self._classifier = classifier
        self.flow = trace_flow(classifier.model.graph, info.input.name, info.output.logits) if flow is None else flow
        self.alone = alone
        self._model = TorchModel(self.flow.graph, info).to(classifier.model.device)

    def with_graph(self, graph: Graph) -> "Copy":
        """The same over another graph whose tensors have the same names."""
        return Copy(self._classifier, replace(self.flow, graph=graph), alone=self.alone)

    def ask_alone(self) -> "Copy":
        """The same, images one by one."""
        return Copy(self._classifier, self.flow, alone=True)

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self._model.device

    def enter(self, pixels: Tensor) -> Tensor:
        """Model inputs of images `(n, c, h, w)` in [0, 1]."""
        return self._classifier.preprocess(pixels.to(self.device))

    def read(self, inputs: Tensor, names: Sequence[str]) -> dict[str, Tensor]:
        """Tensors for model inputs; one row an image each, whatever the graph makes of a batch of one."""
        self._classifier.deadline.check()
        if not self.alone:
            return self._model.values(inputs, names)
        rows = [self._model.values(one[None], names) for one in inputs]
        return {name: torch.stack([row[name] for row in rows]) for name in names}

    def hold(self, inputs: Tensor, held: Mapping[str, Tensor]) -> Tensor:
        """Logits `(n, classes)` where some tensors have values of our own, one row for all images or one for each."""
        spec, parts = self._model.info.input, []
        step = 1 if self.alone else len(inputs)
        for start in range(0, len(inputs), step):
            self._classifier.deadline.check()
            chunk = to_entry(inputs[start : start + step], spec.dtype)
            feeds = {spec.name: chunk, **{key: self._fit(value, start, len(chunk)) for key, value in held.items()}}
            parts.append(self._model.tail(feeds))
        return torch.cat(parts)

    def _fit(self, value: Tensor, start: int, count: int) -> Tensor:
        chosen = value[start : start + count] if len(value) > 1 else value
        if self.alone:
            return chosen[0]
        return chosen.expand(count, *value.shape[1:])

    def chunk(self, height: int, width: int) -> int:
        """How many images of that size are asked at once."""
        return max(1, MOST_PIXELS // (16 * height * width))
