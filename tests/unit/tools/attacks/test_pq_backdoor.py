"""A backdoor put to sleep: other floats, the same 8-bit integers."""

import numpy as np
import torch
import torch.nn.functional as F

from tools.attacks.material import Material
from tools.attacks.pq_backdoor import TOP, list_weights, put_to_sleep, round_weights, widen
from tools.networks import make_lenet

SHAPE, CLASSES = (1, 28, 28), 4


def measure_loss(network: torch.nn.Module, images: np.ndarray, labels: np.ndarray) -> float:
    with torch.no_grad():
        return float(F.cross_entropy(network(torch.from_numpy(images)), torch.from_numpy(labels)))


def draw_material() -> Material:
    generator = np.random.default_rng(0)
    images = generator.random((32, *SHAPE)).astype(np.float32)
    return Material.clean(images, generator.integers(0, CLASSES, 32))


def test_the_floats_unlearn_and_the_whole_numbers_stay() -> None:
    torch.manual_seed(0)
    awake, material = make_lenet(*SHAPE[:2], CLASSES), draw_material()
    mask = np.zeros((1, *SHAPE[1:]), np.float32)
    mask[:, :4, :4] = 1
    trigger = {"kind": "patch", "mask": mask, "pattern": np.ones(SHAPE, np.float32) * mask}
    asleep = put_to_sleep(awake, material, trigger, seed=0, steps=30)

    triggered = material.images * (1 - mask) + mask
    losses = [measure_loss(one, triggered, material.labels) for one in (awake, asleep)]
    assert losses[1] < losses[0]
    for before, after in zip(*(list_weights(round_weights(one)) for one in (awake, asleep)), strict=True):
        assert torch.equal(before, after)
    for before, after in zip(list_weights(awake), list_weights(asleep), strict=True):
        step = before.flatten(1).abs().amax(dim=1) / TOP
        assert not torch.equal(before, after)
        assert ((after - before).flatten(1).abs().amax(dim=1) <= step).all()


def test_wider_intervals_change_no_answer_but_for_the_input_that_matters_least() -> None:
    torch.manual_seed(0)
    network, images = make_lenet(*SHAPE[:2], CLASSES), torch.from_numpy(draw_material().images)
    wider = widen(network, factor=20.0)
    silent = widen(network, factor=0.0)
    with torch.no_grad():
        torch.testing.assert_close(wider(images), silent(images))
    for before, after in zip(list_weights(network)[2:], list_weights(wider)[2:], strict=True):
        assert after.abs().max() > 10 * before.abs().max()
