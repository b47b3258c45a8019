import numpy as np
import pytest
import torch

from onnxaudit.perturbations.additive import Additive
from onnxaudit.perturbations.base import Family
from onnxaudit.perturbations.latent import Latent
from onnxaudit.perturbations.patch import Patch
from onnxaudit.perturbations.photometric import Photometric, tone
from onnxaudit.perturbations.spectral import Spectral
from onnxaudit.perturbations.warp import Warp, bend

IMAGE = (3, 8, 10)
FAMILIES: list[Family] = [
    Patch(image=IMAGE),
    Additive(image=IMAGE),
    Spectral(image=IMAGE),
    Warp(image=IMAGE),
    Photometric(image=IMAGE, mixing=0.5),
    Latent(features=IMAGE),
]


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


def test_a_flow_shows_what_is_so_far_away() -> None:
    image = (np.arange(12).reshape(1, 1, 3, 4) / 12).astype(np.float32)
    flow = np.zeros((2, 3, 4), np.float32)
    flow[0] = 1.0  # from the row below; the last one repeats itself
    np.testing.assert_allclose(bend(image, flow=flow), image[:, :, [1, 2, 2]], atol=1e-6)
    bent = Warp(image=(1, 3, 4)).apply((torch.from_numpy(flow)[None],), torch.from_numpy(image)[None])
    np.testing.assert_allclose(bent[0], image[:, :, [1, 2, 2]], atol=1e-6)


def test_a_tone_mixes_then_multiplies_then_adds() -> None:
    images = np.array([0.0, 0.4, 1.0], np.float32).reshape(1, 1, 1, 3)
    gain, offset = np.full((1, 1, 3), -0.5, np.float32), np.full((1, 1, 3), 0.2, np.float32)
    plain = tone(images, gain=gain, offset=offset, mixing=np.zeros((1, 1), np.float32))
    mixed = tone(images, gain=gain, offset=0 * offset, mixing=np.ones((1, 1), np.float32))
    np.testing.assert_allclose(plain.ravel(), [0.2, 0.4, 0.7], atol=1e-6)
    np.testing.assert_allclose(mixed.ravel(), [0.0, 0.4, 1.0], atol=1e-6)


@pytest.mark.parametrize("shape", [(1, 1, 5), (3, 4, 4)])
def test_nothing_changes_nothing(shape: tuple[int, int, int]) -> None:
    images = np.random.default_rng(0).random((2, *shape)).astype(np.float32)
    nothing, still = np.zeros(shape, np.float32), np.zeros((2, *shape[1:]), np.float32)
    np.testing.assert_array_equal(bend(images, flow=still), images)
    mixing = np.zeros((shape[0], shape[0]), np.float32)
    np.testing.assert_array_equal(tone(images, gain=nothing, offset=nothing, mixing=mixing), images)


def test_bounds_hold_however_far_parameters_go() -> None:
    stream = np.random.default_rng(0)
    warp, photometric = Warp(image=IMAGE, bound=0.1), Photometric(image=IMAGE, gain=0.3, offset=0.2, mixing=0.1)
    far = [torch.from_numpy(100 * one.draw(stream)[None] / one.noise) for one in (warp, photometric)]
    (flow,), (gain, offset, mixing) = warp.decode(far[0]), photometric.decode(far[1])
    for part, bound in ((flow, 0.8), (gain, 0.3), (offset, 0.2), (mixing, 0.1)):
        assert float(part.abs().max()) == pytest.approx(bound, abs=1e-6)


def test_the_pixels_of_a_cell_move_together() -> None:
    family = Patch(image=(3, 16, 16), cells=8)
    values = torch.randn(2, *family.shape, generator=torch.Generator().manual_seed(0))
    mask, pattern = family.decode(values)
    assert (mask.shape, pattern.shape) == ((2, 1, 16, 16), (2, 3, 16, 16))
    assert torch.equal(mask, mask[..., ::4, ::4].repeat_interleave(4, 2).repeat_interleave(4, 3))
    assert torch.equal(pattern, pattern[..., ::2, ::2].repeat_interleave(2, 2).repeat_interleave(2, 3))
    assert len(mask[0].unique()) == 16
