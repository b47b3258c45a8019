import math
from dataclasses import replace

import numpy as np
import pytest

from tests.unit.tools.calibration.tables import make_row
from tools.calibration.features import FORMS, VERDICT, measure

ROW = replace(
    make_row(1, classes=8),
    evidence={
        "patch": [1.0, 4.0, 1.0, 1.0, 1.0, 1.0, 0.5, None],
        "latent-inversion": [1.0, 2.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0],
        "compactness": [1.0, 1.5, 2.0, 1.0, 1.0, 1.0, 1.0, 1.0],
        "mask_l1": [8.0, 2.0, 8.0, 8.0, 8.0, 8.0, 16.0, 8.0],
        "success": [1.0, 1.0, 0.2, 1.0, 1.0, 1.0, 1.0, 1.0],
    },
)


def _column(feature: str) -> list[float]:
    return [float(value) for value in measure(ROW, [feature])[:, 0]]


def test_logarithms_of_joined_evidence_are_added_and_only_nearer_than_normal_counts() -> None:
    assert _column("log:patch+latent-inversion")[1] == pytest.approx(math.log(8))
    assert _column("log:patch")[6] == 0


def test_raw_distances_are_compared_with_their_median() -> None:
    assert _column("log:1/mask_l1")[1] == pytest.approx(math.log(4))


def test_lead_is_zero_for_all_but_the_first() -> None:
    values = _column("lead:patch")
    assert values[1] == pytest.approx(math.log(4))
    assert sum(value > 0 for value in values) == 1


def test_compactness_with_size_needs_a_small_trigger() -> None:
    values = _column("with-size:compactness")
    assert values[1] == pytest.approx(math.log(1.5))
    assert values[2] == 0


def test_masks_of_triggers_that_fail_on_unseen_samples_do_not_count() -> None:
    assert _column("log:compactness")[2] == 0
    assert _column("with-size:latent-inversion")[1] > 0


@pytest.mark.parametrize("form", sorted(FORMS))
def test_every_form_is_finite_and_at_least_zero_where_nothing_was_measured(form: str) -> None:
    for name in ("patch", "absent"):
        values = measure(ROW, [f"{form}:{name}"])
        assert values.shape == (8, 1)
        assert np.isfinite(values).all()
        assert (values >= 0).all()


def test_features_of_the_verdict_agree_with_it() -> None:
    from onnxaudit.scoring.label_evidence import measure_closeness

    row = make_row(7, family="badnets")
    names = ("patch", "compactness", "exact-shift", "spectral", "photometric", "warp")
    ratios = {name: dict(enumerate(row.values(name).tolist())) for name in names}
    terms = measure_closeness(ratios, range(row.classes))
    works = row.values("success") >= 0.6
    for name, values in zip(terms, measure(row, VERDICT).T, strict=True):
        assert values[works] == pytest.approx(terms[name][works], abs=0.02)


@pytest.mark.parametrize("feature", ["patch", "cube:patch", "log:"])
def test_feature_without_a_known_form_is_refused(feature: str) -> None:
    with pytest.raises(ValueError, match="a feature is FORM:NAMES"):
        measure(ROW, [feature])
