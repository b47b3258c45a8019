"""The script for a GPU tells what it is to tell, tried on the CPU."""

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import gpu
from tools.testbed.reports import make_scan_report


def test_cards_are_known_by_a_part_of_their_names() -> None:
    assert gpu.find_peak("NVIDIA H200") == gpu.find_peak("NVIDIA H100 80GB HBM3") == 67.0
    assert gpu.find_peak("NVIDIA L4") == 30.3
    assert gpu.find_peak("somebody's card") is None


def test_gaps_are_relative_and_of_what_both_measured() -> None:
    report = make_scan_report()
    labels = tuple(replace(row, ratios={**row.ratios, "patch": 2.0}) for row in report.labels)
    others = tuple(replace(row, ratios={"patch": 2.5}) for row in report.labels[:2])
    assert gpu.list_gaps(replace(report, labels=labels), replace(report, labels=others)) == [0.25, 0.25]


def test_a_bare_step_is_counted(tmp_path: Path) -> None:
    (network,) = gpu.TINY
    model, data = gpu.write(network, tmp_path)
    row = gpu.step(network, model, "cpu", 0.01)
    assert data.is_file()
    assert row.images_per_second > 0
    assert row.teraflops > 0
    assert row.share is None


@pytest.mark.slow
def test_the_whole_script_runs_on_the_cpu() -> None:
    rows = gpu.measure("cpu", 40.0, smoke=True)
    assert [type(row) for row in rows] == [gpu.Agreement, gpu.Scan, gpu.Step]
