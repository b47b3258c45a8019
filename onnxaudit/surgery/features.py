"""The inner tensors at which shifts towards a label are measured."""

from onnxaudit.errors import ModelError
from onnxaudit.intake.model import Model
from onnxaudit.records import NeuronAxis
from onnxaudit.surgery.activation import CURVED
from onnxaudit.surgery.graph import Graph
from onnxaudit.surgery.linear import linear_layers
from onnxaudit.surgery.target import find_target_layer, locate

POOLING = {"AveragePool", "Flatten", "GlobalAveragePool", "MaxPool", "ReduceMean", "Reshape", "Squeeze", "Transpose"}
PRODUCTS = {"Conv", "FusedMatMul", "Gemm", "MatMul"}
AFFINE = PRODUCTS | {
    *("Add", "BatchNormalization", "Cast", "Div", "Flatten", "Mul", "Neg", "Reshape", "Squeeze", "Sub", "Transpose"),
    "Unsqueeze",
}
AVERAGING = {"AveragePool", "GlobalAveragePool", "ReduceMean"}


def find_features(model: Model) -> str | None:
    """The tensor that feeds the first fully connected layer, or None where there is no single one.

    Between it and the class scores there has to be a nonlinearity: behind the last one the size of a shift is a
    matter of the last layer's weights alone. So where the classifier is the only such layer, the tensor before the
    last activation is taken.
    """
    try:
        layer = find_target_layer(model)
    except ModelError:
        return None
    graph = Graph(model)
    feeding = {branch.input for branch in locate(linear_layers(graph), layer).branches}
    if len(feeding) != 1:
        return None
    (features,) = feeding
    return _before_activation(graph, features) if layer.axis is NeuronAxis.INPUTS else features


def find_head(model: Model) -> str | None:
    """The tensor from which the logits are computed by affine operators alone, as early as there is one.

    Pooling before the last product is affine too, but what goes into it is wider and says no more. None where there is
    no such product, or where it has several tensors to read. What is rounded to whole numbers behind that product, as
    logits are in the end, counts as what it was before.
    """
    graph = Graph(model)
    tensor, found = graph.unrounded(graph.tensor(graph.logits)), None
    while tensor.inputs and tensor.inputs[0].op in (AFFINE if found is not None else AFFINE | AVERAGING):
        node = tensor.inputs[0]
        varying = [graph.origin(part) for part in node.inputs if graph.is_computed(part)]
        if len(varying) != 1:
            break
        tensor = graph.unrounded(varying[0]) if found is None and node.op not in PRODUCTS else varying[0]
        if found is not None or node.op in PRODUCTS:
            found = tensor
    return None if found is None or found.name == graph.input else str(found.name)


def _before_activation(graph: Graph, name: str) -> str | None:
    """What the activation behind `name` is computed from, seen through pooling, reshaping and rounding.

    Where a quantizer dropped a ReLU, because saturation does the same, it is what is rounded.
    """
    tensor = graph.origin(graph.tensor(name))
    while True:
        rounded, tensor = tensor, graph.unrounded(tensor)
        if not tensor.inputs or tensor.inputs[0].op not in POOLING:
            break
        tensor = graph.origin(tensor.inputs[0].inputs[0])
    if tensor.inputs and tensor.inputs[0].op in CURVED:
        return str(graph.origin(tensor.inputs[0].inputs[0]).name)
    return None if tensor is rounded or tensor.name == graph.input else str(tensor.name)
