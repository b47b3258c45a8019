"""Every case in scope twice: weights as graph inputs, and all but the first float tensor stored in the model."""

import re

import pytest

from tests.conformance.backend_suite import check_case, load_cases
from tests.conformance.scope import EXCLUSIONS, find_exclusion, find_reason

CASES = load_cases()
IN_SCOPE = [name for name, case in CASES.items() if find_reason(case) is None]
EXPECTED = [name for name in IN_SCOPE if find_exclusion(name) is None]


@pytest.mark.parametrize("frozen", [False, True], ids=["fed", "frozen"])
@pytest.mark.parametrize("name", EXPECTED)
def test_case(name: str, frozen: bool) -> None:
    check_case(CASES[name], frozen=frozen)


def test_nearly_all_cases_in_scope_are_expected_to_pass() -> None:
    assert len(EXPECTED) >= 0.97 * len(IN_SCOPE)


@pytest.mark.parametrize("pattern", EXCLUSIONS)
def test_every_exclusion_still_applies(pattern: str) -> None:
    names = [name for name in IN_SCOPE if re.fullmatch(pattern, name)]
    assert names
    for name in names:
        with pytest.raises(Exception):  # noqa: B017, PT011 - whichever way it fails
            check_case(CASES[name], frozen=False)
