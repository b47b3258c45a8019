import numpy as np
import pytest

from onnxaudit.mitigation.interpolation import interpolate
from onnxaudit.surgery import find_target_layer, zero_neurons
from tests.unit.mitigation import stripes


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_every_weight_moves_by_the_share(share: float) -> None:
    tuned = stripes.backdoored()
    pruned = zero_neurons(tuned, find_target_layer(tuned), [6])
    before, after = pruned.initializer("w1"), tuned.initializer("w1")
    mixed = interpolate(pruned, tuned, share)
    np.testing.assert_allclose(mixed.initializer("w1"), (1 - share) * before + share * after, atol=1e-7)
    assert (mixed.to_bytes() == tuned.to_bytes()) == (share == 1.0)
