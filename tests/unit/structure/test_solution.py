"""Pixels are found that meet a sum exactly, also where it goes round."""

import numpy as np
import pytest

from onnxaudit.structure.solution import list_offers, meet


@pytest.mark.parametrize("modulus", [97.0, 65521.0, float("inf")])
def test_two_lists_meet_what_is_wanted(modulus: float) -> None:
    rng = np.random.default_rng(0)
    first, second = (np.add.outer(*rng.integers(0, 9999, (2, 256)).astype(float)).ravel() for _ in range(2))
    wanted = float(first[77] + second[4242]) + (0 if np.isinf(modulus) else 31 * modulus)
    left, right = meet(first, second, wanted, modulus)
    apart = first[left] + second[right] - wanted
    assert apart == 0 if np.isinf(modulus) else apart % modulus == 0


def test_offers_are_whole_where_they_go_round() -> None:
    offers = list_offers(0.2000001, 3.0000002, 97.0)
    assert offers[51] == 0
    assert np.array_equal(offers, np.round(offers))
