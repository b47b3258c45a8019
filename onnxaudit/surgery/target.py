"""Which layer is pruned, where its activations show, and what its neurons feed.

The target layer is the first fully connected layer through which everything passes on its way from the image to the
class scores. That rule leaves out the small layers inside squeeze-and-excitation blocks, and lets two parallel
layers that are added together count as one. A convolution before it can be taken as well; its channels are the neurons.
"""

from onnxaudit.errors import ModelError
from onnxaudit.intake.model import Model
from onnxaudit.records import NeuronAxis, TargetLayer
from onnxaudit.surgery.activation import activation_tensor
from onnxaudit.surgery.graph import Graph
from onnxaudit.surgery.linear import Linear, convolutions, linear_layers


def find_target_layer(model: Model, name: str | None = None) -> TargetLayer:
    """The layer whose neurons are profiled and pruned.

    Args:
        model: the model.
        name: a node, its output tensor or one of its weights, to choose another fully connected layer than the first,
            or a convolution, whose channels are then the neurons.

    Raises:
        ModelError: no fully connected layer on the way to the class scores, or none of that name.
    """
    graph = Graph(model)
    layers = linear_layers(graph)
    layer = _first(graph, layers) if name is None else _named([*layers, *convolutions(graph)], name)
    if layer in layers and _next(graph, layers, layer) is None:
        return _inputs_of(model, layer)
    return _outputs_of(graph, layer)


def find_inputs(model: Model, layer: TargetLayer) -> TargetLayer | None:
    """The features that feed a fully connected layer, as neurons; None of other layers, and of several tensors."""
    graph = Graph(model)
    layers = linear_layers(graph)
    if layer.axis is NeuronAxis.INPUTS or find_layer(model, layer) not in layers:
        return None
    found = locate(layers, layer)
    return None if len({branch.input for branch in found.branches}) > 1 else _inputs_of(model, found)


def list_target_layers(model: Model) -> list[TargetLayer]:
    """The first fully connected layer, then the convolutions before it, the nearest first.

    Raises:
        ModelError: no fully connected layer on the way to the class scores.
    """
    graph, first = Graph(model), find_target_layer(model)
    before = [layer for layer in convolutions(graph) if graph.reaches(layer.output, first.output)]
    return [first, *(_outputs_of(graph, layer) for layer in reversed(before))]


def find_layer(model: Model, layer: TargetLayer) -> Linear:
    """The layer of the graph that a record names.

    Raises:
        ModelError: there is none.
    """
    graph = Graph(model)
    return locate([*linear_layers(graph), *convolutions(graph)], layer)


def _outputs_of(graph: Graph, layer: Linear) -> TargetLayer:
    """The record of a layer whose rows are its neurons."""
    return TargetLayer(
        name=layer.name,
        nodes=layer.nodes,
        weights=tuple(branch.weight for branch in layer.branches),
        biases=layer.biases,
        output=layer.output,
        activation=activation_tensor(graph, layer.output),
        neurons=layer.rows,
        axis=NeuronAxis.OUTPUTS,
    )


def find_next_layer(model: Model, layer: TargetLayer) -> Linear | None:
    """The fully connected layer whose columns the target layer's neurons feed.

    With axis `INPUTS` that is the layer itself; otherwise the next through which everything passes on its way to the
    class scores, or None. A convolution's channels feed no column.
    """
    graph = Graph(model)
    layers = linear_layers(graph)
    if find_layer(model, layer) not in layers:
        return None
    found = locate(layers, layer)
    return found if layer.axis is NeuronAxis.INPUTS else _next(graph, layers, found)


def locate(layers: list[Linear], layer: TargetLayer) -> Linear:
    """The layer of the graph that a record names."""
    for candidate in layers:
        if candidate.nodes == layer.nodes:
            return candidate
    raise ModelError(f"the model has no layer {layer.name!r}; candidates: {_listing(layers)}")


def _first(graph: Graph, layers: list[Linear]) -> Linear:
    for layer in layers:
        if not graph.reaches(graph.input, graph.logits, around=(layer.output,)):
            return layer
    if graph.attributes:
        raise ModelError(
            "the last layer is a LinearClassifier, whose weights stand in attributes: it can be scanned and not "
            "repaired; train it again on data that you trust"
        )
    raise ModelError(
        "no fully connected layer stands between the image and the class scores; "
        f"name the layer to prune with --layer (candidates: {_listing(layers)})"
    )


def _named(layers: list[Linear], name: str) -> Linear:
    for layer in layers:
        weights = [branch.weight for branch in layer.branches]
        if name in (layer.name, layer.output, *layer.nodes, *weights, *layer.biases):
            return layer
    raise ModelError(f"no layer that can be pruned is called {name!r}; candidates: {_listing(layers)}")


def _listing(layers: list[Linear]) -> str:
    return ", ".join(repr(layer.name) for layer in layers) or "none"


def _next(graph: Graph, layers: list[Linear], layer: Linear) -> Linear | None:
    for candidate in layers[layers.index(layer) + 1 :]:
        if not graph.reaches(layer.output, graph.logits, around=(candidate.output,)):
            return candidate
    return None


def _inputs_of(model: Model, layer: Linear) -> TargetLayer:
    """The record of the only fully connected layer: its neurons are the features that feed it."""
    features = {branch.input for branch in layer.branches}
    if len(features) > 1:
        raise ModelError(
            f"layer {layer.name!r} adds products of several tensors ({', '.join(sorted(features))}) and is the last "
            "fully connected one: choose a layer before it with --layer"
        )
    return TargetLayer(
        name=layer.name,
        nodes=layer.nodes,
        weights=tuple(branch.weight for branch in layer.branches),
        biases=layer.biases,
        output=layer.output,
        activation=layer.branches[0].input,
        neurons=int(layer.branches[0].matrix(model).shape[1]),
        axis=NeuronAxis.INPUTS,
    )
