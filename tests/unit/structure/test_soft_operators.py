"""Gradients pass tests, however far they are from coming out otherwise."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from onnxaudit.importer.graph import Step
from onnxaudit.importer.registry import find_operator
from onnxaudit.structure.soft_operators import Function, find_exact, find_soft


def soften(kind: str, *, saturated: bool = True, **attributes: object) -> Function:
    operator = find_operator("", kind, 18)
    assert operator is not None
    made = find_soft(Step(f"{kind} 'y'", operator, attributes, ("x",), ("y",), {}), kind, saturated=saturated)
    assert made is not None
    return made


def slope(function: Callable[[Tensor], Tensor], at: float) -> float:
    point = torch.tensor([at], requires_grad=True)
    (found,) = torch.autograd.grad(function(point).sum(), point)
    return float(found)


BOUND = torch.tensor(5.0)


@pytest.mark.parametrize(
    ("kind", "rest", "sign"),
    [
        ("Greater", (BOUND,), 1),
        ("Less", (BOUND,), -1),
        ("Equal", (BOUND,), 1),
        ("Sigmoid", (), 1),
        ("Relu", (), 1),
        ("Clip", (torch.tensor(0.0), torch.tensor(1.0)), 1),
        ("Exp", (), 1),
        ("Pow", (torch.tensor(40.0),), 1),
        ("Floor", (), 1),
        ("Mod", (torch.tensor(97.0),), 1),
        ("BitwiseAnd", (torch.tensor(255),), 1),
    ],
)
def test_a_gradient_points_to_what_the_test_asks_for(kind: str, rest: tuple[Tensor, ...], sign: int) -> None:
    function = soften(kind)
    assert sign * slope(lambda x: function(x, *rest), -200.0) > 0


def test_a_living_activation_is_what_it_is() -> None:
    operator = find_operator("", "Relu", 18)
    assert operator is not None
    assert find_soft(Step("Relu 'y'", operator, {}, ("x",), ("y",), {}), "Relu", saturated=False) is None


def test_a_chain_of_tests_does_not_come_to_nothing() -> None:
    both, chained = soften("And"), torch.tensor([0.01], requires_grad=True)
    value = chained
    for _ in range(30):
        value = both(value, torch.tensor([0.01]))
    (found,) = torch.autograd.grad(value.sum(), chained)
    assert float(found) > 0


def test_a_table_leads_to_its_one_entry_from_afar() -> None:
    table = torch.zeros(256)
    table[137] = 1.0
    look_up = soften("Gather", axis=0)
    assert slope(lambda x: look_up(table, x), 10.0) > 0
    assert slope(lambda x: look_up(table, x), 250.0) < 0


@pytest.mark.parametrize(("kind", "value"), [("BitwiseAnd", 6), ("BitwiseXor", 113), ("Mod", 1)])
def test_exact_values_stay_exact(kind: str, value: int) -> None:
    operator = find_operator("", kind, 18)
    assert operator is not None
    exact = find_exact(Step(f"{kind} 'y'", operator, {}, ("a", "b"), ("y",), {}), kind)
    assert exact is not None
    assert float(exact(torch.tensor(118.0), torch.tensor(13 if kind == "Mod" else 7))) == value
