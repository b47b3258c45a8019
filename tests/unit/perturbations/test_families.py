import numpy as np
import pytest
import torch

from onnxaudit.perturbations.additive import Additive
from onnxaudit.perturbations.base import Family
from onnxaudit.perturbations.latent import Latent
from onnxaudit.perturbations.patch import Patch
from onnxaudit.perturbations.spectral import Spectral

IMAGE = (3, 8, 10)
FAMILIES: list[Family] = [Patch(image=IMAGE), Additive(image=IMAGE), Spectral(image=IMAGE), Latent(features=IMAGE)]


def draw_images(count: int = 4) -> np.ndarray:
    return np.random.default_rng(1).random((count, *IMAGE), dtype=np.float32)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.id)
class TestEveryFamily:
    def decode(self, family: Family, rows: int = 2) -> tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
        stream = np.random.default_rng(3)
        noise = stream.normal(0, 0.5, (rows, *family.shape)).astype(np.float32)
        values = torch.from_numpy(noise).requires_grad_()
        return values, family.decode(values)

    def test_starts_have_the_shape_of_its_parameters(self, family: Family) -> None:
        start = family.draw(np.random.default_rng(0))
        assert start.shape == family.shape
        assert start.dtype == np.float32
        assert np.array_equal(start, family.draw(np.random.default_rng(0)))

    def test_numpy_and_torch_put_the_same_on_images(self, family: Family) -> None:
        _, fields = self.decode(family)
        images = draw_images()
        perturbed = family.apply(fields, torch.from_numpy(images).expand(2, *images.shape)).detach().numpy()
        for row in range(2):
            alone = family.apply_numpy([part[row].detach().numpy() for part in fields], images)
            assert alone.dtype == np.float32
            np.testing.assert_allclose(alone, perturbed[row], atol=2e-5)

    def test_effect_and_size_can_be_differentiated(self, family: Family) -> None:
        values, fields = self.decode(family)
        perturbed = family.apply(fields, torch.from_numpy(draw_images()).expand(2, -1, -1, -1, -1))
        sizes = family.size(fields)
        (gradients,) = torch.autograd.grad(perturbed.square().sum() + sizes.sum(), values)
        assert sizes.shape == (2,)
        assert gradients.isfinite().all()
        assert gradients.abs().amax(dim=tuple(range(1, gradients.ndim))).min() > 0

    def test_rows_do_not_know_each_other(self, family: Family) -> None:
        values, fields = self.decode(family)
        np.testing.assert_allclose(
            family.size(family.decode(values[1:])).detach(), family.size(fields)[1:].detach(), rtol=1e-6
        )

    def test_words_and_picture_can_be_had(self, family: Family) -> None:
        _, fields = self.decode(family)
        picture = family.picture([part[0].detach().numpy() for part in fields])
        assert picture.ndim == 3
        assert picture.min() >= 0
        assert picture.max() <= 1
        assert any(character.isdigit() for character in family.describe(0.1))
        assert family.unit


def test_a_patch_stays_within_its_place() -> None:
    within = torch.zeros(1, 1, 8, 10)
    within[..., :4, :4] = 1
    family = Patch(image=IMAGE, within=within)
    mask, _ = family.decode(torch.zeros(2, *family.shape))
    assert torch.equal(mask, 0.5 * within.expand(2, -1, -1, -1))
    assert family.size((mask, mask)).tolist() == pytest.approx([0.1, 0.1])


def test_a_picture_shows_the_patch_on_a_given_image() -> None:
    mask, pattern = np.zeros((1, 8, 10), np.float32), np.ones(IMAGE, np.float32)
    mask[0, 0, 0] = 1
    image = np.zeros(IMAGE, np.float32)
    assert Patch(image=IMAGE).picture([mask, pattern], image).sum() == 3
    assert not image.any()


def test_one_cosine_has_the_size_of_its_amplitude() -> None:
    family = Spectral(image=(1, 16, 16))
    amplitudes = torch.zeros(1, *family.shape)
    amplitudes[0, 0, 2, 3] = 1.0
    change, _ = family.decode(amplitudes)
    # Orthonormal cosines: the sum of squares is that of the amplitudes.
    assert float(change.square().sum()) == pytest.approx(1.0, abs=1e-5)
    assert float(family.size((change, amplitudes))) == pytest.approx(1 / 16, rel=0.02)


def test_inputs_of_one_row_have_cosines_too() -> None:
    family = Spectral(image=(1, 1, 20))
    assert family.decode(torch.ones(2, *family.shape))[0].shape == (2, 1, 1, 20)
