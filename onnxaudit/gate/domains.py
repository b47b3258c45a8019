"""Whether a model names operators of domains that a policy does not accept."""

from collections.abc import Collection
from pathlib import Path

from onnxaudit.errors import ModelError
from onnxaudit.intake.declarations import STANDARD_DOMAINS
from onnxaudit.intake.precision import walk_nodes
from onnxaudit.intake.reader import parse_file


def check_domains(path: Path, accepted: Collection[str]) -> None:
    """Refuse a model with operators outside ONNX's own domain and those accepted.

    Raises:
        ModelError: it has some, all named; or it cannot be read.
    """
    used = {node.domain for node in walk_nodes(parse_file(path))}
    refused = sorted(used - set(accepted) - set(STANDARD_DOMAINS))
    if refused:
        raise ModelError(f"{path}: operators of {', '.join(refused)}, which the policy (`domains`) does not accept")
