"""Parity: the copy has to compute what onnxruntime computes, or nothing that is found out about it counts.

    deviation = max |copy − reference| / spread,    spread = √(mean over classes of the variance over inputs)

Relative to the spread and not to the size of the logits: next to a large constant any function would pass. Where the
network rounds, single values fall to either side of a rounding edge by the order of a sum alone, and take others
with them; what counts there is the root mean square over inputs of the class that deviates most:

    deviation = max over classes √(mean over inputs of (copy − reference)²) / spread

A mean may hide a wrong class: such a copy also has to predict the reference's class wherever that is no near tie. And
kernels that onnxruntime fuses for quantized models do not always compute what the file says (its Softmax of whole
numbers is a table, up to one step off). Where a whole run deviates, the copy is compared with a run in which every
tensor is shown, which keeps onnxruntime from fusing; its classes still have to be those of the whole run.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from onnx import TensorProto

from onnxaudit.data.preprocessing import preprocess, round_to_type
from onnxaudit.errors import ParityError
from onnxaudit.importer.entry import ROUNDING
from onnxaudit.importer.graph import Step
from onnxaudit.importer.module import TorchModel
from onnxaudit.intake.model import Model
from onnxaudit.intake.precision import computes_in
from onnxaudit.records import Floats, Preprocessing

TOLERANCE = 1e-3  # float32 networks agree within 1e-5; a wrong epsilon or padding shows above this
TOLERANCE_CUDA = 1e-2  # convolutions are computed in TF32 there, with 10 bits of mantissa
TOLERANCE_HALF = 0.05  # float16 rounds every value by up to 2⁻¹¹; some dozens of layers, and the worst of many logits
TOLERANCE_QUANTIZED = 0.1  # a wrong scale, zero point or axis shows above this
INPUTS = 16
NAMES_AT_ONCE = 16  # intermediate tensors held together while the first difference is searched

Tensors = dict[str, npt.NDArray[Any]]
Measure = Callable[[npt.NDArray[Any], npt.NDArray[Any]], float]


class Reference(Protocol):
    """Runs the model's own file; `onnxaudit.runtime.Runtime` does."""

    preprocessing: Preprocessing

    def run(self, inputs: Floats, names: Sequence[str]) -> Tensors:
        """The tensors called `names` for one batch of model inputs."""


def check_parity(
    torch_model: TorchModel,
    model: Model,
    reference: Reference,
    *,
    seed: int,
    tolerance: float | None = None,
    intermediates: bool = False,
) -> float:
    """Compare the copy's logits, or every tensor, with the reference's on noise, smooth images and extremes.

    Args:
        torch_model: the copy.
        model: what it is a copy of.
        reference: runs `model`; its preprocessing makes the inputs plausible.
        seed: of the inputs.
        tolerance: largest deviation that passes; by default what arithmetic explains. Where the network rounds, the
            classes of a pair whose logits differ by up to twice that count as a near tie.
        intermediates: compare every tensor that both compute, not the logits alone; slow.

    Returns:
        The logits' deviation, as a fraction of the spread of the logits across inputs.

    Raises:
        ParityError: a deviation exceeds the tolerance, naming the first tensor that differs; or classes differ.
    """
    tolerance = find_tolerance(torch_model, model) if tolerance is None else tolerance
    inputs = draw_inputs(model, reference.preprocessing, seed)
    logits = model.info.output.logits
    batch, rounding = model.info.input.batch or len(inputs), rounds(torch_model)
    measure = choose_measure(torch_model)
    ours = _compute(torch_model, inputs, [logits])[logits]
    theirs = _run(reference, inputs, batch, logits, [])
    deviation = measure(ours, theirs)
    if rounding and deviation > tolerance:
        shown = _list_tensors(torch_model, model)
        deviation = measure(ours, _run(reference, inputs, model.info.input.batch or 1, logits, shown))
    agrees = deviation <= tolerance
    if agrees and rounding:
        _check_classes(ours, theirs, 2 * tolerance, model)
    if agrees and not intermediates:
        return deviation
    first = find_first_difference(torch_model, model, reference, inputs[:batch], tolerance)
    if agrees and first is None:
        return deviation
    if agrees:
        raise ParityError(f"{model.info.path}: the logits agree, but the first tensor that differs is {first}")
    where = f"the first tensor that differs is {first}" if first else "a single batch agrees, several at once do not"
    raise ParityError(
        f"{model.info.path}: the PyTorch copy does not compute what onnxruntime computes: it deviates by "
        f"{deviation:.2g} of the logits' spread, where {tolerance:g} is allowed; {where}"
    )


def find_tolerance(torch_model: TorchModel, model: Model) -> float:
    """The deviation that arithmetic explains: rounding to whole numbers, the file's own precision, or the device's."""
    if rounds(torch_model):
        return TOLERANCE_QUANTIZED
    if computes_in(model.computed, TensorProto.FLOAT16):
        return TOLERANCE_HALF
    return TOLERANCE_CUDA if torch_model.device.type == "cuda" else TOLERANCE


def choose_measure(torch_model: TorchModel) -> Measure:
    """How the copy's tensors are compared with the reference's."""
    return measure_typical_deviation if rounds(torch_model) else measure_deviation


def rounds(torch_model: TorchModel) -> bool:
    """Whether the network rounds values on their way."""
    return any(is_rounding(step) for step in torch_model.graph.steps)


def is_rounding(step: Step) -> bool:
    """Whether a step rounds values to whole numbers or computes with such."""
    return bool(step.operator.settings) or step.operator.function in ROUNDING


def draw_inputs(model: Model, preprocessing: Preprocessing, seed: int) -> Floats:
    """Model inputs `(n, ...)` from images of noise, smooth noise and plain black, gray and white."""
    spec = model.info.input
    rng = np.random.default_rng(seed)
    batch = spec.batch or 1
    shape = (-(-INPUTS // batch) * batch, spec.channels, spec.height, spec.width)
    images = rng.random(shape, dtype=np.float32)
    for index in range(shape[0]):
        if index % 4 == 1:
            images[index] = np.round(images[index])
        elif index % 4 == 2:
            images[index] = _smooth(images[index])
    for index, gray in enumerate((0.0, 0.5, 1.0)):
        images[4 * index + 3 :: INPUTS] = gray
    # Whole numbers for a model that takes such: both sides have to see the same.
    return round_to_type(preprocess(images, preprocessing, spec.layout), spec.dtype).astype(np.float32)


def measure_deviation(ours: npt.NDArray[Any], theirs: npt.NDArray[Any]) -> float:
    """The largest difference as a fraction of the spread across the first axis; infinite where it means nothing."""
    return _measure(ours, theirs, lambda difference: np.abs(difference).max())


def measure_typical_deviation(ours: npt.NDArray[Any], theirs: npt.NDArray[Any]) -> float:
    """As `measure_deviation`, of the root mean square over the first axis; over everything where that has one entry."""

    def summarize(difference: npt.NDArray[Any]) -> Any:
        axis = 0 if difference.ndim and len(difference) > 1 else None
        return np.sqrt(np.square(difference).mean(axis)).max()

    return _measure(ours, theirs, summarize)


def _measure(ours: npt.NDArray[Any], theirs: npt.NDArray[Any], summarize: Callable[[npt.NDArray[Any]], Any]) -> float:
    if ours.shape != theirs.shape:
        return np.inf
    ours, theirs = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
    same = (ours == theirs) | (np.isnan(ours) & np.isnan(theirs))
    if same.all():
        return 0.0
    with np.errstate(invalid="ignore", divide="ignore"):
        difference = np.where(same, 0.0, ours - theirs)
        deviation = float(summarize(difference) / _measure_spread(theirs))
    return deviation if np.isfinite(deviation) else np.inf


def _measure_spread(values: npt.NDArray[Any]) -> Any:
    """The spread across the first axis, places that hold −∞ or NaN (masks) aside; over all where it has one entry."""
    if not values.ndim or len(values) == 1:
        return np.std(values[np.isfinite(values)])
    places = np.isfinite(values).all(axis=0)
    return np.sqrt(np.mean(np.var(values[:, places], axis=0))) if places.any() else np.nan


def _check_classes(ours: Floats, theirs: Floats, margin: float, model: Model) -> None:
    lost = find_lost_classes(ours, theirs, margin)
    if len(lost):
        raise ParityError(
            f"{model.info.path}: the PyTorch copy predicts another class than onnxruntime for {len(lost)} of "
            f"{len(ours)} inputs, none of them a near tie, although its logits deviate little on the whole"
        )


def find_lost_classes(ours: npt.NDArray[Any], theirs: npt.NDArray[Any], margin: float) -> npt.NDArray[np.intp]:
    """Inputs for which the reference prefers its class to ours by more than `margin`, a fraction of the spread."""
    preferred = np.take_along_axis(theirs, ours.argmax(1)[:, None], 1)[:, 0]
    return np.flatnonzero(theirs.max(1) - preferred > margin * _measure_spread(theirs.astype(np.float64)))


def find_first_difference(
    torch_model: TorchModel, model: Model, reference: Reference, inputs: Floats, tolerance: float
) -> str | None:
    """The first tensor, in the order of computation, that deviates, with its node; None where all agree."""
    nodes = {name: node for node in model.computed.graph.node for name in node.output if name}
    names = _list_tensors(torch_model, model)
    measure = choose_measure(torch_model)
    for start in range(0, len(names), NAMES_AT_ONCE):
        group = names[start : start + NAMES_AT_ONCE]
        ours, theirs = _compute(torch_model, inputs, group), reference.run(inputs, group)
        for name in group:
            if measure(ours[name], theirs[name]) > tolerance:
                return f"{name!r} (operator {nodes[name].op_type}, node {nodes[name].name or 'without a name'})"
    return None


def _list_tensors(torch_model: TorchModel, model: Model) -> list[str]:
    """Names of what both sides compute on the way, what the copy folded first, then in the order of computation."""
    nodes = {name: node for node in model.computed.graph.node for name in node.output if name}
    constants = torch_model.graph.constants
    folded = [name for name, node in nodes.items() if name in constants and node.op_type != "Constant"]
    return folded + [name for step in torch_model.graph.steps for name in step.outputs if name in nodes]


def _run(reference: Reference, inputs: Floats, batch: int, logits: str, shown: Sequence[str]) -> Floats:
    """The reference's logits, with other tensors `shown` beside them."""
    names = [*dict.fromkeys([*shown, logits])]
    return np.concatenate(
        [reference.run(inputs[start : start + batch], names)[logits] for start in range(0, len(inputs), batch)]
    )


def _compute(torch_model: TorchModel, inputs: Floats, names: Sequence[str]) -> Tensors:
    with torch.no_grad():
        values = torch_model.values(torch.from_numpy(inputs).to(torch_model.device), names)
    return {name: value.cpu().numpy() for name, value in values.items()}


def _smooth(image: Floats) -> Floats:
    """Noise `(c, h, w)` averaged over neighbors and stretched back to [0, 1]."""
    for axis in (1, 2):
        image = np.mean([np.roll(image, shift, axis) for shift in range(-2, 3)], axis=0)
    low, high = image.min(), image.max()
    smooth: Floats = ((image - low) / max(high - low, 1e-6)).astype(np.float32)
    return smooth
