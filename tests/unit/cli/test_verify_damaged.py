"""What is no statement, or a damaged one, never lets a model through."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from onnxaudit.records import Verdict

from .conftest import Outcome
from .statements import ATTESTED, SIGNED, VERIFY

Run = Callable[..., Outcome]


@pytest.mark.parametrize("signing", [(), SIGNED], ids=["unsigned", "signed"])
def test_a_truncated_statement_is_an_error(attest: Callable[..., Outcome], run: Run, signing: tuple[str, ...]) -> None:
    attest(Verdict.CLEAN, *signing)
    content = ATTESTED.read_bytes()
    for size in range(0, len(content) - 2, 37):
        ATTESTED.write_bytes(content[:size])
        assert run(*VERIFY, "--allow-unsigned").code == 2


@pytest.mark.parametrize(
    "content",
    [
        "[]", "{}", "null", '"x"', "[" * 10_000,
        '{"_type": 1, "predicateType": 2}',
        '{"payload": "e30=", "payloadType": "text/plain", "signatures": []}',
        '{"payload": "e30=", "payloadType": "application/vnd.in-toto+json"}',
        '{"payload": 3, "payloadType": "application/vnd.in-toto+json", "signatures": []}',
        '{"payload": "?", "payloadType": "application/vnd.in-toto+json", "signatures": [{"sig": "?"}]}',
    ],
)  # fmt: skip
def test_what_is_no_attestation_is_an_error_in_one_line(attest: Callable[..., Outcome], run: Run, content: str) -> None:
    attest()
    ATTESTED.write_text(content)
    outcome = run(*VERIFY, "--allow-unsigned")
    assert (outcome.code, outcome.out) == (2, "")
    assert len(outcome.err.splitlines()) == 1


def list_places(value: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place, *(deep for key, child in children for deep in list_places(child, (*place, key)))]


def test_no_wrong_value_in_an_inconclusive_statement_makes_it_pass(attest: Callable[..., Outcome], run: Run) -> None:
    attest(Verdict.INCONCLUSIVE)
    text = ATTESTED.read_text()
    for place in list_places(json.loads(text))[1:]:
        wrongs: tuple[Any, ...] = (None, -1, "x", [], {})
        for wrong in wrongs:
            plain = holder = json.loads(text)
            for key in place[:-1]:
                holder = holder[key]
            holder[place[-1]] = wrong
            ATTESTED.write_text(json.dumps(plain))
            outcome = run(*VERIFY, "--allow-unsigned")
            assert outcome.code in (2, 3), (place, wrong)
            assert "internal error" not in outcome.err
