"""Python that a page shows calls what is there, in the way in which it can be called.

A block with a title is a file, which the commands of its page run: it has to be Python.
"""

import inspect
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from onnxaudit import pipeline
from tests.documentation.pages import ROOT, Block, find_pages, read_blocks

BLOCKS = {
    f"{page.relative_to(ROOT)}:{block.line}": block
    for page in find_pages()
    for block in read_blocks(page.read_text(encoding="utf-8"))
    if block.language == "python"
}
EXAMPLES = {name: block for name, block in BLOCKS.items() if block.title is None}


@pytest.mark.parametrize("block", BLOCKS.values(), ids=BLOCKS)
def test_examples_are_python(block: Block) -> None:
    compile(block.text, block.title or "example", "exec")


@pytest.mark.parametrize("block", EXAMPLES.values(), ids=EXAMPLES)
def test_examples_can_be_run(block: Block, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []

    def stand_in(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> SimpleNamespace:
            inspect.signature(function).bind(*given, **named)
            calls.append(function.__name__)
            return SimpleNamespace(verdict="backdoored")

        return call

    for name in ("scan", "repair"):
        monkeypatch.setattr(pipeline, name, stand_in(getattr(pipeline, name)))
    exec(compile(block.text, "example", "exec"), {})
    assert calls or "onnxaudit." not in block.text
