"""Weights that are said to lie elsewhere: outside the folder, in devices, behind links, beyond the end."""

import contextlib
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto

from tests.hostile.corpus.case import Answer, add_case
from tools.testbed.gray_networks import CLASSES, honest, model, node

SIZE = 4 * CLASSES


def beside(folder: Path, *entries: tuple[str, str], size: int = CLASSES) -> None:
    """A model that adds a tensor which lies where the entries say; `ok.bin` lies beside it and a secret above."""
    folder.joinpath("ok.bin").write_bytes(np.zeros(CLASSES, np.float32).tobytes())
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[size], data_location=TensorProto.EXTERNAL)
    for key, value in entries:
        tensor.external_data.add(key=key, value=value)
    made = model([honest("z")], [node("Add", ["z", "w"], ["y"])], [tensor])
    folder.joinpath("model.onnx").write_bytes(made.SerializeToString())


def at(
    place: str, *more: tuple[str, str], prepare: Callable[[Path], Any] | None = None, size: int = CLASSES
) -> Callable[[Path], None]:
    """A maker of a model whose weights lie at `place`."""

    def make(folder: Path) -> None:
        if prepare is not None:
            prepare(folder)
        beside(folder, ("location", place), *more, size=size)

    return make


ATTEMPTS = {
    "weights_above_the_folder": "../secret.bin",
    "weights_above_the_folder_by_a_detour": "sub/../../secret.bin",
    "weights_above_the_folder_with_backslashes": "..\\secret.bin",
    "weights_at_an_absolute_path": "/etc/passwd",
    "weights_at_an_absolute_path_of_windows": "C:\\secret.bin",
    "weights_on_another_host": "\\\\host\\share\\secret.bin",
    "weights_at_an_address": "http://127.0.0.1/w.bin",
    "weights_at_a_file_address": "file:///etc/passwd",
    "weights_that_are_a_device": "/dev/zero",
    "weights_of_this_process": "/proc/self/environ",
    "weights_that_are_a_device_of_windows": "aux.bin",
    "weights_with_a_zero_byte": "ok.bin\0.png",
    "weights_with_escapes": "ok\x1b[2J.bin",
    "weights_that_are_the_model": "model.onnx",
}
for title, place in ATTEMPTS.items():
    add_case(title, at(place), "rejected", "OA410")
add_case("weights_with_a_field_of_python", at("ok.bin", ("__class__", "x")), "rejected", "OA410")
add_case("weights_at_two_places", at("ok.bin", ("location", "other.bin")), "rejected", "OA403")
add_case("weights_at_two_offsets", at("ok.bin", ("offset", "0"), ("offset", "4")), "rejected", "OA403")


def bind(folder: Path) -> None:
    """A socket in the folder."""
    with socket.socket(socket.AF_UNIX) as made, contextlib.chdir(folder):  # its path may have a hundred letters only
        made.bind("w.bin")


def link(target: str) -> Callable[[Path], None]:
    """A link `w.bin` in the folder."""
    return lambda folder: (folder / "w.bin").symlink_to(target)


def make_sparse(size: int) -> Callable[[Path], None]:
    """A file `w.bin` of so many zeros that takes no room."""

    def make(folder: Path) -> None:
        with (folder / "w.bin").open("wb") as file:
            file.truncate(size)

    return make


def hard(folder: Path) -> None:
    """A second name of a file of the right size."""
    (folder / "first.bin").write_bytes(bytes(SIZE))
    os.link(folder / "first.bin", folder / "w.bin")


REFUSED: dict[str, Callable[[Path], None]] = {
    "weights_at_no_place": at(""),
    "weights_that_are_missing": at("w.bin"),
    "weights_that_are_a_folder": at("w.bin", prepare=lambda folder: (folder / "w.bin").mkdir()),
    "weights_that_are_a_pipe": at("w.bin", prepare=lambda folder: os.mkfifo(folder / "w.bin")),
    "weights_that_are_a_socket": at("w.bin", prepare=bind),
    "weights_behind_a_link_outside": at("w.bin", prepare=link("../secret.bin")),
    "weights_behind_a_link_to_a_device": at("w.bin", prepare=link("/dev/zero")),
    "weights_behind_a_link_to_itself": at("w.bin", prepare=link("w.bin")),
    "weights_behind_a_linked_folder": at("up/secret.bin", prepare=lambda folder: (folder / "up").symlink_to("..")),
    "weights_from_a_negative_offset": at("ok.bin", ("offset", "-4")),
    "weights_of_a_negative_length": at("ok.bin", ("length", "-16")),
    "weights_beyond_the_end": at("ok.bin", ("offset", str(2**40))),
    "weights_at_an_offset_that_overflows": at("ok.bin", ("offset", str(2**70))),
    "weights_at_an_offset_that_is_no_number": at("ok.bin", ("offset", "0x10")),
    "weights_at_an_offset_of_other_digits": at("ok.bin", ("offset", "٣")),
    "weights_longer_than_the_file": at("ok.bin", ("length", str(2**50))),
    "weights_shorter_than_their_shape": at("ok.bin", ("length", "8")),
    "weights_in_a_file_of_three_gigabytes": at("w.bin", prepare=make_sparse(3 * 2**30), size=3 * 2**28),
    "weights_with_a_name_that_is_too_long": at("w" * 5_000),
    "weights_that_may_not_be_read": at("locked/w.bin", prepare=lambda folder: (folder / "locked").write_bytes(b"")),
}
for title, make in REFUSED.items():
    add_case(title, make, "refused")
OPENED: dict[str, Callable[[Path], None]] = {
    "weights_beside_the_model": at("ok.bin", ("length", str(SIZE))),
    "weights_beside_the_model_without_a_length": at("ok.bin"),
    "weights_beside_the_model_with_a_checksum": at("ok.bin", ("checksum", "0" * 40)),
    "weights_under_a_second_name": at("w.bin", prepare=hard),
}
opened: Answer = "opened"
for title, make in OPENED.items():
    add_case(title, make, opened)


def link_to_model(target: str) -> Callable[[Path], None]:
    """A model that is a link itself."""
    return lambda folder: (folder / "model.onnx").symlink_to(target)


def make_pipe(folder: Path) -> None:
    """A pipe in the model's place."""
    os.mkfifo(folder / "model.onnx")


def linked(folder: Path) -> None:
    """A link to a good model, as caches of model hubs are full of them."""
    (folder / "blob").write_bytes(model([honest()]).SerializeToString())
    (folder / "model.onnx").symlink_to("blob")


add_case("model_that_is_a_pipe", make_pipe, "refused", "not a regular file")
add_case("model_that_is_a_folder", lambda folder: (folder / "model.onnx").mkdir(), "refused")
add_case("model_that_is_a_device", link_to_model("/dev/zero"), "refused", "not a regular file")
add_case("model_that_is_a_link_to_itself", link_to_model("model.onnx"), "refused")
add_case("model_that_is_a_link_to_nothing", link_to_model("nothing"), "refused", "no such file")
add_case("model_behind_a_link", linked, "opened")
