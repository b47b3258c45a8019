"""The pretended device refuses what a real one refuses, and computes what this machine computes."""

import pytest
import torch
from torch import nn

from tests.fake_device import PLACE, DeviceMixError, Elsewhere, pretend


def test_operands_in_two_places_are_refused() -> None:
    with pretend():
        there = torch.ones(3, 4).to(PLACE)
        with pytest.raises(DeviceMixError, match="add"):
            there + torch.ones(3, 4)
        with pytest.raises(DeviceMixError, match="index"):
            torch.ones(3)[torch.tensor([0], device=PLACE)]
        with pytest.raises(TypeError, match="numpy"):
            there.numpy()


def test_numbers_indices_and_copies_are_let_through() -> None:
    with pretend():
        there = torch.arange(6.0, device=PLACE).reshape(2, 3)
        assert (there + torch.tensor(1.0)).tolist() == [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]
        assert there[torch.tensor([1])].device == PLACE
        there[0] = torch.tensor([9.0, 9.0, 9.0]).to(there)
        assert there.numpy(force=True).tolist() == [[9.0, 9.0, 9.0], [3.0, 4.0, 5.0]]
        assert float(there.sum()) == 39.0


def test_a_network_learns_there_what_it_learns_here() -> None:
    def learn(place: torch.device) -> float:
        torch.manual_seed(0)
        network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8, 3)).to(place)
        images, labels = torch.rand(4, 1, 4, 4).to(place), torch.tensor([0, 1, 2, 0]).to(place)
        optimizer = torch.optim.Adam(network.parameters(), 0.1)
        for _ in range(3):
            loss = nn.functional.cross_entropy(network(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        assert isinstance(network[0].weight, Elsewhere) == (place == PLACE)
        return float(loss.detach())

    with torch.random.fork_rng():
        here = learn(torch.device("cpu"))
        with pretend():
            assert learn(PLACE) == pytest.approx(here, rel=1e-5)
