"""Channel-Lipschitz pruning: take out channels that can answer a small change with a large one.

Channel `k` of a convolution goes if its bound exceeds the layer's others:

    σ_k = ‖W_k‖₂ · |γ_k| / √(v_k + ε)   >   mean(σ) + u · std(σ)

`W_k` is the kernel `(inputs, places)` of the channel, `‖·‖₂` its largest singular value; `γ`, `v` and `ε` belong to the
batch norm behind it and are left out where it was folded into the kernel. No data are used but to choose `u`.

Source: R. Zheng et al., Data-free Backdoor Removal based on Channel Lipschitzness, ECCV 2022.
"""

import numpy as np
import numpy.typing as npt
import onnx

from benchmarks.baselines.problem import Baseline, Problem, Setting
from onnxaudit.intake import Model

Values = npt.NDArray[np.float64]


def apply(problem: Problem, setting: Setting) -> Model:
    """One `u`."""
    model = problem.original
    values: dict[str, npt.NDArray[np.floating]] = {}
    for node in model.computed.graph.node:
        if node.op_type != "Conv" or not _is_stored(model, node.input[1]):
            continue
        norm = _find_norm(model, node)
        bounds = bound_channels(model.initializer(node.input[1]), norm_factors(model, norm))
        excessive = find_excessive(bounds, setting["u"])
        silenced = node.input[1:] if norm is None else norm.input[1:3]
        values |= {name: _zero(model.initializer(name), excessive) for name in silenced if name}
    return model.with_values(values)


def bound_channels(kernel: npt.NDArray[np.floating], factors: Values) -> Values:
    """`σ` `(channels,)` of a kernel `(channels, inputs, places...)`."""
    matrices = kernel.reshape(*kernel.shape[:2], -1).astype(np.float64)
    return np.asarray(np.linalg.norm(matrices, ord=2, axis=(1, 2)) * factors)


def find_excessive(bounds: Values, u: float) -> npt.NDArray[np.bool_]:
    """Which channels exceed the mean by `u` standard deviations."""
    return np.asarray(bounds > bounds.mean() + u * bounds.std())


def norm_factors(model: Model, norm: onnx.NodeProto | None) -> Values:
    """What a batch norm multiplies each channel by, in absolute value; 1 without any."""
    if norm is None:
        return np.ones(1)
    epsilon = next((a.f for a in norm.attribute if a.name == "epsilon"), 1e-5)
    scale, variance = (model.initializer(norm.input[i]).astype(np.float64) for i in (1, 4))
    return np.asarray(np.abs(scale) / np.sqrt(variance + epsilon))


def _find_norm(model: Model, convolution: onnx.NodeProto) -> onnx.NodeProto | None:
    """The batch norm that alone reads a convolution."""
    users = [node for node in model.computed.graph.node if convolution.output[0] in node.input]
    return users[0] if len(users) == 1 and users[0].op_type == "BatchNormalization" else None


def _is_stored(model: Model, name: str) -> bool:
    return any(tensor.name == name for tensor in model.computed.graph.initializer)


def _zero(value: npt.NDArray[np.floating], channels: npt.NDArray[np.bool_]) -> npt.NDArray[np.floating]:
    changed = value.copy()
    changed[channels] = 0
    return changed


BASELINE = Baseline("Zheng et al., ECCV 2022", tuple({"u": u} for u in (1.0, 1.5, 2.0, 3.0, 4.0, 5.0)), apply)
