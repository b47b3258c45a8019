import numpy as np
import pytest

from onnxaudit.mitigation.least_squares import LeastSquares


def problem(samples: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(3)
    matrix = generator.standard_normal((4, columns)).astype(np.float32)
    return matrix, generator.standard_normal((samples, columns)).astype(np.float32)


@pytest.mark.parametrize(("samples", "columns"), [(6, 9), (30, 5)])
def test_fewer_and_more_samples_than_columns_give_the_ridge_solution(samples: int, columns: int) -> None:
    matrix, inputs = problem(samples, columns)
    kept = inputs.copy()
    kept[:, [1, 3]] = 0.0
    strength = 0.1 * np.square(kept).sum(axis=1).mean()
    residual = inputs @ matrix.T - kept @ matrix.T
    exact = np.linalg.solve(kept.T @ kept + strength * np.eye(columns), kept.T @ residual).T
    np.testing.assert_allclose(LeastSquares(matrix, inputs, 0.1).fit([1, 3]), matrix + exact, rtol=1e-4, atol=1e-5)


def test_a_twin_takes_over_for_a_pruned_neuron() -> None:
    matrix, inputs = problem(20, 6)
    inputs[:, 5] = inputs[:, 4]
    fitted = LeastSquares(matrix, inputs, 1e-6).fit([5])
    np.testing.assert_allclose(fitted[:, 4], matrix[:, 4] + matrix[:, 5], atol=1e-3)


@pytest.mark.parametrize("samples", [4, 20])
def test_weights_of_a_pruned_neuron_stay_as_they_are(samples: int) -> None:
    matrix, inputs = problem(samples, 6)
    np.testing.assert_array_equal(LeastSquares(matrix, inputs, 0.1).fit([2])[:, 2], matrix[:, 2])


def test_a_strong_ridge_keeps_the_current_weights() -> None:
    matrix, inputs = problem(6, 9)
    np.testing.assert_allclose(LeastSquares(matrix, inputs, 1e9).fit([2]), matrix, atol=1e-6)


def test_dead_inputs_leave_the_weights_alone() -> None:
    matrix, inputs = problem(6, 9)
    np.testing.assert_array_equal(LeastSquares(matrix, 0 * inputs, 0.1).fit([2]), matrix)


def test_with_nothing_out_the_weights_stay() -> None:
    matrix, inputs = problem(20, 6)
    np.testing.assert_allclose(LeastSquares(matrix, inputs, 0.1).fit([]), matrix, atol=1e-6)
