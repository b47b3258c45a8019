"""The page of the Python API, from signatures and docstrings."""

import dataclasses
import inspect
from collections.abc import Callable
from typing import Any

import onnxaudit
from onnxaudit import errors, pipeline, records, testing
from tools.reference.docstrings import read_docstring
from tools.reference.markdown import start_sentence, write_code, write_table

HEADING = """# Python

```python
import onnxaudit

report = onnxaudit.scan("model.onnx", "clean-images/")
if report.verdict == "backdoored":
    repaired = onnxaudit.repair("model.onnx", "clean-images/", "fixed.onnx", scan=report)
```

Everything is typed and prints nothing. What comes back are frozen dataclasses over numpy, those of the
[JSON report](report.md); `verdict` compares with text. `import onnxaudit` is cheap: PyTorch and ONNX Runtime are loaded
at first use. A notebook shows a report as its page, and a trigger as a drawing (`trigger.plot(image)`: on an image of
yours); `trigger.mask` and `trigger.pattern` are numpy arrays. With `on_event=onnxaudit.NotebookProgress()` a cell shows
what is being done; [a notebook](../tutorial/notebook.ipynb) does all of it. `onnxaudit.Policy` has [the policy's
keys](policy.md). A `Verification` has `outcome` ("pass", "fail" or "inconclusive"), `reasons` and `notes`.
"""
FUNCTIONS: tuple[tuple[str, Callable[..., Any]], ...] = (
    ("onnxaudit.scan", onnxaudit.scan),
    ("onnxaudit.repair", onnxaudit.repair),
    ("onnxaudit.inspect", onnxaudit.inspect),
    ("onnxaudit.verify", onnxaudit.verify),
    ("onnxaudit.render_report", onnxaudit.render_report),
    ("onnxaudit.testing.assert_clean", testing.assert_clean),
)
CONFIGS = tuple(getattr(pipeline, name) for name in pipeline.__all__ if name.endswith("Config"))
ERRORS = """## Errors

All derive from `onnxaudit.errors.OnnxauditError`; the message is one line for people.

```text
{tree}
```
"""


def write_page() -> str:
    """The whole page in Markdown."""
    functions = [write_function(name, function) for name, function in FUNCTIONS]
    configs = ["## Settings\n\nFrom `onnxaudit.pipeline`; frozen, and the only home of the defaults.\n"]
    configs += [write_config(config) for config in CONFIGS]
    return "\n".join([HEADING, *functions, write_config(records.Event, "##"), *configs, write_errors()])


def write_function(name: str, function: Callable[..., Any]) -> str:
    """A function: its signature, what it does, its arguments and errors."""
    told, signature = read_docstring(function.__doc__), inspect.signature(function)
    said = told.describe("Args")
    rows = [
        (write_code(one), write_default(parameter), start_sentence(said.get(one, "")))
        for one, parameter in signature.parameters.items()
    ]
    returned = inspect.formatannotation(signature.return_annotation).rpartition(".")[2]
    raised = "".join(f"- {write_code(one)}: {start_sentence(why)}\n" for one, why in told.describe("Raises").items())
    parts = [f"## {name}\n", f"{told.text}\n", write_table(("argument", "default", "meaning"), rows)]
    link = f"[`{returned}`](report.md#{returned.lower()})" if hasattr(records, returned) else f"`{returned}`"
    parts += [f"Returns {link}.\n", f"Raises:\n\n{raised}" if raised else ""]
    return "\n".join(part for part in parts if part)


def write_config(config: Any, level: str = "###") -> str:
    """A dataclass: its fields with their defaults."""
    told = read_docstring(config.__doc__)
    said = told.describe("Attributes")
    rows = [
        (write_code(one.name), write_default(one), start_sentence(said.get(one.name, "")))
        for one in dataclasses.fields(config)
    ]
    return f"{level} {config.__name__}\n\n{told.text}\n\n{write_table(('field', 'default', 'meaning'), rows)}"


def write_default(one: Any) -> str:
    """The default of a parameter or of a field; of settings within settings the class, where they are its own."""
    factory = getattr(one, "default_factory", dataclasses.MISSING)
    if factory is not dataclasses.MISSING:
        made = factory()
        return write_code(f"{type(made).__name__}()" if made == type(made)() else write_difference(made))
    missing = (inspect.Parameter.empty, dataclasses.MISSING)
    return "" if one.default in missing else write_code(repr(one.default))


def write_difference(value: Any) -> str:
    """A dataclass with what differs from its defaults alone."""
    usual = type(value)()
    names = [one.name for one in dataclasses.fields(value) if getattr(value, one.name) != getattr(usual, one.name)]
    return f"{type(value).__name__}({', '.join(f'{name}={getattr(value, name)!r}' for name in names)})"


def write_errors() -> str:
    """The tree of errors as its module draws it."""
    lines = inspect.cleandoc(errors.__doc__ or "").split("\n\n")[1]
    return ERRORS.format(tree=inspect.cleandoc(lines))
