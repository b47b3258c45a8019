"""Report, gate and repair say the same of every combination of evidence."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from itertools import product
from typing import Any

import pytest

from onnxaudit.findings.finding import find_all
from onnxaudit.findings.kind import Kind, list_kinds, tell_kind
from onnxaudit.gate.decision import apply_policy
from onnxaudit.gate.layers import resolve
from onnxaudit.pipeline.whole_image import list_whole_image_targets
from onnxaudit.records import Rate, ScanDocument, ScanReport, UniversalTrigger
from tools.testbed.reports import make_scan_report, make_trigger

TARGET = 2
WHOLE_IMAGE, PATCH, LATENT, MAPPING = {"OA103", "OA105", "OA106"}, "OA101", "OA104", "OA102"
KNOWN = ("patch", "compactness", "latent-inversion", "spectral")
FINE = [dict(zip(KNOWN, values, strict=True)) for values in product((0.0, 0.5, 1.0, 1.4, 3.0, 9.0), repeat=len(KNOWN))]
ALL = (*KNOWN, "additive", "warp", "photometric")
COARSE = [dict(zip(ALL, values, strict=True)) for values in product((0.0, 1.4, 3.0), repeat=len(ALL))]
MAPPED = UniversalTrigger(make_trigger(), (1, 2, 3, 0), Rate(28, 30, 28 / 30, 0.79, 0.98))
POLICY, TODAY = resolve(), date(2026, 1, 1)


def make_report(
    ratios: Mapping[Any, float], *, mask_found: bool, mapped: bool = False, stands_out: bool = True
) -> ScanReport:
    report = make_scan_report(universal=MAPPED if mapped else None)
    rows = list(report.labels)
    row = replace(rows[TARGET], ratios=dict(ratios), log_odds=1.0 if stands_out else -1.0)
    rows[TARGET] = row if mask_found else replace(row, mask_l1=None)
    return replace(report, labels=tuple(rows), triggers=report.triggers if mask_found else ())


@pytest.mark.parametrize("mask_found", [True, False])
@pytest.mark.parametrize(("mapped", "stands_out"), [(False, True), (True, True), (True, False)])
def test_report_gate_and_repair_agree_on_every_combination_of_ratios(
    mask_found: bool, mapped: bool, stands_out: bool
) -> None:
    for measured in (*FINE, *COARSE):
        ratios = {detector: ratio for detector, ratio in measured.items() if ratio}
        report = make_report(ratios, mask_found=mask_found, mapped=mapped, stands_out=stands_out)
        kinds = list_kinds(report, TARGET)
        found = find_all(report)
        rules = {finding.rule.id for finding in found}
        assert bool(WHOLE_IMAGE & rules) == any(map(_is_whole, kinds))
        assert TARGET in list_whole_image_targets(report) or not any(map(_is_whole, kinds))
        assert (Kind.ALL_TO_ALL in kinds) == (MAPPING in rules) == mapped
        assert (Kind.PATCH in kinds) == (PATCH in rules)
        assert (Kind.LATENT in kinds) == (LATENT in rules)
        assert [finding.kind for finding in found] == list(kinds)
        decision = apply_policy(ScanDocument((report,)), POLICY, TODAY).decisions[0]
        assert decision.fingerprints == tuple(finding.fingerprint for finding in found)


def _is_whole(kind: Kind) -> bool:
    return kind.changes_whole_image


@pytest.mark.parametrize(
    ("ratios", "mask_found", "kind"),
    [
        ({}, True, Kind.PATCH),
        ({}, False, Kind.LATENT),
        ({"patch": 3.0, "spectral": 3.0}, True, Kind.PATCH),
        ({"patch": 3.0, "spectral": 3.1}, True, Kind.SPECTRAL),
        ({"patch": 2.0, "latent-inversion": 2.0, "spectral": 3.1}, True, Kind.PATCH),
        ({"patch": 2.0, "compactness": 2.0, "spectral": 3.1}, True, Kind.PATCH),
        ({"patch": 4.0, "compactness": 0.5, "spectral": 3.1}, True, Kind.PATCH),
        ({"patch": 0.2, "spectral": 0.9}, True, Kind.PATCH),
        ({"latent-inversion": 2.0, "spectral": 3.0}, False, Kind.SPECTRAL),
        ({"latent-inversion": 4.0, "spectral": 3.0}, False, Kind.LATENT),
    ],
)
def test_the_closest_family_gives_the_kind(ratios: dict[str, float], mask_found: bool, kind: Kind) -> None:
    assert tell_kind(ratios, mask_found=mask_found) is kind


def test_a_label_without_a_row_is_told_by_nothing_but_inner_features() -> None:
    assert list_kinds(make_scan_report(labels=()), TARGET) == (Kind.LATENT,)
