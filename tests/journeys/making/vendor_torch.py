"""python vendor_torch.py SAMPLES.npz FOLDER: a small network of digits as `m.pt2`, and its weights as a pickle."""

import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn

samples, folder = sys.argv[1], Path(sys.argv[2])
with np.load(samples) as held:
    x, y = torch.from_numpy(held["x"].astype("float32")), torch.from_numpy(held["y"].astype("int64"))
x = x.reshape(len(x), 1, 28, 28) / x.max()
torch.manual_seed(0)
network = nn.Sequential(
    nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 26 * 26, 64), nn.ReLU(), nn.Linear(64, 10)
)
steps = torch.optim.Adam(network.parameters(), 1e-3)
for _ in range(60):
    steps.zero_grad()
    nn.functional.cross_entropy(network(x), y).backward()
    steps.step()
network.eval()
batch = torch.export.Dim("batch")
torch.export.save(torch.export.export(network, (x[:2],), dynamic_shapes=({0: batch},)), folder / "m.pt2")
torch.save(network.state_dict(), folder / "w.pth")
