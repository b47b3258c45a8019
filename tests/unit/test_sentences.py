"""How sentences write what can be written in more than one way, read from the source of all of them."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import onnxaudit
from onnxaudit.findings.reasons import LARGE_TRIGGERS

PACKAGE = Path(onnxaudit.__file__).parent
# `22%`, or `{share:.0%}`, which writes it; not `width: 100%;` of a style sheet, nor a set of signs `[0-9%]`.
BARE_PERCENT = re.compile(r"\d%(?![;\]\"])")
PERCENT_FORMAT = re.compile(r"\{[^{}]*:[^{}]*%\}")


def list_texts(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every text of a module, doc strings too, with its line; what an f-string fills in is a 0 or keeps its format."""
    parts: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr) and id(node) not in parts:
            parts |= {id(part) for part in ast.walk(node)}
            yield node.lineno, "".join(_fill(part) for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in parts:
            yield node.lineno, node.value


def _fill(part: ast.expr) -> str:
    if isinstance(part, ast.FormattedValue):
        return "0" if part.format_spec is None else f"{{:{ast.unparse(part.format_spec)[2:-1]}}}"
    assert isinstance(part, ast.Constant)
    return str(part.value)


def test_a_number_and_its_percent_sign_stand_apart() -> None:
    bare = [
        f"{path.relative_to(PACKAGE)}:{line}"
        for path in sorted(PACKAGE.rglob("*.py"))
        for line, text in list_texts(ast.parse(path.read_text(encoding="utf-8")))
        if BARE_PERCENT.search(text) or PERCENT_FORMAT.search(text)
    ]
    assert not bare


def test_templates_of_the_page_set_percent_signs_apart_too() -> None:
    templates = sorted((PACKAGE / "report" / "html" / "templates").glob("*.html"))
    assert templates
    assert not [path.name for path in templates if BARE_PERCENT.search(path.read_text(encoding="utf-8"))]


def test_reasons_tell_shares_as_reports_do() -> None:
    reason = LARGE_TRIGGERS.give(share=0.2214)
    assert "cover 22 % of the input" in reason.seen
    assert reason.numbers == {"share": 0.2214}
