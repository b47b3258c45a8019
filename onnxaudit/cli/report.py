"""`onnxaudit report`: a run's JSON report in other formats, without scanning; needs neither torch nor onnxruntime."""

from pathlib import Path

from onnxaudit.cli.exits import CLEAN, Settings
from onnxaudit.cli.options import Outputs
from onnxaudit.cli.output import open_delivery
from onnxaudit.errors import DataError
from onnxaudit.records import Document
from onnxaudit.regular_files import read_regular
from onnxaudit.report.json import from_json


def run_report(run: Path, outputs: Outputs, settings: Settings) -> int:
    """Render a JSON report again; the exit code tells whether that worked, not what the report says."""
    delivery = open_delivery(outputs, settings, [run])
    delivery.show(read_report(run))
    return CLEAN


def read_report(path: Path) -> Document:
    """The document in a file.

    Raises:
        DataError: it cannot be read, or is no report; names the file.
    """
    try:
        return from_json(read_regular(path))
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from error
    except DataError as error:
        raise DataError(f"{path}: {error}") from error
