"""Keys differ wherever a result may."""

import os
import sys
from pathlib import Path

import pytest

from onnxaudit.cache.key import digest_code, digest_tree, make_key, sign_tree


def test_a_key_follows_values_and_not_their_order() -> None:
    assert make_key({"a": 1, "b": (1, 2)}) == make_key({"b": [1, 2], "a": 1})
    assert len({make_key({"a": value}) for value in (1, 2, "1", None, 1.5, [1], Path("1"))}) == 7


def test_the_code_has_one_digest() -> None:
    assert len(digest_code()) == 64


def test_names_and_contents_of_a_folder_count(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "1.png").write_bytes(b"one")
    digests = {digest_tree(tmp_path), digest_tree(tmp_path / "a" / "1.png")}
    (tmp_path / "a" / "1.png").rename(tmp_path / "a" / "2.png")
    digests.add(digest_tree(tmp_path))
    (tmp_path / "a" / "2.png").write_bytes(b"two")
    digests.add(digest_tree(tmp_path))
    assert len(digests) == 4


def test_folders_without_files_count(tmp_path: Path) -> None:
    before = (digest_tree(tmp_path), sign_tree(tmp_path))
    (tmp_path / "a").mkdir()
    assert digest_tree(tmp_path) != before[0]
    assert sign_tree(tmp_path) != before[1]


def test_the_state_of_a_tree_changes_with_any_file_and_by_itself_not(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "1.png").write_bytes(b"one")
    before = sign_tree(tmp_path)
    assert sign_tree(tmp_path) == before
    (tmp_path / "a" / "1.png").write_bytes(b"longer")
    assert sign_tree(tmp_path) != before


@pytest.mark.skipif(sys.platform == "win32", reason="links of POSIX")
def test_where_a_link_to_a_folder_that_was_met_leads_counts(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.png").write_bytes(name.encode())
    digests = set()
    for name in ("a", "b"):
        (tmp_path / "c").unlink(missing_ok=True)
        (tmp_path / "c").symlink_to(tmp_path / name)
        digests.add(digest_tree(tmp_path))
    assert len(digests) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="links and pipes of POSIX")
def test_links_in_a_circle_come_to_an_end_and_pipes_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    (tmp_path / "a" / "1.png").write_bytes(b"one")
    assert digest_tree(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="regular"):
        digest_tree(tmp_path)
