"""`convert`, and what `scan` and `inspect` do first with another framework's model: it becomes an ONNX file.

The framework runs below a worker process, with its limits, without a network, and with its own files alone.
"""

import hashlib
import json
import os
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path

from onnxaudit.cache.key import digest_tree
from onnxaudit.cli.endings import complain
from onnxaudit.cli.exits import CLEAN, Settings
from onnxaudit.cli.isolation import Line, Needs, work_apart
from onnxaudit.cli.options import Outputs
from onnxaudit.cli.output import open_delivery
from onnxaudit.cli.places import Places
from onnxaudit.conversion.kinds import find_kind
from onnxaudit.conversion.order import Order
from onnxaudit.errors import UsageError
from onnxaudit.files import write_atomically
from onnxaudit.isolation.worker import Ending
from onnxaudit.records import Conversion, ConversionDocument
from onnxaudit.regular_files import open_regular

LONGEST = 1800.0  # seconds; frameworks take long to begin on a busy machine
ASK = "import json, sys; print(json.dumps([sys.prefix, sys.base_prefix, sys.exec_prefix, *sys.path]))"
PATIENCE = 60.0  # seconds for an interpreter to say where it lives
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONDONTWRITEBYTECODE": "1"}


def run_convert(order: Order, output: Path, outputs: Outputs, settings: Settings) -> int:
    """Convert one model; what computes something else is not kept."""
    delivery = open_delivery(outputs, settings, [order.source], further=[output])
    delivery.show(convert_apart(order, output, settings))
    return CLEAN


def take_order(
    source: Path,
    *,
    python: Path | None,
    shape: tuple[int, ...] | None = None,
    size: tuple[int, int] | None = None,
    signature: str | None = None,
) -> Order:
    """What is to be converted; refuses what cannot be, pickles above all.

    Raises:
        ModelError: nothing that can be converted.
    """
    return Order(source=source, kind=find_kind(source), python=python, shape=shape, size=size, signature=signature)


def convert_apart(order: Order, output: Path, settings: Settings) -> ConversionDocument:
    """Convert in a worker process, and put what comes of it in its place.

    Raises:
        WorkerError: it cannot be converted, or that process ended before.
        UsageError: the interpreter that was named is none.
    """
    programs = () if order.python is None else list_environment(order.python)
    places = Places(apart=settings.apart)
    placed = replace(order, source=places.find(order.source), python=order.python and order.python.absolute())
    target = places.find(output)

    def work(line: Line) -> ConversionDocument:
        del line
        return _convert(placed, target)

    needs = Needs(data=[order.source], output=output, programs=programs, seconds=LONGEST, device="cpu")
    document = work_apart(work, needs, settings, places)
    if isinstance(document, Ending):
        raise complain(document, f"while it converted {order.source}")
    assert isinstance(document, ConversionDocument)
    return replace(document, conversion=replace(document.conversion, source=str(order.source)), output=str(output))


def list_environment(python: Path) -> tuple[Path, ...]:
    """The folders in which an interpreter and its packages lie.

    Raises:
        UsageError: it is no interpreter of Python.
    """
    try:
        done = subprocess.run(  # noqa: S603 - an interpreter that the user names
            [python, "-I", "-c", ASK], capture_output=True, check=True, timeout=PATIENCE, stdin=subprocess.DEVNULL
        )
        told = [Path(one) for one in json.loads(done.stdout)]
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise UsageError(f"--python {python} is no interpreter of Python that starts") from error
    return (python, python.absolute().parent, *{one for one in told if one.exists()})


def _convert(order: Order, output: Path) -> ConversionDocument:
    from onnxaudit.conversion.process import convert

    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("KERAS_HOME", folder)
        converted = convert(order, Path(folder))
    write_atomically(output, converted.model)
    parity = converted.parity
    return ConversionDocument(
        conversion=Conversion(
            source=str(order.source),
            kind=order.kind.name,
            sha256=_digest(order.source),
            packages=converted.packages,
            inputs=parity.inputs,
            max_difference=parity.max_difference,
            agreement=parity.agreement,
        ),
        output=str(output),
        output_sha256=hashlib.sha256(converted.model).hexdigest(),
    )


def _digest(source: Path) -> str:
    if source.is_dir():
        return digest_tree(source)
    with open_regular(source) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
