"""Exports PyTorch networks through both of PyTorch's exporters, and a Keras network that runs on PyTorch."""

import io
from collections.abc import Callable
from typing import Any

import onnx
import torch
from torch import Tensor, nn

from tests.exporters.making.catalogue import FOLDER, Entry, record
from tests.exporters.making.torch_networks import NETWORKS, SIZE

SPREAD = 2.0  # standard deviation of the logits across inputs
# Of a node: where its line of Python lies on the machine that exported; and what makes small files large.
DROPPED = ("pkg.torch.onnx.stack_trace", "pkg.torch.onnx.class_hierarchy", "pkg.torch.onnx.fx_node")

HEADS: dict[str, Callable[[Tensor], Any]] = {
    "logits": lambda z: z,
    "softmax": lambda z: z.softmax(1),
    "logsoftmax": lambda z: z.log_softmax(1),
    "sigmoid": torch.sigmoid,
    "several": lambda z: (z, z.softmax(1), z.argmax(1)),
}
# (exporter, architecture, head, batch that the file fixes or None, opset)
MODELS: list[tuple[str, str, str, int | None, int]] = [
    ("dynamo", "cnn", "logits", None, 20),
    ("dynamo", "cnn", "several", 1, 18),
    ("dynamo", "mlp", "sigmoid", None, 18),
    ("dynamo", "resnet", "logits", None, 23),
    ("dynamo", "mobilenet", "logits", 1, 18),
    ("dynamo", "vit", "logits", None, 18),
    ("dynamo", "vit", "logits", 1, 23),
    ("dynamo", "lstm", "logits", None, 18),
    ("dynamo", "gru", "logits", 1, 18),
    ("dynamo", "convnext", "logits", None, 20),
    ("dynamo", "densenet", "logsoftmax", 1, 18),
    ("dynamo", "swin", "logits", None, 18),
    ("dynamo", "mixer", "logits", 1, 18),
    ("dynamo", "oddities", "logits", None, 22),
    ("dynamo", "shuffle", "logits", 1, 18),
    ("torchscript", "cnn", "softmax", 1, 11),
    ("torchscript", "mlp", "logits", 1, 9),
    ("torchscript", "resnet", "logits", 1, 13),
    ("torchscript", "resnet", "sigmoid", None, 17),
    ("torchscript", "mobilenet", "logits", None, 14),
    ("torchscript", "vit", "logits", 1, 17),
    ("torchscript", "vit", "softmax", None, 14),
    ("torchscript", "encoder", "logits", None, 17),
    ("torchscript", "lstm", "logits", 1, 13),
    ("torchscript", "lstm", "several", None, 17),
    ("torchscript", "gru", "logits", None, 11),
    ("torchscript", "convnext", "logits", 1, 17),
    ("torchscript", "densenet", "logits", None, 12),
    ("torchscript", "swin", "logits", 1, 16),
    ("torchscript", "mixer", "logsoftmax", 1, 13),
    ("torchscript", "oddities", "logits", None, 20),
    ("torchscript", "shuffle", "logits", None, 11),
    ("torchscript", "shuffle", "logits", 4, 13),
]


class Classifier(nn.Module):
    def __init__(self, body: nn.Module, head: str) -> None:
        super().__init__()
        self.body, self.head = body, HEADS[head]

    def forward(self, image: Tensor) -> Any:
        return self.head(self.body(image))


def main() -> None:
    """Write every model."""
    record([export(*model) for model in MODELS])


def export(exporter: str, architecture: str, head: str, batch: int | None, opset: int) -> Entry:
    """Write one model."""
    network = Classifier(make_network(architecture), head).eval()
    names = ["logits", "scores", "label"] if head == "several" else ["scores"]
    file = f"torch-{exporter}-{architecture}-{head}-{batch or 'n'}-opset{opset}.onnx"
    proto = (export_dynamo if exporter == "dynamo" else export_torchscript)(network, batch, opset, names)
    (FOLDER / file).write_bytes(proto.SerializeToString())
    output = "logits" if head == "several" else None
    return Entry(file, f"torch-{exporter}", f"torch {torch.__version__}", architecture, head, batch, output)


def export_dynamo(network: nn.Module, batch: int | None, opset: int, names: list[str]) -> onnx.ModelProto:
    """Through `torch.export`; the longest notes on the Python behind each node are left out."""
    shapes = None if batch else {"image": {0: torch.export.Dim("n")}}
    images = torch.rand(batch or 2, 3, SIZE, SIZE)
    program = torch.onnx.export(
        network,
        (images,),
        dynamo=True,
        opset_version=opset,
        dynamic_shapes=shapes,
        input_names=["image"],
        output_names=names,
        verbose=False,
    )
    assert program is not None
    proto = program.model_proto
    for nodes in [proto.graph.node, *(function.node for function in proto.functions)]:
        for node in nodes:
            kept = [entry for entry in node.metadata_props if entry.key not in DROPPED]
            del node.metadata_props[:]
            node.metadata_props.extend(kept)
    return proto


def export_torchscript(network: nn.Module, batch: int | None, opset: int, names: list[str]) -> onnx.ModelProto:
    """Through tracing."""
    axes = {} if batch else {name: {0: "batch"} for name in ["image", *names]}
    file = io.BytesIO()
    images = torch.rand(batch or 2, 3, SIZE, SIZE)
    torch.onnx.export(
        network,
        (images,),
        file,  # type: ignore[arg-type] # the older exporter writes to files in memory, too
        dynamo=False,
        opset_version=opset,
        dynamic_axes=axes,
        input_names=["image"],
        output_names=names,
    )
    return onnx.load_from_string(file.getvalue())


def make_network(architecture: str) -> nn.Module:
    """A network with settled batch norms, whose logits vary between images."""
    torch.manual_seed(sum(architecture.encode()))
    network = NETWORKS[architecture]()
    images = torch.rand(64, 3, SIZE, SIZE) * torch.rand(64, 3, 1, 1)
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d | nn.LayerNorm | nn.GroupNorm):
                module.weight.uniform_(0.6, 1.4)
                module.bias.normal_(0, 0.2)
        for _ in range(20):
            network.train()(images)
        last = [module for module in network.modules() if isinstance(module, nn.Linear)][-1]
        last.weight *= SPREAD / network.eval()(images).std(0).mean()
    return network


if __name__ == "__main__":
    main()
