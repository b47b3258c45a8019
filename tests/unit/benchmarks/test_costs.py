import numpy as np
import pytest
from torch import nn

from benchmarks.memory import measure_stored
from benchmarks.pairs import compare, summarize
from benchmarks.removal import draw_neurons
from onnxaudit.records import NeuronAxis, TargetLayer


def layer(neurons: int) -> TargetLayer:
    return TargetLayer(
        name="fc",
        nodes=("fc",),
        weights=("w",),
        biases=(),
        output="z",
        activation="a",
        neurons=neurons,
        axis=NeuronAxis.OUTPUTS,
    )


def test_the_interval_of_a_median_holds_it_and_needs_six_pairs_to_leave_out_the_extremes() -> None:
    few = summarize([1.0, 2.0, 3.0])
    assert (few.median, few.low, few.high) == (2.0, 1.0, 3.0)
    many = summarize([float(value) for value in range(21)])
    assert (many.median, many.low, many.high) == (10.0, 5.0, 15.0)


def test_both_functions_of_a_pair_run_equally_often() -> None:
    calls: list[str] = []

    def ours() -> None:
        calls.append("ours")

    def theirs() -> None:
        calls.append("theirs")
        sum(range(10**6))

    compare(ours, theirs, 4)
    assert calls.count("theirs") - 3 == calls.count("ours")  # three runs tell how many fit into one measurement


@pytest.mark.parametrize(("neurons", "share", "count"), [(10, 0.3, 3), (10, 0.0, 1), (10, 1.0, 9), (2, 0.5, 1)])
def test_some_neurons_are_drawn_and_never_all(neurons: int, share: float, count: int) -> None:
    drawn = draw_neurons(layer(neurons), share, seed=3)
    assert len(set(drawn)) == count
    assert all(0 <= neuron < neurons for neuron in drawn)
    assert drawn == draw_neurons(layer(neurons), share, seed=3)


def test_stored_bytes_count_shared_tensors_once_in_any_object() -> None:
    class Holder:
        def __init__(self) -> None:
            self.network = nn.Linear(4, 2, bias=False)
            self.same = [self.network.weight.data]
            self.array = np.zeros(100)  # no tensor

    assert measure_stored(Holder()) == 4 * 2 * 4
