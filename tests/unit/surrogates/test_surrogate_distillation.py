import pytest
import torch

from onnxaudit.deadline import Deadline
from onnxaudit.errors import OutOfTimeError
from onnxaudit.surrogates.distillation import TrainingConfig, soften, train, vary

CONFIG = TrainingConfig(channels=4, hidden=16, steps=60)


def make_lessons(count: int = 48) -> tuple[torch.Tensor, torch.Tensor]:
    """Noise with a bright quarter, which tells the class, and sure answers."""
    generator = torch.Generator().manual_seed(0)
    images = 0.3 * torch.rand(count, 1, 12, 12, generator=generator)
    classes = torch.arange(count) % 4
    for image, quarter in zip(images, classes.tolist(), strict=True):
        top, left = 6 * (quarter // 2), 6 * (quarter % 2)
        image[:, top : top + 6, left : left + 6] += 0.6
    return images, soften(20.0 * torch.eye(4)[classes], 1.0)


def test_a_surrogate_learns_what_it_is_told() -> None:
    images, answers = make_lessons()
    network = train(images, answers, CONFIG, seed=0, deadline=Deadline())
    assert (network(images).argmax(dim=1) == answers.argmax(dim=1)).float().mean() > 0.9
    assert not network.training
    assert not any(weight.requires_grad for weight in network.parameters())


def test_the_seed_decides_and_nothing_else() -> None:
    lessons = make_lessons()
    torch.manual_seed(5)
    first = train(*lessons, CONFIG, seed=1, deadline=Deadline())(lessons[0])
    torch.manual_seed(6)
    assert torch.equal(first, train(*lessons, CONFIG, seed=1, deadline=Deadline())(lessons[0]))
    assert not torch.equal(first, train(*lessons, CONFIG, seed=2, deadline=Deadline())(lessons[0]))


def test_it_ends_at_the_deadline() -> None:
    with pytest.raises(OutOfTimeError):
        train(*make_lessons(), CONFIG, seed=0, deadline=Deadline.after(0))


def test_images_are_moved_and_lightened_within_bounds() -> None:
    images, _ = make_lessons()
    varied = vary(images, TrainingConfig(), torch.Generator().manual_seed(0))
    assert varied.shape == images.shape
    assert 0 <= varied.min() <= varied.max() <= 1
    still = TrainingConfig(shift=0.0, contrast=0.0, brightness=0.0)
    assert torch.equal(vary(images, still, torch.Generator().manual_seed(0)), images)


def test_of_what_is_moved_out_the_border_is_repeated() -> None:
    image = torch.linspace(0, 1, 100).view(1, 1, 10, 10)
    config = TrainingConfig(shift=0.2, contrast=0.0, brightness=0.0)
    for seed in range(8):
        moved = vary(image, config, torch.Generator().manual_seed(seed))[0, 0]
        steps = moved[:, 1:] - moved[:, :-1]
        assert (steps >= 0).all()
        assert (steps.sum(dim=1) > 0).all()


def test_softened_answers_are_nearer_each_other() -> None:
    logits = torch.tensor([[6.0, 0.0, 3.0]])
    assert soften(logits, 3.0).max() < soften(logits, 1.0).max()
    assert soften(logits, 3.0).sum() == pytest.approx(1.0)
