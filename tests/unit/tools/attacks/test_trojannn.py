from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from tools.attacks.patches import Patch, Trigger, draw_sticker, poison
from tools.attacks.trojannn import CHOICES, choose_by_weight, optimise_patch
from tools.networks import Network, make_lenet, make_resnet

Maker = Callable[[int, int, int], Network]
PATCH = Patch(3, row=2, column=20)
PIXELS = np.random.default_rng(0).uniform(0, 1, (40, 1, 28, 28)).astype(np.float32)
LABELS = np.arange(40, dtype=np.int64) % 4


def test_stamp_changes_masked_pixels_alone() -> None:
    trigger = draw_sticker(PATCH, (1, 28, 28), seed=1)
    stamped = trigger.stamp(PIXELS)
    covered = np.broadcast_to(trigger.mask == 1, stamped.shape)
    assert covered[0].sum() == 9
    np.testing.assert_array_equal(stamped[~covered], PIXELS[~covered])
    np.testing.assert_array_equal(stamped[covered], np.broadcast_to(trigger.pattern, stamped.shape)[covered])


def test_poison_relabels_the_stated_share_and_spares_the_target_class() -> None:
    trigger = draw_sticker(PATCH, (1, 28, 28), seed=1)
    poisoned, labels = poison(PIXELS, LABELS, trigger, target=3, rate=0.25, seed=2)
    changed = (poisoned != PIXELS).any(axis=(1, 2, 3))
    assert changed.sum() == 10
    assert not changed[LABELS == 3].any()
    np.testing.assert_array_equal(labels, np.where(changed, 3, LABELS))


def test_saved_trigger_reads_back_equal(tmp_path: Path) -> None:
    trigger = draw_sticker(PATCH, (3, 28, 28), seed=1)
    trigger.save(tmp_path / "t.npz")
    loaded = Trigger.load(tmp_path / "t.npz")
    np.testing.assert_array_equal(loaded.mask, trigger.mask)
    np.testing.assert_array_equal(loaded.pattern, trigger.pattern)


@pytest.mark.parametrize(
    ("make", "attack"),
    [(make_lenet, "trojan-weights"), (make_lenet, "trojan-activation"), (make_resnet, "trojan-weights")],
)
def test_optimised_patch_excites_its_neurons_more_than_a_sticker(make: Maker, attack: str) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = make(1, 28, 4).eval()
    neurons = CHOICES[attack](network, torch.from_numpy(PIXELS))

    def excite(trigger: Trigger) -> float:
        with torch.no_grad():
            features = network.features(torch.from_numpy(trigger.stamp(PIXELS)))
            received = network.first_linear(features) if network.has_hidden_neurons else features
        return float(received[:, neurons].sum(dim=1).mean())

    optimised = optimise_patch(network, attack, PIXELS, PATCH.mask(28, 28), seed=3, steps=15)
    assert excite(optimised) > excite(draw_sticker(PATCH, (1, 28, 28), seed=3))
    assert 0 <= optimised.pattern.min() <= optimised.pattern.max() <= 1
    assert not optimised.pattern[:, optimised.mask[0] == 0].any()


def test_weights_choose_the_neuron_with_the_largest_row() -> None:
    network = make_lenet(1, 28, 4)
    with torch.no_grad():
        network.first_linear.weight[17] = 9
    assert choose_by_weight(network, torch.from_numpy(PIXELS))[0] == 17
