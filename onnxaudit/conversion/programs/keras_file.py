"""A Keras file, by Keras's own export; in safe mode, so that no code of the file runs."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

OPSET = 18
CODE = ("Lambda",)  # layers that are code


def convert(request: dict[str, Any], refuse_pickles: Callable[[], None]) -> tuple[Any, list[Any], str]:
    """Write the ONNX file; what the network computes, the shape of its input (None: any batch), and its type."""
    import keras
    import tf2onnx  # noqa: F401 - Keras needs it, and would say so late

    refuse_pickles()
    if not request["source"].endswith(".keras"):
        refuse_code(request["source"])
    network = keras.models.load_model(request["source"], compile=False, safe_mode=True)
    if len(network.inputs) != 1:
        raise ValueError(f"it has {len(network.inputs)} inputs; a classifier has one")
    declared = network.inputs[0].shape
    shape = [*declared[1:]]
    given = request["shape"] or (request["size"] and [*request["size"], shape[-1]])
    shape = [own or (given[at] if given and at < len(given) else None) for at, own in enumerate(shape)]
    if None in shape:
        raise ValueError("it leaves sizes of its input free; give --input-shape")
    dtype = str(network.inputs[0].dtype)
    network(np.zeros((1, *shape), dtype))  # Keras exports only what was called once
    network.export(request["target"], format="onnx", opset_version=OPSET, verbose=False)

    def predict(inputs: Any) -> list[Any]:
        found = network(inputs, training=False)
        parts = found.values() if isinstance(found, dict) else found if isinstance(found, tuple | list) else [found]
        return [np.asarray(keras.ops.convert_to_numpy(one)) for one in parts]

    return predict, [declared[0], *shape], dtype


def refuse_code(path: str) -> None:
    """Older files keep a layer's code where safe mode does not look."""
    import h5py

    with h5py.File(path, "r") as file:
        config = file.attrs.get("model_config")
    if config is None:
        raise ValueError("the file holds weights without a network; load them into it and save a .keras file")
    text = config.decode() if isinstance(config, bytes) else str(config)
    found = sorted(set(list_classes(json.loads(text))) & set(CODE))
    if found:
        raise ValueError(f"it has layers of class {', '.join(found)}, which are code from the file; refused")


def list_classes(config: Any) -> Iterator[str]:
    """The classes of all layers, nested ones too."""
    if isinstance(config, dict):
        if isinstance(config.get("class_name"), str):
            yield config["class_name"].rpartition(">")[2]
        for value in config.values():
            yield from list_classes(value)
    elif isinstance(config, list):
        for value in config:
            yield from list_classes(value)
