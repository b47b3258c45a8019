"""A model file that appears whole or not at all, and never in place of the original."""

from collections.abc import Callable
from pathlib import Path

from onnxaudit.errors import OutputError
from onnxaudit.files import check_writable, write_atomically
from onnxaudit.intake.model import Model


def save_model(model: Model, path: str | Path, check: Callable[[Path], None] | None = None) -> None:
    """Write `model` beside `path` and rename it. An existing file keeps its permissions.

    Args:
        model: what to write.
        path: where.
        check: looks at the complete draft before it gets its name; when it raises, nothing is left behind.

    Raises:
        OutputError: `path` is the file that `model` was read from, or cannot be written.
    """
    check_destination(path, model.info.path)
    write_atomically(Path(path), model.to_bytes(), check)


def check_destination(path: str | Path, source: str | Path) -> None:
    """Make sure that a model can be written to `path`, before long work is spent on it.

    Raises:
        OutputError: the same file as `source`, under whatever name, or it cannot be written.
    """
    path, source = Path(path), Path(source)
    if path.exists() and source.exists() and path.samefile(source):
        raise OutputError(f"{path} is the model that was read; the original is never overwritten, name another file")
    check_writable(path)
