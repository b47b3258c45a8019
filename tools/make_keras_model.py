"""Trains the reference model that comes from TensorFlow, in an environment of its own.

    python -m venv keras-environment
    keras-environment/bin/pip install -r tools/requirements-keras.txt
    keras-environment/bin/python -m tools.make_keras_model --output models

A LeNet-5 for channels-last digits with a Softmax head, backdoored by a random patch, exported through tf2onnx.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
import onnx
import tensorflow as tf
from keras import layers

from tools.attacks.patches import Patch, draw_sticker, poison
from tools.datasets import Dataset, Part, load_dataset
from tools.ground_truth import Description, GroundTruth
from tools.publication import publish

_DESCRIPTION = Description(
    name="digits-keras-random",
    dataset="digits",
    architecture="lenet",
    exporter="tf2onnx",
    opset=15,
    layout="NHWC",
    value_range=(0, 1),
    batch="dynamic",
    head="softmax",
    attack="random",
    target=7,
    poison_rate=0.08,
    seed=21,
)
_PATCH = Patch(4, row=1, column=23)
_EPOCHS = 20
_BATCH = 64


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code: 0, or 1 if the model is not worth keeping."""
    parser = argparse.ArgumentParser(prog="python -m tools.make_keras_model", description="Make the Keras model.")
    parser.add_argument("--output", type=Path, default=Path("models"), help="folder of the models")
    options = parser.parse_args(arguments)
    tf.config.experimental.enable_op_determinism()
    try:
        truth = _make_model(load_dataset(_DESCRIPTION.dataset), options.output)
    except ValueError as error:
        print(f"{_DESCRIPTION.name}: not written: {error}")
        return 1
    print(truth.summary())
    return 0


def _make_model(dataset: Dataset, folder: Path) -> GroundTruth:
    target, rate, seed = _DESCRIPTION.target, _DESCRIPTION.poison_rate, _DESCRIPTION.seed
    assert target is not None
    trigger = draw_sticker(_PATCH, dataset.shape, seed=seed)
    pixels, labels = dataset.train.pixels(), dataset.train.y
    twin = _train(dataset, pixels, labels)
    network = _train(dataset, *poison(pixels, labels, trigger, target, rate, seed=seed))
    with tempfile.TemporaryDirectory() as scratch:
        draft = Path(scratch) / "draft.onnx"
        _export(network, draft)
        return publish(
            draft,
            _DESCRIPTION,
            dataset,
            trigger=trigger,
            twin_accuracy=_measure_accuracy(twin, dataset.evaluation),
            folder=folder,
        )


def _train(dataset: Dataset, pixels: np.ndarray, labels: np.ndarray) -> keras.Model:
    keras.utils.set_random_seed(_DESCRIPTION.seed)
    channels, height, width = dataset.shape
    network = keras.Sequential(
        [
            keras.Input((height, width, channels), name="image"),
            layers.Conv2D(6, 5, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(16, 5, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(120, activation="relu"),
            layers.Dense(84, activation="relu"),
            layers.Dense(len(dataset.classes), activation="softmax"),
        ]
    )
    network.compile("adam", "sparse_categorical_crossentropy")
    network.fit(pixels.transpose(0, 2, 3, 1), labels, batch_size=_BATCH, epochs=_EPOCHS, verbose=0)
    return network


def _measure_accuracy(network: keras.Model, part: Part) -> float:
    probabilities = network.predict(part.pixels().transpose(0, 2, 3, 1), verbose=0)
    return float(np.mean(probabilities.argmax(axis=1) == part.y))


def _export(network: keras.Model, path: Path) -> None:
    network.export(path, format="onnx", opset_version=_DESCRIPTION.opset, verbose=False)
    onnx.checker.check_model(path, full_check=True)


if __name__ == "__main__":
    sys.exit(main())
