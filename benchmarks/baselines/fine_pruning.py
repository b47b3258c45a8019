"""Fine-Pruning: take out the channels that clean images leave silent, then fine-tune.

Channels of the last convolution go in the order of their mean activation on clean samples, the smallest first, as
long as agreement on `D_valid` falls by no more than is allowed; training on clean samples follows.

Source: K. Liu, B. Dolan-Gavitt, S. Garg, Fine-Pruning, RAID 2018.

Differs from the source: agreement with the original stands for accuracy; pruned channels are held at zero while tuning;
where the classifier is the only fully connected layer (a residual network) its inputs, which are the last block's
channels, are pruned, since a single convolution inside the block does not make them alone; so are the neurons of the
first fully connected layer where the file computes the biases of all its convolutions, which cannot be edited then.
"""

import numpy as np
import numpy.typing as npt
import torch

from benchmarks.baselines.problem import Baseline, Problem, Setting
from benchmarks.baselines.tuning import tune
from onnxaudit.errors import ModelError
from onnxaudit.intake import Model
from onnxaudit.mitigation.profiling import read_features
from onnxaudit.records import NeuronAxis, TargetLayer
from onnxaudit.runtime import Runtime
from onnxaudit.surgery import list_target_layers, neuron_entries, zero_neurons

STEP_SIZE = 1e-3


def apply(problem: Problem, setting: Setting) -> Model:
    """Prune until agreement has fallen by `setting["fall"]`, then tune."""
    layer = choose_layer(problem.original)
    runtime = Runtime(problem.original, problem.preprocessing)
    activity = read_features(runtime, layer, problem.fitting.images).mean(axis=0)
    order = np.argsort(activity, kind="stable")
    neurons = [int(n) for n in order[: count_prunable(problem, layer, order, setting["fall"])]]
    pruned = zero_neurons(problem.original, layer, neurons)
    return tune(problem, pruned, STEP_SIZE, held=neuron_entries(problem.original, layer, neurons))


def choose_layer(model: Model) -> TargetLayer:
    """The last convolution that can be edited, else the first fully connected layer; its inputs if it is the last."""
    first, *convolutions = list_target_layers(model)
    if first.axis is NeuronAxis.INPUTS:
        return first
    return next((layer for layer in convolutions if _is_editable(model, layer)), first)


def _is_editable(model: Model, layer: TargetLayer) -> bool:
    try:
        neuron_entries(model, layer, range(layer.neurons))
    except ModelError:
        return False
    return True


@torch.no_grad()
def count_prunable(problem: Problem, layer: TargetLayer, order: npt.NDArray[np.int64], fall: float) -> int:
    """How many neurons, taken in `order`, can go before agreement has fallen by more than `fall`."""
    copy, images = problem.copy(problem.original), torch.from_numpy(problem.evaluation.validation.images)
    features = copy.values(images, [layer.activation])[layer.activation].clone()
    fed = {copy.model.info.input.name: copy.preprocess(images)}  # reshapes may read its size
    for count, neuron in enumerate(order):
        features[:, int(neuron)] = 0.0
        answers = copy.tail({**fed, layer.activation: features}).argmax(dim=1).numpy()
        if (answers == problem.evaluation.validation.answers).mean() < 1 - fall:
            return count
    return len(order)


BASELINE = Baseline("Liu et al., RAID 2018", tuple({"fall": fall} for fall in (0.02, 0.05, 0.1)), apply)
