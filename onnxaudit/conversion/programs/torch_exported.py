"""A program of torch.export, by torch.onnx."""

from collections.abc import Callable
from typing import Any

import torch


def convert(request: dict[str, Any], refuse_pickles: Callable[[], None]) -> tuple[Any, list[Any], str]:
    """Write the ONNX file; what the program computes, the shape of its input (None: any batch), and its type."""
    import onnxscript  # noqa: F401 - torch.onnx needs it, and would say so in many lines

    refuse_pickles()
    program = torch.export.load(request["source"])
    names = program.graph_signature.user_inputs
    if len(names) != 1:
        raise ValueError(f"it has {len(names)} inputs; a classifier has one")
    (value,) = [node.meta["val"] for node in program.graph.nodes if node.op == "placeholder" and node.name == names[0]]
    shape: list[Any] = [size if isinstance(size, int) else None for size in value.shape]
    given = request["shape"] or [*shape[1:2], *(request["size"] or [])]
    shape[1:] = [own or (given[at] if at < len(given) else None) for at, own in enumerate(shape[1:])]
    if None in shape[1:]:
        raise ValueError("it leaves sizes of its input free; give --input-shape")
    module = program.module()
    torch.onnx.export(program, (), request["target"], dynamo=True, external_data=False, verbose=False)

    def predict(inputs: Any) -> list[Any]:
        with torch.no_grad():
            found = module(torch.from_numpy(inputs))
        return [one.numpy() for one in (found.values() if isinstance(found, dict) else _list(found))]

    return predict, shape, str(value.dtype).removeprefix("torch.")


def _list(found: Any) -> list[Any]:
    return list(found) if isinstance(found, tuple | list) else [found]
