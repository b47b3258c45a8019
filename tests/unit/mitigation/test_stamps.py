import numpy as np
import torch

from onnxaudit.mitigation.augmentation import AugmentationConfig
from onnxaudit.mitigation.stamps import Stamps, stack, unstack
from onnxaudit.perturbations.additive import Additive
from onnxaudit.perturbations.perturbation import Perturbation
from onnxaudit.records import Trigger
from tests.unit.mitigation import stripes

STILL = AugmentationConfig(trigger_shift=0, trigger_noise=0.0)
BLACK = Trigger(np.ones((1, 8, 8), np.float32), np.zeros((1, 8, 8), np.float32))
BRIGHTER = Perturbation(Additive(image=(1, 8, 8)), (np.full((1, 8, 8), 0.1, np.float32),))


def put_on(stamps: Stamps, triggered: int, distorted: int) -> tuple[np.ndarray, list[int]]:
    draw = torch.Generator().manual_seed(0)
    stamped, labels = stamps.put_on(torch.from_numpy(images()), triggered, distorted, STILL, draw)
    return stamped.numpy(), labels.tolist()


def images() -> np.ndarray:
    return stripes.samples().images


def test_each_image_carries_the_trigger_whose_label_is_named() -> None:
    stamped, labels = put_on(Stamps.of([(stripes.trigger(), 4), (BLACK, 5)], []), len(images()), 0)
    lit = np.array(labels) == 4
    assert set(labels) == {4, 5}
    np.testing.assert_allclose(stamped[lit], stripes.trigger().apply(images()[lit]), atol=1e-6)
    assert not stamped[~lit].any()


def test_triggers_come_first_then_distortions() -> None:
    stamped, labels = put_on(Stamps.of([(BLACK, 1)], [(BRIGHTER, 2)]), 3, 2)
    assert labels == [1, 1, 1, 2, 2]
    assert not stamped[:3].any()
    np.testing.assert_allclose(stamped[3:], (images()[3:5] + 0.1).clip(0, 1), atol=1e-6)


def test_of_a_kind_that_is_not_known_there_is_none() -> None:
    assert put_on(Stamps.of([], [(BRIGHTER, 2)]), 3, 2)[1] == [2, 2]
    assert put_on(Stamps.of([(BLACK, 1)], []), 3, 2)[1] == [1, 1, 1]
    nothing, labels = put_on(Stamps.of([], []), 3, 2)
    assert (len(nothing), labels) == (0, [])


def test_triggers_survive_stacking() -> None:
    (back,) = unstack(stack([stripes.trigger()]))
    assert back.digest == stripes.trigger().digest
