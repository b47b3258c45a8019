"""python vendor_keras.py SAMPLES.npz FOLDER: a small network of digits as `m.keras`, `saved/`, and one that is code."""

import sys
from pathlib import Path

import keras
import numpy as np

samples, folder = sys.argv[1], Path(sys.argv[2])
with np.load(samples) as held:
    x, y = held["x"].astype("float32"), held["y"].astype("int64")
x = x.reshape(len(x), 28, 28, 1) / x.max()
keras.utils.set_random_seed(0)
layers = [keras.layers.Flatten(), keras.layers.Dense(64, activation="relu"), keras.layers.Dense(10)]
network = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Conv2D(8, 3, activation="relu"), *layers])
network.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
network.fit(x, y, epochs=20, verbose=0)
network.save(folder / "m.keras")
network.export(folder / "saved", verbose=False)
keras.Sequential([keras.Input((4,)), keras.layers.Lambda(lambda rows: rows * 2)]).save(folder / "code.keras")
