import pytest
import torch

from onnxaudit.inversion.adam import Adam, AdamConfig

ROWS = torch.arange(3)


def draw_gradients(steps: int = 12) -> list[torch.Tensor]:
    draw = torch.Generator().manual_seed(0)
    return [torch.randn(3, 5, 7, generator=draw) for _ in range(steps)]


def descend(config: AdamConfig, gradients: list[torch.Tensor]) -> torch.Tensor:
    values = torch.zeros(3, 5, 7)
    adam = Adam(values, config)
    for count, gradient in enumerate(gradients, 1):
        values = adam.step(ROWS, values, gradient, count)
    return values


def test_fused_steps_equal_those_of_pytorch_to_the_last_bit() -> None:
    values = torch.zeros(3, 5, 7, requires_grad=True)
    reference = torch.optim.Adam([values], lr=0.03, betas=(0.5, 0.9))
    for gradient in draw_gradients():
        values.grad = gradient.clone()
        reference.step()
    assert torch.equal(descend(AdamConfig(step_size=0.03, momentum=(0.5, 0.9)), draw_gradients()), values.detach())


def test_the_formulas_as_they_stand_lead_to_the_same_place() -> None:
    fused, plain = (
        descend(AdamConfig(step_size=0.1, momentum=(0.5, 0.9), fused=fused), draw_gradients())
        for fused in (True, False)
    )
    assert torch.allclose(fused, plain, atol=1e-5)


@pytest.mark.parametrize("fused", [True, False])
def test_a_row_whose_gradient_is_no_number_stands_still(fused: bool) -> None:
    gradient = torch.ones(3, 5, 7)
    gradient[1] = torch.nan
    moved = descend(AdamConfig(step_size=0.1, fused=fused), [gradient])
    assert not moved[1].any()
    assert (moved[[0, 2]] < 0).all()
