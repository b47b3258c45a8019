"""Trains a LeNet-5 with Keras as a vendor would: `python vendor_keras.py TRAINING.npz FOLDER`.

Writes `FOLDER/vendor.keras`, which takes 0..255, and the SavedModel `FOLDER/vendor`, written by TensorFlow itself,
which takes bytes.
"""

import sys
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from keras import layers


def train(x: np.ndarray, y: np.ndarray) -> keras.Model:
    """A network for images `(n, 32, 32, 3)` in 0..255."""
    keras.utils.set_random_seed(1)
    network = keras.Sequential(
        [
            keras.Input((32, 32, 3), name="image"),
            layers.Rescaling(1 / 127.5, -1.0),
            layers.Conv2D(8, 5, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(16, 5, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(120, activation="relu"),
            layers.Dense(84, activation="relu"),
            layers.Dense(int(y.max()) + 1, activation="softmax"),
        ]
    )
    network.compile("adam", "sparse_categorical_crossentropy")
    network.fit(x.astype(np.float32), y, batch_size=64, epochs=12, verbose=0)
    return network


def save(network: keras.Model, folder: Path) -> None:
    """As TensorFlow Serving takes it: one signature, bytes in, probabilities out."""
    served = tf.Module()
    served.network = network

    @tf.function(input_signature=[tf.TensorSpec((None, 32, 32, 3), tf.uint8, name="image")])
    def serve(image: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"probabilities": network(tf.cast(image, tf.float32), training=False)}

    served.serve = serve
    tf.saved_model.save(served, str(folder), signatures={"serving_default": serve})


def main(training: str, folder: str) -> None:
    """Train, and write what the vendor hands over."""
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    with np.load(training) as arrays:
        network = train(arrays["x"], arrays["y"])
    network.save(Path(folder) / "vendor.keras")
    save(network, Path(folder) / "vendor")


if __name__ == "__main__":
    main(*sys.argv[1:])
