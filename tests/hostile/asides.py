"""Hostile files beside model and data: settings, statements about models, triggers. Each has to be an error."""

import base64
import io
import json
import os
import zipfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

Maker = Callable[[Path], None]

VALUES = {  # of a key of a policy, as TOML
    "no_number": "min_coverage = nan",
    "no_end": "min_coverage = inf",
    "share_beyond_all": "min_agreement = 1.5",
    "negative_share": "max_success = -0.1",
    "time_before_it_began": 'time_budget = "-5s"',
    "time_without_end": 'time_budget = "1e400d"',
    "memory_beyond_any": 'memory_limit = "99999999999999999999TiB"',
    "age_of_no_number": 'max_age = "nan"',
    "number_of_a_million_digits": "min_coverage = " + "9" * 1_000_000,
    "number_in_another_base": "min_coverage = 0x" + "f" * 100_000,
    "date_in_place_of_a_share": "min_coverage = 1979-05-27T07:32:00Z",
    "table_in_place_of_a_share": "min_coverage = {a = 1}",
    "truth_in_place_of_a_share": "min_coverage = true",
    "text_in_place_of_truth": 'exit_zero = "no"',
    "lists_within_lists": "domains = " + "[" * 5000 + "]" * 5000,
    "tables_within_tables": "a" + ".a" * 5000 + " = 1",
    "tables_inline_within_tables": "x = " + "{a = " * 3000 + "1" + "}" * 3000,
    "list_of_numbers": "domains = [1, 2]",
    "key_twice": "min_coverage = 0.5\nmin_coverage = 0.0",
    "key_that_nobody_knows": "allow_everything = true",
    "key_of_pythons_own": '"__class__" = "x"',
    "key_of_escapes": '"\\u001b[31m::error::" = 1',
    "old_key_beside_the_new_one": 'fail_on = "never"\n"fail-on" = "backdoored"',
    "lock_of_what_is_none": 'locked = ["nothing"]',
    "lock_that_is_text": 'locked = "fail_on"',
    "key_that_is_no_key": 'accepted_keys = ["-----BEGIN PUBLIC KEY-----"]\naccepted_keys = 3',
    "keys_that_are_numbers": "accepted_keys = [3]",
    "detector_that_is_a_path": 'detectors = ["../../evil"]',
    "detectors_of_no_name": 'detectors = [""]',
    "reason_that_is_none": 'inconclusive_by_reason = {"no-such-reason" = "warn"}',
    "reason_softened_beyond": 'inconclusive_by_reason = {"few-classes" = "clean"}',
    "waiver_without_end": '[[waivers]]\nfingerprint = "aa"',
    "waiver_for_everything": '[[waivers]]\nfingerprint = "*"\nmodel_sha256 = "*"\n'
    'reason = "x"\napprover = "x"\nexpiry = "2999-01-01"',
    "waiver_that_never_ends": '[[waivers]]\nfingerprint = "' + "a" * 64 + '"\nmodel_sha256 = "' + "a" * 64
    + '"\nreason = "x"\napprover = "x"\nexpiry = "99999-01-01"',
    "waivers_that_are_text": 'waivers = "all"',
    "unfinished_text": 'fail_on = "backdoored',
    "zero_byte": "fail_on = \"a\0b\"",
    "another_way_to_end_lines": "fail_on = 'x'\rmin_coverage = 0.1",
}  # fmt: skip
BYTES = {
    "no_utf8": b"fail_on = '\xff\xfe'",
    "utf16": "min_coverage = 0.5".encode("utf-16"),
    "an_archive": b"PK\x03\x04" + bytes(300),
    "a_model": b"\x08\x0a" + bytes(300),
}


def write(name: str, content: bytes) -> Maker:
    """Puts bytes under a name."""

    def place(folder: Path) -> None:
        (folder / name).write_bytes(content)

    return place


def link(name: str, target: str) -> Maker:
    """Puts a link to something else under a name."""
    return lambda folder: (folder / name).symlink_to(target)


def list_settings() -> Mapping[str, Maker]:
    """Files in place of a policy."""
    made = {name: write("p.toml", text.encode()) for name, text in VALUES.items()}
    made |= {name: write("p.toml", content) for name, content in BYTES.items()}
    return {**made, **list_places("p.toml")}


def list_places(name: str) -> Mapping[str, Maker]:
    """What is no file at all."""
    return {
        "missing": lambda _: None,
        "a_folder": lambda folder: (folder / name).mkdir(),
        "a_pipe": lambda folder: os.mkfifo(folder / name),
        "a_device_without_end": link(name, "/dev/zero"),
        "a_link_to_itself": link(name, name),
    }


Change = Callable[[dict[str, Any]], Any]


def put(*keys: Any, value: Any) -> Change:
    """Sets what a path of keys leads to."""

    def change(plain: dict[str, Any]) -> None:
        holder: Any = plain
        for key in keys[:-1]:
            holder = holder[key]
        holder[keys[-1]] = value

    return change


OURS = ("predicate", "onnxaudit")
CHANGES: dict[str, Change] = {
    "verdict_that_is_none": put(*OURS, "verdict", value="spotless"),
    "verdict_that_is_a_list": put(*OURS, "verdict", value=["clean"]),
    "outcome_that_is_none": put(*OURS, "outcome", value="ok"),
    "softeners_that_are_text": put(*OURS, "softeners", value=3),
    "grounds_that_are_a_list": put(*OURS, "grounds", value=[1]),
    "grounds_of_nothing": put(*OURS, "grounds", value={}),
    "waivers_for_everything": put(*OURS, "waivers", value=["*"]),
    "original_without_files": put(*OURS, "original", value=[]),
    "no_subject": put("subject", value=[]),
    "subject_of_numbers": put("subject", value=[1]),
    "digest_that_is_none": put("subject", 0, "digest", "sha256", value="0" * 63 + "g"),
    "digest_of_another_kind": put("subject", 0, "digest", value={"md5": "0" * 32}),
    "digest_without_end": put("subject", 0, "digest", "sha256", value="0" * 900_000),
    "time_without_zone": put("predicate", "timeCreated", value="2026-01-01T00:00:00"),
    "time_beyond_all_years": put("predicate", "timeCreated", value="99999-01-01T00:00:00Z"),
    "time_that_is_a_number": put("predicate", "timeCreated", value=1e400),
    "made_by_another": put("predicate", "verifier", "id", value="pkg:generic/other@1"),
    "made_by_nobody": put("predicate", "verifier", value=None),
    "another_type": put("_type", value="https://in-toto.io/Statement/v9"),
    "another_predicate": put("predicateType", value=["x"]),
    "data_outside_the_folder": lambda plain: _add_data(plain, "../../../etc/passwd"),
    "data_at_the_root": lambda plain: _add_data(plain, "/etc/passwd"),
    "data_in_a_device": lambda plain: _add_data(plain, "/dev/zero"),
    "data_with_a_zero_byte": lambda plain: _add_data(plain, "a\0b"),
    "data_that_are_missing": lambda plain: _add_data(plain, "none.bin"),
    "data_of_no_name": lambda plain: _add_data(plain, ""),
    "data_in_a_pipe": lambda plain: _add_data(plain, "pipe"),
    "data_behind_a_link": lambda plain: _add_data(plain, "link"),
    "data_of_two_names": lambda plain: plain["subject"].append(plain["subject"][0]),
}


def _seal(payload: str, signatures: list[Any]) -> bytes:
    kind = "application/vnd.in-toto+json"
    return json.dumps({"payload": payload, "payloadType": kind, "signatures": signatures}).encode()


CONTENTS = {
    **BYTES,
    "nothing": b"",
    "a_list": b"[]",
    "a_number_of_many_digits": b"9" * 500_000,
    "lists_within_lists": b"[" * 200_000,
    "objects_within_objects": b'{"a":' * 100_000,
    "more_than_a_mebibyte": b'{"a": "' + b"x" * 2**20 + b'"}',
    "an_envelope_of_nothing": _seal("", []),
    "an_envelope_of_numbers": _seal("e30=", [{"sig": 3}]),
    "signatures_without_number": _seal("e30=", [{"sig": ""}] * 20_000),
    "a_payload_that_is_no_text": _seal(base64.b64encode(b"\xff\xfe").decode(), []),
}


def _add_data(plain: dict[str, Any], name: str) -> None:
    plain["subject"].append({"name": name, "digest": {"sha256": "0" * 64}})


def _save(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def _pack(name: str, header: bytes, size: int = 0) -> bytes:
    """An archive with one array of so many zero bytes behind a header."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive, archive.open(name, "w", force_zip64=True) as one:
        one.write(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
        for _ in range(size // 2**22):
            one.write(bytes(2**22))
    return file.getvalue()


def _head(shape: str, kind: str = "<f4") -> bytes:
    return f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()


ONE = np.ones((1, 8, 8), np.float32)
TRIGGERS: dict[str, Callable[[], bytes]] = {
    **{name: partial(bytes, content) for name, content in BYTES.items()},
    "nothing": lambda: b"",
    "pickled": lambda: _save(mask=np.array([{}], object), pattern=ONE),
    "no_pattern": lambda: _save(mask=ONE),
    "mask_of_no_number": lambda: _save(mask=ONE * np.nan, pattern=ONE),
    "pattern_without_end": lambda: _save(mask=ONE, pattern=ONE * np.inf),
    "mask_beyond_one": lambda: _save(mask=ONE * 2, pattern=ONE),
    "pattern_below_zero": lambda: _save(mask=ONE, pattern=-ONE),
    "pattern_of_complex_numbers": lambda: _save(mask=ONE, pattern=ONE.astype(np.complex64)),
    "mask_of_text": lambda: _save(mask=np.array([["a"]]), pattern=ONE),
    "mask_of_nothing": lambda: _save(mask=ONE[:0], pattern=ONE),
    "mask_of_four_axes": lambda: _save(mask=ONE[None], pattern=ONE),
    "mask_of_one_number": lambda: _save(mask=np.float32(1), pattern=ONE),
    "mask_of_another_size": lambda: _save(mask=ONE[:, :4], pattern=ONE),
    "mask_of_three_channels": lambda: _save(mask=np.ones((3, 8, 8), np.float32), pattern=ONE),
    "array_of_a_tebibyte_declared": lambda: _pack("mask.npy", _head(f"({2**38},)")),
    "array_of_many_mebibytes": lambda: _pack("mask.npy", _head(f"({2**12}, {2**13})"), 2**27),
    "header_of_code": lambda: _pack("mask.npy", b"__import__('os').system('true')\n"),
    "header_of_nested_brackets": lambda: _pack("mask.npy", _head("(" * 3000 + ")" * 3000)),
    "header_of_negative_sizes": lambda: _pack("mask.npy", _head("(-1, 8, 8)")),
    "header_of_an_unknown_type": lambda: _pack("mask.npy", _head("(1, 8, 8)", "<q7")),
}
