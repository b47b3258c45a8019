from dataclasses import replace

import numpy as np
import pytest
import torch
from onnx import numpy_helper

from onnxaudit.importer import import_model
from onnxaudit.importer.compiler import make_plan
from onnxaudit.importer.parser import parse
from tests.unit.importer.networks import conv_model, make_model
from tools.testbed.tiny_models import build


def test_values_are_dropped_after_their_last_use() -> None:
    proto = build("g (float[2] x) => (float[2] y) { a = Relu(x)\n b = Neg(a)\n y = Abs(b) }")
    plan = make_plan(parse(proto).steps, {}, ["x"], ["y"])
    dropped = [slot for instruction in plan.instructions for slot in instruction.dead]
    assert len(dropped) == 3  # the input, a and b
    assert len(set(dropped)) == 3


def test_only_what_is_wanted_is_computed() -> None:
    proto = build("g (float[2] x) => (float[2] y) { a = Relu(x)\n b = Neg(x)\n y = Abs(a) }")
    plan = make_plan(parse(proto).steps, {}, ["x"], ["y"])
    assert [instruction.name.split()[0] for instruction in plan.instructions] == ["Relu", "Abs"]


def test_input_can_be_asked_for_beside_what_follows_from_it() -> None:
    copied, x = import_model(conv_model()), torch.rand(1, 1, 6, 6, generator=torch.Generator().manual_seed(0))
    values = copied.values(x, ["x", "z", "x", "b2"])
    assert torch.equal(values["x"], x)
    assert torch.equal(values["b2"], copied.weights["b2"])
    assert torch.equal(values["z"], copied(x))


def test_sizes_stay_on_the_cpu_and_constants_follow_the_network() -> None:
    # The device "meta" holds no data: a size that were computed on it could not be read.
    model = make_model(
        """g (float[N, 1, 4, 6] x) => (float[N, 4] y) {
            zero = Constant <value_ints = [0]> ()
            rest = Constant <value_ints = [-1]> ()
            s = Shape(x)
            n = Gather <axis = 0> (s, zero)
            shape = Concat <axis = 0> (n, rest)
            f = Reshape(x, shape)
            g = Gather <axis = 1> (f, columns)
            c = Cast <to = 1> (n)
            d = Div(g, c)
            m = Equal(d, d)
            e = Expand(one, shape2)
            y = Where(m, d, e)
        }""",
        {
            "columns": np.array([0, 2, 3, 1]),
            "one": np.ones(1, np.float32),
            "shape2": np.array([1, 4]),
        },
    )
    y = import_model(model, "meta")(torch.rand(3, 1, 4, 6, device="meta"))
    assert y.device.type == "meta"
    assert y.shape == (3, 4)


def test_out_of_memory_is_not_called_a_fault_of_the_model() -> None:
    def exhaust(_: torch.Tensor) -> torch.Tensor:
        raise torch.OutOfMemoryError("no memory")

    proto = build("g (float[2] x) => (float[2] y) { y = Relu(x) }")
    plan = make_plan(parse(proto).steps, {}, ["x"], ["y"])
    (instruction,) = plan.instructions
    program = replace(plan.program, instructions=(instruction._replace(function=exhaust),))
    with pytest.raises(torch.OutOfMemoryError):
        replace(plan, program=program).run([torch.ones(2)])


def test_weight_that_is_an_output_is_kept() -> None:
    proto = build("g (float[2] x) => (float[2] w) { y = Add(x, w) }")
    proto.graph.initializer.append(numpy_helper.from_array(np.ones(2, np.float32), "w"))
    graph = parse(proto)
    plan = make_plan(graph.steps, graph.weights, ["x"], ["w", "y"])
    for _ in range(2):
        w, y = plan.run([torch.ones(2)])
        assert torch.equal(w + 1, y)
