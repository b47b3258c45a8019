"""What comes out of an entry is what was kept under its key, or nothing."""

import json

from onnxaudit.cache.entry import seal, unseal

KEY, BODY = "a" * 64, b'{"some": "evidence"}\nand more'


def test_what_was_kept_comes_back() -> None:
    assert unseal(seal(KEY, BODY), KEY) == BODY


def test_a_damaged_entry_holds_nothing() -> None:
    whole = seal(KEY, BODY)
    for damaged in (b"", whole[:-1], whole[:20], whole + b" ", whole.replace(b"evidence", b"Evidence"), b"\n" + whole):
        assert unseal(damaged, KEY) is None


def test_an_entry_under_another_name_holds_nothing() -> None:
    assert unseal(seal(KEY, BODY), "b" * 64) is None


def test_a_head_that_is_no_head_is_no_error() -> None:
    for head in (b"[" * 1000, b"null", b"\xff", json.dumps({"key": KEY}).encode(), b"1" * 5000):
        assert unseal(head + b"\n" + BODY, KEY) is None
