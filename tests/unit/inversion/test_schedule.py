import torch

from onnxaudit.inversion.schedule import Penalty, Schedule

CPU = torch.device("cpu")


def update(penalty: Penalty, step: int, size: float, success: float) -> tuple[float, bool]:
    row = torch.tensor([0])
    weights, better = penalty.update(row, step, sizes=torch.tensor([size]), success=torch.tensor([success]))
    return float(weights), bool(better)


def test_the_penalty_rises_with_success_and_falls_without() -> None:
    penalty = Penalty(1, Schedule(window=1, penalty_rise=2.0, penalty_fall=4.0), CPU)
    assert update(penalty, 0, 1.0, 1.0) == (2.0, True)
    assert update(penalty, 1, 2.0, 1.0) == (4.0, False)
    assert update(penalty, 2, 0.5, 0.0) == (1.0, False)
    assert penalty.best.tolist() == [1.0]


def test_late_steps_are_made_with_the_penalty_before_them() -> None:
    penalty = Penalty(1, Schedule(window=1, penalty_rise=2.0, late=True), CPU)
    assert [update(penalty, step, 1.0, 1.0)[0] for step in range(3)] == [1.0, 2.0, 4.0]


def test_a_window_that_is_not_full_counts_missing_steps_as_failures() -> None:
    penalty = Penalty(1, Schedule(window=2), CPU)
    assert [update(penalty, step, 1.0, 1.0)[1] for step in range(2)] == [False, True]


def test_rows_that_have_stopped_shrinking_settle_and_rows_without_success_do_not() -> None:
    penalty = Penalty(2, Schedule(window=1, patience=3), CPU)
    rows = torch.arange(2)
    for step in range(5):
        penalty.update(rows, step, sizes=torch.ones(2), success=torch.tensor([1.0, 0.0]))
    assert penalty.unsettled(rows, 3).tolist() == [0, 1]
    assert penalty.unsettled(rows, 4).tolist() == [1]


def test_without_patience_all_steps_are_made() -> None:
    penalty = Penalty(1, Schedule(window=1), CPU)
    update(penalty, 0, 1.0, 1.0)
    assert penalty.unsettled(torch.tensor([0]), 10**6).tolist() == [0]
