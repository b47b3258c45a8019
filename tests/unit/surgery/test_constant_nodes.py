"""Weights in Constant nodes, as PaddlePaddle writes them, are found and edited like initializers."""

import numpy as np
import onnx
import pytest
from onnx import helper

from onnxaudit.intake import Model
from onnxaudit.surgery import find_features, find_head, find_target_layer, remove_neurons, tunable_weights, unshare
from onnxaudit.surgery import zero_neurons as zero
from tests.unit.importer.networks import wrap
from tests.unit.surgery.networks import BODIES, DENSE, channels, dense, logits, network


def move_to_nodes(model: Model) -> Model:
    """The same model, whose initializers are Constant nodes."""
    moved = onnx.ModelProto()
    moved.CopyFrom(model.proto)
    constants = [helper.make_node("Constant", [], [one.name], value=one) for one in model.proto.graph.initializer]
    del moved.graph.initializer[:], moved.graph.node[:]
    moved.graph.node.extend([*constants, *model.proto.graph.node])
    return wrap(moved)


@pytest.mark.parametrize("name", BODIES)
def test_layers_neurons_and_weights_are_those_of_initializers(name: str) -> None:
    stored = network(name)
    moved = move_to_nodes(stored)
    layer = find_target_layer(moved)
    assert layer == find_target_layer(stored)
    assert find_features(moved) == find_features(stored)
    assert find_head(moved) == find_head(stored)
    assert tunable_weights(moved) == tunable_weights(stored)
    np.testing.assert_array_equal(logits(zero(moved, layer, [1, 3])), logits(zero(stored, layer, [1, 3])))


@pytest.mark.parametrize("name", BODIES)
def test_removal_makes_the_same_smaller_model(name: str) -> None:
    stored = network(name)
    layer = find_target_layer(stored)
    zeroed = zero(move_to_nodes(stored), layer, [1, 3])
    removed, wanted = (remove_neurons(one, layer, [1, 3]) for one in (zeroed, zero(stored, layer, [1, 3])))
    assert removed.neurons == wanted.neurons
    np.testing.assert_allclose(logits(removed.model), logits(wanted.model), atol=1e-6)


def test_channels_of_convolutions_are_found() -> None:
    stored = channels("batch norm and relu behind")
    assert find_target_layer(move_to_nodes(stored), "conv") == find_target_layer(stored, "conv")


def test_a_shared_constant_gets_a_copy_of_its_own() -> None:
    body = DENSE.replace(
        "y = Gemm (a, w2, b2)",
        "q = Gemm (a, w2, b2)  o = Gemm (flat, w1, b1)  n = Mul(o, no)  "
        "s = ReduceSum <keepdims = 1> (n, axes)  y = Add(q, s)",
    )
    stored = dense(body, no=np.array(0.5, np.float32), axes=np.array([1]))
    moved = move_to_nodes(stored)
    own = unshare(moved, find_target_layer(moved, "first"))
    assert own is not moved
    np.testing.assert_array_equal(logits(own), logits(stored))
    zero(own, find_target_layer(own, "first"), [0])
