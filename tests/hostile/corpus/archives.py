"""Archives of samples that hold something else, too much, or labels that do not fit."""

import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tests.hostile.corpus.case import Answer, add_case
from tools.testbed.gray_networks import CLASSES, SIDE, make_samples

IMAGES, LABELS = make_samples()
Contents = Callable[[], dict[str, Any]]


def add(name: str, contents: Contents, answer: Answer = "refused", says: str = "") -> None:
    """An archive of these arrays beside the honest network."""

    def make(folder: Path) -> None:
        arrays = contents()
        np.savez_compressed(folder / "data.npz", **arrays)

    add_case(name, make, answer, says, sound=True, kind="archives")


def change(place: tuple[int, ...], value: float, factor: float = 1 / 255) -> Any:
    """The images as numbers of 0..1 with one changed."""
    images = IMAGES * factor
    images[place] = value
    return images


ARRAYS: dict[str, Contents] = {
    "images_of_objects": lambda: {"x": IMAGES.astype(object), "y": LABELS},
    "labels_of_objects": lambda: {"x": IMAGES, "y": np.array([{}] * len(IMAGES), dtype=object)},
    "no_images_at_all": lambda: {"x": IMAGES[:0], "y": LABELS[:0]},
    "no_array_of_images": lambda: {"a": IMAGES, "b": LABELS},
    "pixel_that_is_no_number": lambda: {"x": change((3, 4, 4), np.nan), "y": LABELS},
    "pixel_without_end": lambda: {"x": change((3, 4, 4), np.inf), "y": LABELS},
    "negative_pixels": lambda: {"x": IMAGES / 127.5 - 1, "y": LABELS},
    "pixels_of_sixteen_bits": lambda: {"x": IMAGES.astype(np.uint16) * 257, "y": LABELS},
    "pixels_of_four_bits": lambda: {"x": IMAGES // 16, "y": LABELS},
    "pixels_beyond_all_floats": lambda: {"x": IMAGES.astype(np.float64) * 1e300, "y": LABELS},
    "standardized_pixels": lambda: {"x": (IMAGES - 127.5) / 64, "y": LABELS},
    "imaginary_pixels": lambda: {"x": IMAGES.astype(np.complex64), "y": LABELS},
    "dates_for_pixels": lambda: {"x": IMAGES.astype("datetime64[s]"), "y": LABELS},
    "text_for_pixels": lambda: {"x": IMAGES.astype("U3"), "y": LABELS},
    "records_for_pixels": lambda: {"x": np.zeros(48, [("a", "f4"), ("b", "f4")]), "y": LABELS},
    "images_of_another_size": lambda: {"x": np.zeros((48, 9, 9), np.uint8), "y": LABELS},
    "images_of_five_channels": lambda: {"x": np.zeros((48, SIDE, SIDE, 5), np.uint8), "y": LABELS},
    "images_in_one_row": lambda: {"x": IMAGES.reshape(48, -1), "y": LABELS},
    "fewer_labels_than_images": lambda: {"x": IMAGES, "y": LABELS[:-1]},
    "labels_of_all_classes_at_once": lambda: {"x": IMAGES, "y": np.eye(CLASSES)[LABELS]},
    "negative_labels": lambda: {"x": IMAGES, "y": LABELS.astype(np.int64) - 1},
    "labels_counted_from_one": lambda: {"x": IMAGES, "y": LABELS + 1},
    "labels_that_wrap": lambda: {"x": IMAGES, "y": LABELS.astype(np.uint64) + np.uint64(2**63)},
    "labels_between_classes": lambda: {"x": IMAGES, "y": LABELS + 0.5},
    "labels_that_are_no_numbers": lambda: {"x": IMAGES, "y": np.where(LABELS == 1, np.nan, LABELS)},
    "labels_in_words": lambda: {"x": IMAGES, "y": np.array(list("abcd"))[LABELS]},
    "labels_of_one_class": lambda: {"x": IMAGES, "y": LABELS * 0},
    "labels_in_another_order": lambda: {"x": IMAGES, "y": (LABELS + 1) % CLASSES},
    "labels_in_the_reverse_order": lambda: {"x": IMAGES, "y": CLASSES - 1 - LABELS},
    "two_labels_swapped": lambda: {"x": IMAGES, "y": np.array([1, 0, 3, 2])[LABELS]},
    "labels_by_chance": lambda: {"x": IMAGES, "y": np.random.default_rng(4).permutation(LABELS)},
    "one_image": lambda: {"x": IMAGES[:1], "y": LABELS[:1]},
    "one_image_again_and_again": lambda: {"x": np.repeat(IMAGES[:1], 48, 0), "y": LABELS},
    "black_images": lambda: {"x": IMAGES * 0, "y": LABELS},
    "inverted_images": lambda: {"x": 255 - IMAGES, "y": LABELS},
}
for title, contents in ARRAYS.items():
    add(title, contents)
OPENED: dict[str, Contents] = {
    "pixels_of_half_precision": lambda: {"x": (IMAGES / 255).astype(np.float16), "y": LABELS},
    "pixels_of_long_integers": lambda: {"x": IMAGES.astype(np.int64), "y": LABELS},
    "pixels_from_the_other_end": lambda: {"x": IMAGES.astype(">i4"), "y": LABELS},
    "pixels_in_the_order_of_fortran": lambda: {"x": np.asfortranarray(IMAGES), "y": LABELS},
    "labels_as_floating_point_numbers": lambda: {"x": IMAGES, "y": LABELS.astype(np.float32)},
    "names_that_act": lambda: {
        "x": IMAGES,
        "y": LABELS,
        "class_names": np.array(["\x1b[31m<script>", "a\nb", "{{7}}", "d"]),
    },
    "names_of_other_classes": lambda: {"x": IMAGES, "y": LABELS, "class_names": np.array(["a"] * 9)},
    "objects_in_an_array_that_nobody_reads": lambda: {"x": IMAGES, "y": LABELS, "z": np.array([{}], dtype=object)},
}
for title, contents in OPENED.items():
    add(title, contents, "opened")


def header(shape: str, kind: str = "|u1", more: bytes = b"") -> bytes:
    """The beginning of a stored array, as numpy writes it, with whatever shape."""
    text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + more


def archive(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip archive of these files."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as made:
        for name, content in members.items():
            made.writestr(name, content)
    return file.getvalue()


def arrays() -> dict[str, bytes]:
    """The honest arrays as files of an archive."""
    made = {}
    for name, values in (("x", IMAGES), ("y", LABELS)):
        file = io.BytesIO()
        np.save(file, values)
        made[f"{name}.npy"] = file.getvalue()
    return made


def twice() -> bytes:
    """An archive with two arrays of one name."""
    made = archive({**arrays(), "z.npy": arrays()["x.npy"][:-64] + bytes(64)}, zipfile.ZIP_STORED)
    return made.replace(b"z.npy", b"x.npy")


def bomb(gigabytes: int) -> bytes:
    """An array of zeros that packs to a thousandth."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as made:
        with made.open("x.npy", "w", force_zip64=True) as inner:
            inner.write(header(f"({gigabytes << 24}, 8, 8)"))
            piece = bytes(2**22)
            for _ in range(gigabytes << 8):
                inner.write(piece)
        made.writestr("y.npy", arrays()["y.npy"])
    return file.getvalue()


def lying(size: int) -> bytes:
    """An archive whose list says another size than its content has."""
    data = bytearray(archive(arrays()))
    at = data.rindex(b"PK\x01\x02", 0, data.rindex(b"PK\x01\x02"))
    data[at + 24 : at + 28] = struct.pack("<I", size)
    return bytes(data)


BYTES: dict[str, Callable[[], bytes]] = {
    "archive_of_nothing": lambda: archive({}),
    "archive_that_is_empty": lambda: b"",
    "archive_that_is_no_archive": lambda: b"PK\x03\x04" + bytes(500),
    "archive_cut_off": lambda: archive(arrays())[:-300],
    "archive_in_place_of_which_stands_text": lambda: b"x,y\n1,2\n",
    "header_of_a_trillion_images": lambda: archive(
        {"x.npy": header("(1099511627776, 8, 8)"), "y.npy": arrays()["y.npy"]}
    ),
    "header_of_a_negative_shape": lambda: archive({"x.npy": header("(-1, 8, 8)"), "y.npy": arrays()["y.npy"]}),
    "header_of_a_shape_that_overflows": lambda: archive(
        {"x.npy": header(f"({2**62}, {2**62})"), "y.npy": arrays()["y.npy"]}
    ),
    "header_that_calls": lambda: archive({"x.npy": header("__import__('os').system('true')"), "y.npy": b""}),
    "header_of_many_parentheses": lambda: archive({"x.npy": header("(" * 3_000 + ")" * 3_000), "y.npy": b""}),
    "header_of_objects": lambda: archive(
        {"x.npy": header("(48, 8, 8)", "|O", b"\x80\x02cos\nsystem\n(S'true'\ntR."), "y.npy": b""}
    ),
    "header_of_an_unknown_version": lambda: archive({"x.npy": b"\x93NUMPY\x09\x00" + bytes(99), "y.npy": b""}),
    "pickle_for_an_array": lambda: archive(
        {"x.npy": b"\x80\x02cos\nsystem\n(S'true'\ntR.", "y.npy": arrays()["y.npy"]}
    ),
    "fewer_bytes_than_the_header_says": lambda: archive(
        {"x.npy": header("(48, 8, 8)", "|u1", bytes(99)), "y.npy": arrays()["y.npy"]}
    ),
    "array_that_unpacks_to_two_gigabytes": lambda: bomb(2),
    "list_that_says_less_than_there_is": lambda: lying(9),
}
for title, content in BYTES.items():

    def make(folder: Path, content: Callable[[], bytes] = content) -> None:
        (folder / "data.npz").write_bytes(content())

    add_case(title, make, "refused", sound=True, kind="archives")


def write_many(folder: Path) -> None:
    """Thousands of arrays beside the two that are read."""
    more = {f"m{place}.npy": b"" for place in range(20_000)}
    (folder / "data.npz").write_bytes(archive({**arrays(), **more}, zipfile.ZIP_STORED))


def write_twice(folder: Path) -> None:
    """An archive that holds two arrays of one name."""
    (folder / "data.npz").write_bytes(twice())


def link_device(folder: Path) -> None:
    """A link to a device in the archive's place."""
    (folder / "data.npz").symlink_to("/dev/zero")


def make_pipe(folder: Path) -> Path:
    """A pipe in the archive's place."""
    import os

    os.mkfifo(folder / "pipe.npz")
    return folder / "pipe.npz"


add_case("archive_of_thousands_of_arrays", write_many, "opened", sound=True, kind="archives")
add_case("archive_with_two_arrays_of_one_name", write_twice, "refused", sound=True, kind="archives")
add_case("archive_that_is_a_device", link_device, "refused", sound=True, kind="archives")
add_case("archive_that_is_a_pipe", make_pipe, "refused", sound=True, kind="archives")
