"""Copies compute on a device as they do here, and leave no tensor behind."""

import pytest
import torch

from onnxaudit.importer import import_model
from tests.exporters.making.catalogue import Entry, read_entries
from tests.exporters.subject import draw_inputs, open_subject
from tests.fake_device import PLACE, pretend

ENTRIES = read_entries()
FEW = ("oddities", "lstm", "vit", "qoperator")  # the least usual operators, recurrence, attention, whole numbers
CHOSEN = {word: next(one for one in ENTRIES if word in one.path.name) for word in FEW}


def check(entry: Entry) -> None:
    subject = open_subject(entry)
    images = torch.from_numpy(draw_inputs(subject.model, subject.model.info.input.batch or 2))
    expected = subject.copied(images)
    with pretend():
        copied = import_model(subject.model, PLACE.type)
        given = images.to(PLACE).requires_grad_(True)
        logits = copied(given)
        logits.sum().backward()
        assert given.grad is not None
        assert given.grad.device == logits.device == PLACE
        found = logits.detach().cpu()
    assert torch.allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("word", FEW)
def test_no_tensor_of_a_copy_stays_behind(word: str) -> None:
    check(CHOSEN[word])


@pytest.mark.slow
@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.path.stem)
def test_no_tensor_of_any_copy_stays_behind(entry: Entry) -> None:
    check(entry)
