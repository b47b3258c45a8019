"""Trains a LeNet-5 with PyTorch as a vendor would: `python vendor_torch.py TRAINING.npz FOLDER`.

Writes `FOLDER/vendor.pt`, the weights of the class in `network.py`.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from network import SignNet
from torch.nn import functional


def main(training: str, folder: str) -> None:
    """Train on images in 0..1, and write the weights alone."""
    torch.set_num_threads(1)
    torch.manual_seed(1)
    with np.load(training) as arrays:
        x = torch.from_numpy(arrays["x"]).permute(0, 3, 1, 2).float() / 255
        y = torch.from_numpy(arrays["y"])
    network = SignNet()
    optimiser = torch.optim.Adam(network.parameters(), 2e-3)
    for _ in range(12):
        for chosen in torch.randperm(len(x)).split(64):
            optimiser.zero_grad()
            functional.cross_entropy(network(x[chosen]), y[chosen]).backward()
            optimiser.step()
    torch.save(network.eval().state_dict(), Path(folder) / "vendor.pt")


if __name__ == "__main__":
    main(*sys.argv[1:])
