from collections.abc import Iterator

import pytest
import torch

from onnxaudit.workers import Workers, count_rows, cut, cut_tensor, join, on_one_thread

CPU = torch.device("cpu")

pytestmark = pytest.mark.usefixtures("two_threads")


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_work_runs_on_one_thread_each_and_the_setting_comes_back() -> None:
    with Workers(CPU) as workers:
        assert workers.map(lambda part: (part, torch.get_num_threads()), [3, 1, 2]) == [(3, 1), (1, 1), (2, 1)]
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 2


def test_an_error_in_a_thread_is_raised_and_the_setting_comes_back() -> None:
    with pytest.raises(ZeroDivisionError), Workers(CPU) as workers:
        workers.map(lambda part: 1 // part, [1, 0, 2])
    assert torch.get_num_threads() == 2


@pytest.mark.parametrize(
    ("length", "most", "expected"), [(7, 3, [2, 2, 3]), (4, 4, [4]), (3, 1, [1, 1, 1]), (0, 5, [])]
)
def test_rows_are_cut_evenly(length: int, most: int, expected: list[int]) -> None:
    assert [len(part) for part in cut(range(length), most)] == expected
    if length:
        assert [len(part) for part in cut_tensor(torch.arange(length), most)] == expected


@pytest.mark.parametrize(
    ("length", "most", "expected"),
    [
        (10, 10, [5, 5]),
        (17, 8, [4, 4, 4, 5]),
        (16, 8, [8, 8]),
        (4, 8, [2, 2]),
        (3, 8, [3]),
        (2, 1, [1, 1]),
        (3, 1, [1, 1, 1]),
    ],
)
def test_rows_of_a_step_come_out_even_for_two_cores(length: int, most: int, expected: list[int]) -> None:
    assert [len(part) for part in cut_tensor(torch.arange(length), most, even=True)] == expected


def test_small_operations_run_on_one_thread_and_the_setting_comes_back() -> None:
    with on_one_thread():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 2


def test_unfinished_parts_spoil_the_whole() -> None:
    assert join([[1], [2, 3]]) == [1, 2, 3]
    assert join([[1], None]) == []


def test_one_row_at_least_goes_through_and_an_accelerator_takes_many() -> None:
    assert count_rows(10, 30, CPU) == 1
    assert count_rows(100, 30, torch.device("meta")) > count_rows(100, 30, CPU) == 3
