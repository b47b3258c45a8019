"""What has to be known of a model for a policy or a statement, asked of a worker process: only there is it parsed."""

import json
from collections.abc import Callable, Collection
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from onnxaudit.cli.endings import complain
from onnxaudit.cli.exits import Settings, describe_error
from onnxaudit.cli.isolation import INSPECTION, Needs, ask_apart
from onnxaudit.cli.places import Places
from onnxaudit.errors import WorkerError
from onnxaudit.records import FileMetadata

_METADATA: TypeAdapter[FileMetadata] = TypeAdapter(FileMetadata)


def read_metadata(model: Path, settings: Settings) -> FileMetadata:
    """What a model file says of itself, and which files of external data belong to it.

    Raises:
        WorkerError: it cannot be read, is no model, or took the worker down.
    """

    def question(path: Path) -> dict[str, Any]:
        from onnxaudit.intake import metadata

        return asdict(metadata.read_metadata(path))

    try:
        return _METADATA.validate_python(_ask(question, model, settings))
    except ValidationError as error:
        raise WorkerError(f"the worker process gave an answer about {model} that cannot be read") from error


def check_domains(model: Path, accepted: Collection[str], settings: Settings) -> None:
    """Refuse a model with operators outside ONNX's own domain and those accepted.

    Raises:
        WorkerError: it has some, all named; or it cannot be read.
    """

    def question(path: Path) -> dict[str, Any]:
        from onnxaudit.gate import domains

        domains.check_domains(path, accepted)
        return {}

    _ask(question, model, settings)


def _ask(question: Callable[[Path], dict[str, Any]], model: Path, settings: Settings) -> Any:
    """The answer, as plain values of JSON."""
    if not settings.apart:
        return question(model)
    places = Places(apart=True)
    place = places.find(model)

    def work() -> bytes:
        try:
            plain = {"answer": question(place)}
        except Exception as error:
            plain = {"error": {"words": describe_error(error)}}
        return json.dumps(plain).encode()

    ending = ask_apart(work, Needs(models=[model], seconds=INSPECTION, device="cpu"), places)
    if ending.result is None:
        raise complain(ending, f"before {model} was understood")
    try:
        plain = json.loads(ending.result)
        if "error" in plain:
            raise WorkerError(str(plain["error"]["words"]))
        return plain["answer"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise WorkerError(f"the worker process gave an answer about {model} that cannot be read") from error
