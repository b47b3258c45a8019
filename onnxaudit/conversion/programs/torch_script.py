"""A TorchScript file, by the exporter for such; PyTorch's reader of these knows no classes and functions of Python."""

from collections.abc import Callable
from typing import Any

import torch

OPSET = 17


def convert(request: dict[str, Any], refuse_pickles: Callable[[], None]) -> tuple[Any, list[Any], str]:
    """Write the ONNX file; what the module computes, the shape of its input (None: any batch), and its type."""
    refuse_pickles()
    read: Any = torch.jit.load  # has no annotations
    module = read(request["source"], map_location="cpu").eval()
    size = request["size"]
    shapes = [request["shape"]] if request["shape"] else [[channels, *size] for channels in (3, 1)] if size else []
    shape = next((one for one in shapes if _takes(module, one)), None)
    if shape is None:
        told = " or ".join("x".join(map(str, one)) for one in shapes)
        says = f"it takes no input of {told}" if told else "the file does not say what its input is like"
        raise ValueError(f"{says}; give --input-shape 3x32x32")
    torch.onnx.export(
        module,
        (torch.zeros(2, *shape),),
        request["target"],
        dynamo=False,
        input_names=["input"],
        output_names=["output"],
        dynamic_axes={"input": {0: "batch"}, "output": {0: "batch"}},
        opset_version=OPSET,
    )

    def predict(inputs: Any) -> list[Any]:
        with torch.no_grad():
            found = module(torch.from_numpy(inputs))
        return [one.numpy() for one in (found if isinstance(found, tuple | list) else [found])]

    return predict, [None, *shape], "float32"


def _takes(module: Any, shape: list[int]) -> bool:
    try:
        with torch.no_grad():
            module(torch.zeros(2, *shape))
    except (RuntimeError, ValueError, IndexError):
        return False
    return True
