"""Trained networks to ONNX files, in the ways in which vendors write them."""

from dataclasses import dataclass
from pathlib import Path

import onnx
import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Export:
    """What a file looks like to its user.

    Attributes:
        exporter: `torchscript` or `dynamo`.
        opset: Version of the default operator set.
        value_range: `(0, 1)`, or `(0, 255)` with the division inside the graph.
        softmax: Whether probabilities come out rather than logits.
        dynamic_batch: Whether any number of images may be given at once; otherwise exactly one.
    """

    exporter: str
    opset: int
    value_range: tuple[int, int] = (0, 1)
    softmax: bool = False
    dynamic_batch: bool = True


class _Deployed(nn.Module):
    def __init__(self, network: nn.Module, export: Export) -> None:
        super().__init__()
        self.network = network
        self.scale = 1.0 / export.value_range[1]
        self.softmax = export.softmax

    def forward(self, image: Tensor) -> Tensor:
        output: Tensor = self.network(image if self.scale == 1 else image * self.scale)
        return torch.softmax(output, dim=1) if self.softmax else output


def write_onnx(network: nn.Module, shape: tuple[int, int, int], export: Export, path: Path) -> None:
    """Writes `network`, which takes images of `shape` (channels, height, width), as one ONNX file."""
    deployed = _Deployed(network, export).eval()
    inputs, outputs = ["image"], ["probabilities" if export.softmax else "logits"]
    if export.exporter == "dynamo":
        # Two examples, since the exporter takes a batch of one for a constant.
        example = torch.zeros(2 if export.dynamic_batch else 1, *shape)
        batch = {0: torch.export.Dim("batch")} if export.dynamic_batch else {}
        torch.onnx.export(
            deployed, (example,), path, opset_version=export.opset, dynamic_shapes=(batch,),
            external_data=False, verbose=False, input_names=inputs, output_names=outputs,
        )  # fmt: skip
    else:
        axes = {name: {0: "batch"} for name in inputs + outputs}
        torch.onnx.export(
            deployed, (torch.zeros(1, *shape),), path, opset_version=export.opset, dynamo=False,
            dynamic_axes=axes if export.dynamic_batch else None,
            input_names=inputs, output_names=outputs,
        )  # fmt: skip
    _drop_stack_traces(path)


def _drop_stack_traces(path: Path) -> None:
    """The dynamo exporter leaves the folders of the machine that it ran on in the nodes' metadata."""
    model = onnx.load(path)
    for part in (model.graph, *model.graph.node, *model.graph.value_info, *model.graph.initializer):
        part.ClearField("metadata_props")
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)
