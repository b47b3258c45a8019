"""Folders of pictures: bombs, damage, other kinds and depths, odd names, links, tables that do not fit."""

import io
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.hostile.corpus.case import Answer, add_case
from tools.testbed.gray_networks import CLASSES, make_samples

IMAGES, LABELS = make_samples(3)
Change = Callable[[Path], Any]


def write_pictures(folder: Path) -> Path:
    """Honest pictures, a sub-folder a class."""
    root = folder / "pictures"
    for place, (image, label) in enumerate(zip(IMAGES, LABELS, strict=True)):
        (root / str(label)).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(root / str(label) / f"{place}.png")
    return root


def add(name: str, change: Change, answer: Answer = "refused", says: str = "") -> None:
    """Honest pictures, and what `change` makes of them."""

    def make(folder: Path) -> Path:
        root = write_pictures(folder)
        change(root)
        return root

    add_case(name, make, answer, says, sound=True, kind="pictures")


def chunk(kind: bytes, content: bytes) -> bytes:
    """One part of a PNG file."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width: int, height: int, data: bytes = b"", *, bits: int = 8, extra: bytes = b"") -> bytes:
    """A gray PNG file that says this size, whatever it holds."""
    size = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0))
    pixels = chunk(b"IDAT", data or zlib.compress(bytes(1000)))
    return b"\x89PNG\r\n\x1a\n" + size + extra + pixels + chunk(b"IEND", b"")


def put(content: Callable[[], bytes], name: str = "odd.png") -> Change:
    """One more file in the first class."""
    return lambda root: (root / "0" / name).write_bytes(content())


def encode(image: Any, kind: str, **options: Any) -> bytes:
    """A picture as a file of this kind."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def picture(mode: str = "L") -> Image.Image:
    """The first picture, twice as large, in another mode."""
    return Image.fromarray(IMAGES[0]).resize((16, 16)).convert(mode)


def deep(kind: type) -> Image.Image:
    """The first picture in numbers that do not say what is white."""
    return Image.fromarray(IMAGES[0].astype(kind) * 1_000)


def write_table(text: str | bytes) -> Change:
    """A table of labels."""
    content = text if isinstance(text, bytes) else text.encode()
    return lambda root: (root / "labels.csv").write_bytes(content)


def rename(old: str, new: str | bytes) -> Change:
    """Another name for a file or folder."""
    return lambda root: os.rename(os.fsencode(root / old), os.path.join(os.fsencode(root), os.fsencode(new)))  # noqa: PTH104, PTH118


def link(target: str, name: str = "0/linked.png") -> Change:
    """A link in the folder."""
    return lambda root: (root / name).symlink_to(target)


def clear(root: Path) -> None:
    """Nothing left."""
    for path in sorted(root.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()


def bury(root: Path) -> None:
    """A folder far down."""
    (root / "0").joinpath(*["d"] * 150).mkdir(parents=True)


def large() -> bytes:
    """67 million pixels in 65 thousand bytes."""
    packer = zlib.compressobj(9)
    return png(8192, 8190, b"".join(packer.compress(bytes(8193)) for _ in range(8190)) + packer.flush())


REFUSED: dict[str, Change] = {
    "picture_of_billions_of_pixels": put(lambda: png(60_000, 60_000)),
    "picture_of_no_pixels": put(lambda: png(0, 0)),
    "picture_larger_than_numbers": put(lambda: png(2**31 - 1, 2**31 - 1)),
    "picture_with_too_little_data": put(lambda: png(500, 500, zlib.compress(b"ab"))),
    "picture_with_broken_data": put(lambda: png(8, 8, b"not packed at all")),
    "picture_of_nothing": put(lambda: b""),
    "picture_that_is_text": put(lambda: b"not a picture"),
    "picture_that_is_a_page": put(lambda: b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"),
    "picture_that_is_a_program": put(lambda: b"#!/bin/sh\ntrue\n"),
    "picture_that_is_postscript": put(
        lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n(%pipe%true) (w) file\n"
    ),
    "photograph_cut_off": put(lambda: encode(picture().resize((300, 300)), "JPEG")[:900], "cut.jpg"),
    "picture_of_whole_numbers": put(lambda: encode(deep(np.int32), "TIFF"), "deep.tif"),
    "picture_of_real_numbers": put(lambda: encode(deep(np.float32), "TIFF"), "deep.tif"),
    "picture_of_a_kind_that_is_not_read": put(lambda: b"ftypheic", "phone.heic"),
    "notes_of_a_picture_that_unpack_to_a_gigabyte": put(
        lambda: png(8, 8, zlib.compress(bytes(72)), extra=chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(2**28), 9)))
    ),
    "picture_that_is_a_link_outside": link("/etc/passwd"),
    "picture_with_a_bad_checksum": put(lambda: png(8, 8).replace(b"IHDR", b"IHDr")),
    "no_pictures": clear,
    "pictures_beside_and_inside_folders": lambda root: Image.fromarray(IMAGES[0]).save(root / "0.png"),
    "class_that_is_a_huge_number": rename("3", "9" * 23),
    "class_folder_that_leads_back": link(".", "self"),
    "class_that_the_model_does_not_have": rename("3", "4"),
    "classes_counted_from_one": lambda root: [rename(str(label), str(label + 1))(root) for label in (3, 2, 1, 0)],
    "classes_in_words_without_an_order": lambda root: [rename("0", "cat")(root), rename("1", "cat2")(root)],
    "table_with_a_zero_byte": write_table("filename,label\n0/0\0.png,0\n"),
    "table_with_a_huge_field": write_table("filename,label\n" + "a" * 200_000 + ",0\n"),
    "table_with_a_long_name": write_table("filename,label\n" + "a" * 5_000 + ".png,0\n"),
    "table_that_leads_outside": write_table("filename,label\n../../../../../etc/hostname.png,0\n"),
    "table_with_an_absolute_path": write_table("filename,label\n/etc/passwd,0\n"),
    "table_of_a_file_that_is_missing": write_table("filename,label\n0/none.png,0\n"),
    "table_with_a_negative_label": write_table("filename,label\n0/0.png,-1\n1/3.png,0\n"),
    "table_with_a_label_of_digits_without_end": write_table("filename,label\n0/0.png," + "9" * 5_000 + "\n"),
    "table_that_is_no_text": write_table(b"\xff\xfe\x00f"),
    "table_with_a_formula": write_table("filename,label\n0/0.png,=1+1\n1/3.png,1\n"),
    "table_of_three_columns": write_table("filename,label,more\n0/0.png,0,0\n"),
    "table_that_ends_in_a_quote": write_table('filename,label\n"0/0.png,0\n'),
    "order_with_one_class_twice": lambda root: (root / "labels.txt").write_text("a\na\nb\nc\n", encoding="utf-8"),
    "order_without_end": lambda root: (root / "labels.txt").write_text("a\n" * 300_000, encoding="utf-8"),
}
for title, change in REFUSED.items():
    add(title, change)
OPENED: dict[str, Change] = {
    "moving_picture": put(
        lambda: encode(picture("P"), "GIF", save_all=True, append_images=[picture("P")] * 4), "a.gif"
    ),
    "picture_of_sixteen_bits": put(lambda: encode(Image.fromarray(IMAGES[0].astype(np.uint16) * 257), "PNG")),
    "picture_with_a_palette": put(lambda: encode(picture("P"), "PNG")),
    "picture_in_printers_colors": put(lambda: encode(picture("CMYK"), "JPEG"), "c.jpg"),
    "picture_that_is_half_transparent": put(lambda: encode(picture("RGBA"), "PNG")),
    "picture_in_black_and_white": put(lambda: encode(picture("1"), "PNG")),
    "picture_that_lies_on_its_side": put(lambda: encode(picture(), "JPEG", exif=turned()), "e.jpg"),
    "picture_of_67_million_pixels": put(large),
    "name_with_escapes": rename("0/0.png", "0/\u202egnp.\x1b[31m-ü😀\n.png"),
    "name_that_is_no_text": rename("0/0.png", b"0/\xff\xfe.png"),
    "folder_far_down": bury,
    "folder_called_like_a_picture": lambda root: (root / "0" / "folder.png").mkdir(),
    "pipe_called_like_a_picture": lambda root: os.mkfifo(root / "0" / "pipe.png"),
    "pipe_called_like_the_table": lambda root: os.mkfifo(root / "labels.csv"),
    "link_that_leads_back": link("..", "0/loop"),
    "class_that_is_a_raised_number": rename("3", "²"),
    "picture_that_is_a_link_to_a_device": link("/dev/zero"),
    "hidden_files": put(lambda: b"", ".hidden.png"),
}


def turned() -> Any:
    """Notes of a camera that was held on its side."""
    notes = Image.Exif()
    notes[0x0112] = 6
    return notes


for title, change in OPENED.items():
    add(title, change, "opened")
assert CLASSES == 4


def put_many_large(root: Path) -> None:
    """Forty pictures of 16 million pixels: 640 MiB, were all of them decoded at one time."""
    content = encode(Image.fromarray(np.zeros((4096, 4096), np.uint8)), "PNG")
    for place in range(40):
        (root / "0" / f"large{place}.png").write_bytes(content)


add("forty_large_pictures", put_many_large, "opened")
