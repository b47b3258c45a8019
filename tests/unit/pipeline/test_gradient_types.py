"""Gradients of costly networks are computed in bfloat16 where the processor does so by itself; answers never are."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from onnxaudit.importer import Classifier, import_model
from onnxaudit.intake import load_model
from onnxaudit.pipeline import gradient_types
from onnxaudit.pipeline.gradient_types import fit_gradients
from onnxaudit.pipeline.settings import BRIEF, DetectionConfig
from onnxaudit.records import Preprocessing
from tests.unit.pipeline.test_multiply_adds import LARGE
from tools.testbed.planted import write_planted

ASKED = replace(DetectionConfig(), brief=True)


@pytest.fixture
def classifier(tmp_path: Path) -> Classifier:
    return Classifier(import_model(load_model(write_planted(tmp_path, backdoored=True))), Preprocessing())


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Say what the processor can do."""

    def say(**capabilities: bool) -> None:
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)

    return say


def find_gradient(classifier: Classifier, images: torch.Tensor) -> torch.Tensor:
    pixels = images.clone().requires_grad_(True)
    (gradient,) = torch.autograd.grad(classifier(pixels)[:, 0].sum(), pixels)
    return gradient


def test_gradients_are_shorter_and_answers_are_not(classifier: Classifier) -> None:
    brief = classifier.with_gradients_in(torch.bfloat16)
    spec = classifier.model.info.input
    images = torch.rand(4, spec.channels, spec.height, spec.width, generator=torch.Generator().manual_seed(0))
    assert torch.equal(brief(images), classifier(images))
    exact, short = find_gradient(classifier, images), find_gradient(brief, images)
    assert short.dtype is torch.float32
    assert not torch.equal(short, exact)
    assert torch.cosine_similarity(short.flatten(), exact.flatten(), dim=0) > 0.99
    assert brief(images.clone().requires_grad_(True)).dtype is torch.float32


@pytest.mark.parametrize("capability", ["avx512_bf16", "amx_bf16"])
def test_they_are_where_the_processor_multiplies_so(
    classifier: Classifier, say: Callable[..., None], capability: str
) -> None:
    say(**{capability: True})
    assert fit_gradients(classifier, ASKED).gradients is torch.bfloat16
    assert fit_gradients(classifier, DetectionConfig()) is classifier
    say(**{capability: False})
    assert fit_gradients(classifier, ASKED) is classifier
    say()
    assert fit_gradients(classifier, ASKED) is classifier


def test_a_network_that_rounds_or_fails_keeps_its_own(
    classifier: Classifier, say: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    say(avx512_bf16=True)

    def fail(*_: object) -> torch.Tensor:
        raise RuntimeError("expected self and other to have the same dtype")

    with monkeypatch.context() as patched:
        patched.setattr(Classifier, "forward", fail)
        assert fit_gradients(classifier, ASKED) is classifier
    monkeypatch.setattr(gradient_types, "rounds", lambda _: True)
    assert fit_gradients(classifier, ASKED) is classifier


def test_large_images_and_a_network_that_multiplies_often_ask_for_it() -> None:
    assert LARGE.thin_out(BRIEF, 10).brief
    assert not LARGE.thin_out(BRIEF - 1, 10).brief
    assert not DetectionConfig().thin_out(BRIEF, 10).brief
