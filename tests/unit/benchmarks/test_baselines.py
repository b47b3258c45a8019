from collections.abc import Mapping

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from onnx import numpy_helper
from torch import Tensor, nn

from benchmarks.baselines import channel_lipschitz, clean_tuning, fine_pruning, implicit_hypergradient, unlearning
from benchmarks.baselines.channel_lipschitz import bound_channels, find_excessive
from benchmarks.baselines.implicit_hypergradient import Schedule, differentiate, find_worst_change
from benchmarks.baselines.problem import Baseline, Problem, choose, rank
from benchmarks.baselines.tuning import TuningConfig, tune
from onnxaudit.intake import Model
from onnxaudit.pipeline.evaluation import Evaluation
from onnxaudit.records import Measurement, Preprocessing
from onnxaudit.statistics import rate
from onnxaudit.surgery import find_target_layer, neuron_entries, zero_neurons
from tests.unit.importer.networks import make_model
from tests.unit.mitigation import stripes

CONVOLUTIONAL = """tiny (float[N, 1, 8, 8] x) => (float[N, 3] y) {
    c = Conv <kernel_shape = [3, 3], pads = [1, 1, 1, 1]> (x, k, kb)
    n = BatchNormalization (c, scale, shift, mean, variance)
    r = Relu(n)
    flat = Flatten(r)
    h = Gemm <transB = 1> (flat, w1, b1)
    a = Relu(h)
    y = Gemm <transB = 1> (a, w2, b2)
}"""


def problem(model: Model | None = None, seed: int = 0) -> Problem:
    model = model or stripes.backdoored()
    fitting, validation = stripes.samples(seed=1), stripes.samples(seed=2)
    triggers = {stripes.TARGET: (stripes.trigger(),)}
    return Problem(
        original=model,
        preprocessing=Preprocessing(),
        fitting=stripes.reference(model, fitting),
        evaluation=Evaluation.of(stripes.runtime(model), stripes.reference(model, validation), triggers),
        seed=seed,
    )


def convolutional() -> Model:
    draw = np.random.default_rng(0)
    shapes = {"k": (4, 1, 3, 3), "kb": (4,), "w1": (5, 256), "b1": (5,), "w2": (3, 5), "b2": (3,)}
    weights = {name: 0.1 * draw.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
    weights["kb"][2] = -9.0  # no clean image moves this channel
    ones, zeros = np.ones(4, np.float32), np.zeros(4, np.float32)
    return make_model(CONVOLUTIONAL, weights | {"scale": ones, "shift": zeros, "mean": zeros, "variance": ones})


def measurement(agreement: int, success: int) -> Measurement:
    return Measurement(rate(0, 0), rate(agreement, 100), rate(success, 100))


def test_limits_come_first_when_a_setting_is_chosen() -> None:
    within, faithful, harmless = measurement(97, 9), measurement(100, 40), measurement(80, 0)
    assert min([faithful, harmless, within], key=rank) is within


def test_within_the_limits_success_and_agreement_decide() -> None:
    assert rank(measurement(99, 3)) < rank(measurement(98, 3)) < rank(measurement(98, 5))


def test_the_whole_grid_is_tried() -> None:
    tried = []

    def apply(task: Problem, setting: Mapping[str, float]) -> Model:
        tried.append(setting["knob"])
        neurons = stripes.PLANTED if setting["knob"] == 2 else ()
        return zero_neurons(task.original, find_target_layer(task.original), neurons)

    chosen = choose(problem(), Baseline("nobody", ({"knob": 1}, {"knob": 2}, {"knob": 3}), apply))
    assert tried == [1, 2, 3]
    assert [one.setting["knob"] for one in chosen.grid] == [1, 2, 3]
    assert chosen.best.setting == {"knob": 2}
    assert stripes.success(chosen.best.model) == 0.0


def test_unlearning_breaks_the_trigger_and_keeps_accuracy() -> None:
    tuned = unlearning.apply(problem(), {"step_size": 1e-2})
    assert stripes.success(stripes.backdoored()) == 1.0
    assert stripes.success(tuned) < 0.2
    assert stripes.accuracy(tuned) > 0.95


def test_clean_tuning_alone_leaves_the_trigger() -> None:
    assert stripes.success(clean_tuning.apply(problem(), {"step_size": 1e-3})) == 1.0


def test_tuning_is_repeatable_and_keeps_held_entries_at_zero() -> None:
    task, config = problem(), TuningConfig(steps=3)
    layer = find_target_layer(task.original)
    held = neuron_entries(task.original, layer, stripes.PLANTED)
    pruned = zero_neurons(task.original, layer, stripes.PLANTED)
    first, second = (tune(task, pruned, 1e-2, config, held=held) for _ in range(2))
    for name, mask in held.items():
        assert not first.initializer(name)[mask].any()
    assert all(np.array_equal(first.initializer(name), second.initializer(name)) for name in first.values)
    assert any(not np.array_equal(first.initializer(name), pruned.initializer(name)) for name in first.values)


def test_tuning_leaves_torchs_own_generator_alone() -> None:
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    tune(problem(), stripes.backdoored(), 1e-3, TuningConfig(steps=2))
    assert torch.equal(before, torch.random.get_rng_state())


def test_fine_pruning_takes_silent_channels_of_the_last_convolution() -> None:
    task = problem(convolutional())
    layer = fine_pruning.choose_layer(task.original)
    assert layer.weights == ("k",)
    order = np.array([2, 0, 1, 3])
    assert fine_pruning.count_prunable(task, layer, order, fall=0.0) >= 1
    assert fine_pruning.count_prunable(task, layer, order, fall=1.0) == 4
    pruned = fine_pruning.apply(task, {"fall": 0.0})
    assert not pruned.initializer("k")[2].any()


def test_fine_pruning_takes_graphs_whose_reshapes_read_the_size_of_the_input() -> None:
    body = CONVOLUTIONAL.replace(
        "flat = Flatten(r)", "s = Shape<end = 1>(x) o = Concat<axis = 0>(s, rest) flat = Reshape(r, o)"
    )
    weights = convolutional().proto.graph.initializer
    values = {tensor.name: numpy_helper.to_array(tensor) for tensor in weights}
    task = problem(make_model(body, values | {"rest": np.array([256])}))
    layer = fine_pruning.choose_layer(task.original)
    assert fine_pruning.count_prunable(task, layer, np.array([2, 0, 1, 3]), fall=1.0) == 4


def test_channel_bound_is_the_largest_singular_value_times_the_norms_factor() -> None:
    kernel = np.zeros((2, 2, 1, 2), np.float32)
    kernel[0, :, 0, :] = np.diag([3, 4])
    kernel[1, :, 0, :] = 1
    assert bound_channels(kernel, np.array([1.0, 0.5])) == pytest.approx([4, 1])


def test_only_channels_far_above_their_layer_are_excessive() -> None:
    bounds = np.array([1.0] * 9 + [10.0])
    assert np.flatnonzero(find_excessive(bounds, 2.0)).tolist() == [9]
    assert not find_excessive(bounds, 3.5).any()


def test_lipschitz_pruning_silences_excessive_channels_behind_their_batch_norm() -> None:
    model = convolutional()
    scale = np.array([1, 50, 1, 1], np.float32)
    pruned = channel_lipschitz.apply(problem(model.with_values({"scale": scale})), {"u": 1.0})
    assert pruned.initializer("scale").tolist() == [1, 0, 1, 1]
    assert np.array_equal(pruned.initializer("k"), model.initializer("k"))


class Curved(torch.nn.Module):
    """Two classes by a curve of one pixel; smooth, and in double precision."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor([0.7, -0.4], dtype=torch.float64))

    def forward(self, images: Tensor) -> Tensor:
        pixel = images.flatten(1)
        return torch.cat([torch.zeros_like(pixel), self.weight[0] * pixel + self.weight[1] * pixel.square()], dim=1)


def pixels() -> tuple[Tensor, Tensor]:
    images = torch.tensor([0.2, 0.6, 1.4], dtype=torch.float64).reshape(3, 1, 1, 1)
    return images, torch.tensor([0, 1, 1])


def settle(network: nn.Module, images: Tensor, schedule: Schedule) -> Tensor:
    """The fixed point of the inner problem, by many small steps."""
    answers, change = network(images).argmax(dim=1), torch.zeros_like(images[:1]).requires_grad_()
    for _ in range(300):
        inner = F.cross_entropy(network(images + change), answers) - schedule.penalty * change.square().sum()
        (slope,) = torch.autograd.grad(inner, change)
        change = (change + 0.2 * slope).detach().requires_grad_()
    return change.detach()


def test_hypergradient_is_the_derivative_of_the_outer_loss_along_the_settled_change() -> None:
    network, (images, labels), marked = Curved(), pixels(), torch.tensor([True, True, False])
    schedule = Schedule(penalty=1.0, map_step=0.2, iterations=300)

    def outer() -> float:
        shown = images + marked[:, None, None, None] * settle(network, images, schedule)
        return F.cross_entropy(network(shown), labels).item()

    weights = [network.weight]
    change = settle(network, images, schedule)
    (gradient,) = differentiate(network, weights, images, labels, change=change, marked=marked, schedule=schedule)
    for place, step in ((0, 1e-5), (1, 1e-5)):
        losses = []
        for sign in (1, -2):
            with torch.no_grad():
                network.weight[place] += sign * step
            losses.append(outer())
        with torch.no_grad():
            network.weight[place] += step
        assert (losses[0] - losses[1]) / (2 * step) == pytest.approx(gradient[place].item(), rel=1e-4)


def test_worst_change_leaves_the_answers_within_its_radius() -> None:
    network, (images, _) = Curved(), pixels()
    change = find_worst_change(network, images, Schedule(radius=0.5), torch.Generator().manual_seed(0))
    answers = network(images).argmax(dim=1)
    assert change.norm().item() <= 0.5 + 1e-9
    assert F.cross_entropy(network(images + change), answers) > F.cross_entropy(network(images), answers)


def test_hypergradient_unlearning_moves_weights_only_and_keeps_accuracy() -> None:
    task = problem()
    tuned = implicit_hypergradient.apply(task, {"step_size": 1e-3}, Schedule(rounds=2))
    assert set(tuned.values) <= {"w1", "b1", "w2", "b2"}
    assert tuned.values
    assert stripes.accuracy(tuned) > 0.95
