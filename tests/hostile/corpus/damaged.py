"""Bytes that are no model: cut off, changed, put together, or something else altogether."""

import gzip
import io
import json
import zipfile
from collections.abc import Callable

import numpy as np

from tests.hostile.corpus.case import add_case
from tools.testbed.gray_networks import honest, model


def whole() -> bytes:
    """The bytes of the honest network."""
    return model([honest()]).SerializeToString()


def zipped(name: str, content: bytes) -> bytes:
    """An archive of one file."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, content)
    return file.getvalue()


def zeroed(share: float) -> bytes:
    """The bytes with a gap of zeros, as a half-copied file has it."""
    data, at = bytearray(whole()), int(share * len(whole()))
    data[at : at + 64] = bytes(64)
    return bytes(data)


for percent in (1, 10, 50, 90, 99):
    add_case(
        f"cut_off_at_{percent}_percent", lambda percent=percent: whole()[: len(whole()) * percent // 100], "refused"
    )
for percent in (0, 95):
    add_case(f"zeros_from_{percent}_percent_on", lambda percent=percent: zeroed(percent / 100), "refused")

CONTENTS: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "one_byte": lambda: b"\x08",
    "four_thousand_random_bytes": lambda: np.random.default_rng(0).bytes(4096),
    "zeros": lambda: bytes(4096),
    "ones": lambda: b"\xff" * 4096,
    "line_ends_changed": lambda: whole().replace(b"\n", b"\r\n"),
    "byte_order_mark_in_front": lambda: b"\xef\xbb\xbf" + whole(),
    "something_behind_it": lambda: whole() + b"<script>trailing</script>" * 9,
    "gzip": lambda: gzip.compress(whole()),
    "zip": lambda: zipped("model.onnx", whole()),
    "pytorch_archive": lambda: zipped("archive/data.pkl", b"\x80\x02cos\nsystem\n(S'true'\ntR."),
    "pickle": lambda: b"\x80\x04\x95\x1d\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x8c\x06system\x93\x8c\x04true\x85R.",
    "safetensors": lambda: (
        (60).to_bytes(8, "little") + b'{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'.ljust(60) + bytes(4)
    ),
    "hdf5": lambda: b"\x89HDF\r\n\x1a\n" + bytes(500),
    "tflite": lambda: b"\x1c\x00\x00\x00TFL3" + bytes(500),
    "program": lambda: b"\x7fELF\x02\x01\x01" + bytes(500),
    "web_page": lambda: b"<!DOCTYPE html><html><body>Not found</body></html>",
    "pointer_of_git_lfs": lambda: (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 1234\n"
    ),
    "json": lambda: json.dumps({"ir_version": 8, "graph": {"node": []}}).encode(),
    "text_of_onnx": lambda: (
        b'<ir_version: 8, opset_import: ["" : 18]>\ng (float[N, 4] x) => (float[N, 4] y) { y = Relu(x) }'
    ),
    "groups_within_groups": lambda: b"\x08\x08" + b"\x0b" * 5_000,
    "number_without_end": lambda: b"\x08" + b"\xff" * 400,
    "field_longer_than_all_memory": lambda: b"\x08\x08\x3a\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
    "field_with_the_number_zero": lambda: b"\x08\x08\x02\x01a" + whole(),
    "graph_alone": lambda: model([honest()]).graph.SerializeToString(),
    "no_graph": lambda: b"\x08\x08\x12\x04test",
    "graphs_within_graphs_without_end": lambda: within_itself(3_000),
    "graphs_within_graphs": lambda: within_itself(32),
}


def within_itself(depth: int) -> bytes:
    """A graph in an attribute of a node of a graph, so many times; bytes alone."""
    data = b""
    for _ in range(depth):
        for tag in (0x32, 0x2A, 0x0A):
            size, varint = len(data), b""
            while True:
                varint += bytes([size & 127 | (128 if size > 127 else 0)])
                size >>= 7
                if not size:
                    break
            data = bytes([tag]) + varint + data
    size, varint = len(data), b""
    while True:
        varint += bytes([size & 127 | (128 if size > 127 else 0)])
        size >>= 7
        if not size:
            return b"\x08\x08\x3a" + varint + data


for title, content in CONTENTS.items():
    add_case(title, lambda content=content: content(), "refused")
