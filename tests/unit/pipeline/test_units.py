"""Finished parts of a scan are found again, and what others put in their place is not believed."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch import nn

from onnxaudit import scan
from onnxaudit.detectors.base import Context
from onnxaudit.detectors.patch import PatchDetector
from onnxaudit.pipeline.units import Units
from onnxaudit.records import Evidence, Inversion, LabelStatus, Samples, ScanDocument, ScanReport
from onnxaudit.records.arrays import encode_array
from onnxaudit.report.json import canonical
from tests.unit.pipeline.conftest import BRIEF_SCAN
from tools.testbed.reports import make_trigger

MakeModel = Callable[..., Path]


class Shelf:
    """Units in memory."""

    def __init__(self) -> None:
        self.units: dict[str, bytes] = {}
        self.found = 0

    def find(self, key: str) -> bytes | None:
        self.found += key in self.units
        return self.units.get(key)

    def keep(self, key: str, content: bytes) -> None:
        self.units[key] = content


def tell(report: ScanReport) -> str:
    return canonical(ScanDocument((report,)))


@pytest.fixture
def plain(make_model: MakeModel, data: Path) -> str:
    return tell(scan(make_model(), data, BRIEF_SCAN))


@pytest.fixture
def shelf(make_model: MakeModel, data: Path) -> Shelf:
    shelf = Shelf()
    scan(make_model(), data, BRIEF_SCAN, shelf=shelf)
    return shelf


def test_what_was_finished_is_not_measured_again(
    make_model: MakeModel, data: Path, plain: str, monkeypatch: pytest.MonkeyPatch, shelf: Shelf
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("measured again")

    monkeypatch.setattr(PatchDetector, "measure", refuse)
    monkeypatch.setattr(PatchDetector, "refine", refuse)
    assert tell(scan(make_model(), data, BRIEF_SCAN, shelf=shelf)) == plain
    assert shelf.found == len(shelf.units)


def test_any_part_may_be_missing(make_model: MakeModel, data: Path, plain: str, shelf: Shelf) -> None:
    for key in list(shelf.units)[::2]:
        del shelf.units[key]
    count = len(shelf.units)
    assert tell(scan(make_model(), data, BRIEF_SCAN, shelf=shelf)) == plain
    assert len(shelf.units) > count


def test_other_seeds_and_models_find_nothing(make_model: MakeModel, data: Path, shelf: Shelf) -> None:
    scan(make_model(), data, BRIEF_SCAN, seed=1, shelf=shelf)
    scan(make_model(backdoored=False), data, BRIEF_SCAN, shelf=shelf)
    assert shelf.found == 0


@pytest.fixture
def context() -> Context:
    images = np.zeros((4, 3, 8, 8), np.float32)
    samples = Samples(images, np.arange(4), "here")
    return Context(classifier=nn.Identity(), known=samples, unseen=samples, classes=4, seed=0, stage="patch")


FOUND = Evidence(
    detector="patch",
    distances={2: 4.5, 0: 1 / 3},
    ratios={2: 1.25},
    unit="pixels",
    passes=7,
    artifacts={2: Inversion(2, make_trigger(), 0.75, LabelStatus.SETTLED, 7)},
)
CHANGES: dict[str, Callable[[Any], None]] = {
    "a negative distance": lambda plain: plain["distances"].update({"0": -1.0}),
    "no label": lambda plain: plain["distances"].update({"4": 1.0}),
    "no number": lambda plain: plain["ratios"].update({"0": float("nan")}),
    "no passes": lambda plain: plain.update(passes=-1),
    "another detector": lambda plain: plain.update(detector="warp"),
    "another label": lambda plain: plain["inversions"]["2"].update(label=1),
    "a share above one": lambda plain: plain["inversions"]["2"].update(success_rate=2.0),
    "another size": lambda plain: plain["inversions"]["2"]["trigger"].update(
        mask=encode_array(np.zeros((1, 4, 4), np.float32))
    ),
    "no pixels": lambda plain: plain["inversions"]["2"]["trigger"].update(
        mask=encode_array(np.full((1, 8, 8), 2, np.float32))
    ),
    "a size that is none": lambda plain: plain["inversions"]["2"]["trigger"]["mask"].update(shape=[-1]),
    "nothing": lambda plain: plain.clear(),
}


def test_evidence_comes_back_to_the_last_bit(context: Context) -> None:
    shelf, detector = Shelf(), PatchDetector()
    units = Units(shelf, {})
    units.keep("key", FOUND)
    found = units.find("key", detector, context)
    assert found is not None
    for name in ("detector", "distances", "ratios", "unit", "passes", "complete"):
        assert getattr(found, name) == getattr(FOUND, name)
    assert list(found.distances) == [2, 0]
    assert found.artifacts[2].trigger.digest == FOUND.artifacts[2].trigger.digest
    assert units.find("another", detector, context) is None


@pytest.mark.parametrize("name", CHANGES)
def test_what_cannot_be_of_this_model_counts_for_nothing(context: Context, name: str) -> None:
    shelf = Shelf()
    units = Units(shelf, {})
    units.keep("key", FOUND)
    plain = json.loads(shelf.units["key"])
    CHANGES[name](plain)
    shelf.units["key"] = json.dumps(plain).encode()
    assert units.find("key", PatchDetector(), context) is None


@pytest.mark.parametrize("content", [b"", b"\xff", b"[" * 100_000, b"null", b"{}"], ids=repr)
def test_what_is_no_evidence_counts_for_nothing(context: Context, content: bytes) -> None:
    shelf = Shelf()
    shelf.units["key"] = content[:100_000]
    assert Units(shelf, {}).find("key", PatchDetector(), context) is None


def test_a_name_follows_what_the_detector_reads(context: Context) -> None:
    units, detector = Units(Shelf(), {}), PatchDetector()
    others = [replace(FOUND, passes=8), replace(FOUND, ratios={}), replace(FOUND, cpu_seconds=9.0)]
    names = [units.name(detector, replace(context, earlier={"patch": one}), (1, 2)) for one in (FOUND, *others)]
    assert len(set(names)) == 3
    assert names[0] == names[3]
    assert units.name(detector, replace(context, earlier={"patch": FOUND, "warp": FOUND}), (1, 2)) == names[0]
    assert len({units.name(detector, context, labels) for labels in ((1, 2), (2, 1), (1,))}) == 3
    assert units.name(detector, context, (1,)) != Units(Shelf(), {"seed": 1}).name(detector, context, (1,))


def test_what_the_time_cut_short_is_not_kept(make_model: MakeModel, data: Path) -> None:
    shelf = Shelf()
    scan(make_model(), data, BRIEF_SCAN, time_budget=1e-9, shelf=shelf)
    assert not shelf.units
