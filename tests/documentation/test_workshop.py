"""The harness itself: what it has to refuse."""

from pathlib import Path

import pytest

from tests.documentation.pages import Block, drop_blocks, read_blocks
from tests.documentation.workshop import Command, Workshop, read_commands, shows


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


def make_block(text: str) -> Block:
    return Block(1, "console", text)


@pytest.mark.parametrize(
    "command",
    [
        "$ onnxaudit rules --renamed\n",
        "$ onnxaudit rules OA999\n",
        "$ onnxaudit rules OA101  # exit code 1: but it is 0\n",
        "$ onnxaudit rules\nOA101  another name\n",
        "$ false | true\n",
    ],
)
def test_stale_commands_fail(workshop: Workshop, command: str) -> None:
    with pytest.raises(AssertionError):
        workshop.carry_out(make_block(command))


def test_commands_share_a_folder_and_find_the_files_that_a_page_shows(workshop: Workshop) -> None:
    workshop.carry_out(Block(1, "toml", 'fail_on = "suspicion"\n', title="ci/policy.toml"))
    workshop.carry_out(make_block("$ onnxaudit policy show --policy ci/policy.toml > told\n"))
    workshop.carry_out(make_block("$ grep fail_on told\nfail_on suspicion (policy ci/policy.toml)\n"))
    workshop.carry_out(make_block("$ ls -d model.onnx clean-images models/*.md\nclean-images\nmodel...\n"))


def test_commands_state_their_exit_code_and_go_on_behind_a_backslash() -> None:
    text = "$ a b \\\n>   c\nshown\n\nmore\n$ d  # exit code 3: open\n"
    assert read_commands(text) == [Command("a b \\\n  c", 0, "shown\n\nmore"), Command("d  # exit code 3: open", 3, "")]


def test_what_is_shown_may_leave_out() -> None:
    assert shows("", "anything")
    assert shows("one ... three", "one\n  two\n  three\n")
    assert not shows("one three", "one two three\n")


def test_blocks_are_found_with_their_title_and_reason() -> None:
    text = (
        '# A\n<!-- not run: needs docker -->\n```console\n$ a\n```\n\n- b\n\n  ```toml title="c.toml"\n  d = 1\n  ```\n'
    )
    assert read_blocks(text) == [
        Block(3, "console", "$ a\n", not_run="needs docker"),
        Block(9, "toml", "d = 1\n", title="c.toml"),
    ]
    assert "d = 1" not in drop_blocks(text)
    assert "- b" in drop_blocks(text)


@pytest.mark.parametrize("comment", ["<!-- not run -->", "<!-- not run: -->", "<!-- skipped: later -->"])
def test_a_reason_has_to_be_given_in_full(comment: str) -> None:
    (block,) = read_blocks(f"{comment}\n```console\n$ a\n```\n")
    assert block.not_run is None


def test_a_block_without_an_end_is_refused() -> None:
    with pytest.raises(ValueError, match="no end"):
        read_blocks("```console\n$ a\n")
