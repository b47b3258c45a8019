import numpy as np

from onnxaudit.mitigation.least_squares import fit


def problem(samples: int, columns: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(3)
    matrix = generator.standard_normal((4, columns)).astype(np.float32)
    inputs = generator.standard_normal((samples, columns)).astype(np.float32)
    return matrix, inputs, generator.standard_normal((samples, 4)).astype(np.float32)


def test_fewer_samples_than_columns_gives_the_ridge_solution() -> None:
    matrix, inputs, wanted = problem(6, 9)
    strength = 0.1 * np.square(inputs).sum(axis=1).mean()
    residual = wanted - inputs @ matrix.T
    exact = np.linalg.solve(inputs.T @ inputs + strength * np.eye(9), inputs.T @ residual).T
    np.testing.assert_allclose(fit(matrix, inputs, wanted, 0.1), matrix + exact, rtol=1e-4, atol=1e-5)


def test_more_samples_than_columns_gives_the_ridge_solution() -> None:
    matrix, inputs, wanted = problem(30, 5)
    strength = 0.1 * np.square(inputs).sum(axis=1).mean()
    residual = wanted - inputs @ matrix.T
    exact = np.linalg.solve(inputs.T @ inputs + strength * np.eye(5), inputs.T @ residual).T
    np.testing.assert_allclose(fit(matrix, inputs, wanted, 0.1), matrix + exact, rtol=1e-4, atol=1e-5)


def test_a_twin_takes_over_for_a_pruned_neuron() -> None:
    matrix, inputs, _ = problem(20, 6)
    inputs[:, 5] = inputs[:, 4]
    wanted = inputs @ matrix.T
    inputs[:, 5] = 0.0
    fitted = fit(matrix, inputs, wanted, 1e-6)
    np.testing.assert_allclose(inputs @ fitted.T, wanted, atol=1e-3)
    np.testing.assert_allclose(fitted[:, 4], matrix[:, 4] + matrix[:, 5], atol=1e-3)


def test_weights_of_a_pruned_neuron_stay_as_they_are() -> None:
    for samples in (4, 20):
        matrix, inputs, wanted = problem(samples, 6)
        inputs[:, 2] = 0.0
        np.testing.assert_array_equal(fit(matrix, inputs, wanted, 0.1)[:, 2], matrix[:, 2])


def test_a_strong_ridge_keeps_the_current_weights() -> None:
    matrix, inputs, wanted = problem(6, 9)
    np.testing.assert_allclose(fit(matrix, inputs, wanted, 1e9), matrix, atol=1e-6)


def test_dead_inputs_leave_the_weights_alone() -> None:
    matrix, inputs, wanted = problem(6, 9)
    np.testing.assert_array_equal(fit(matrix, 0 * inputs, wanted, 0.1), matrix)
