"""Every standard operator against its ONNX schema: inputs, attributes, defaults."""

from typing import Any

import onnx
import pytest
from onnx import defs, helper

from onnxaudit.importer import ops  # noqa: F401 - fills the registry
from onnxaudit.importer.registry import Operator, list_operators

NOT_IN_THE_SPEC = {"SimplifiedLayerNormalization"}  # onnxruntime puts it into the standard domain
OPERATORS = [
    (name, operator)
    for (domain, name), versions in list_operators().items()
    for operator in versions
    if domain == "" and name not in NOT_IN_THE_SPEC
]
OWN_KEYWORDS = {"outputs"}  # how many outputs are read
NEWEST = onnx.defs.onnx_opset_version()


def last_opset(name: str, operator: Operator) -> int:
    """The newest opset in which this version of the operator stands."""
    newer = [other.since for known, other in OPERATORS if known == name and other.since > operator.since]
    return min(newer) - 1 if newer else NEWEST


def list_schemas(name: str, operator: Operator) -> list[defs.OpSchema]:
    """Every schema for which this version of the operator stands."""
    versions = range(operator.since, last_opset(name, operator) + 1)
    return [defs.get_schema(name, version, "") for version in versions if defs.has(name, version, "")]


def read_default(attribute: Any) -> Any:
    if not attribute.default_value.name:
        return None
    value = helper.get_attribute_value(attribute.default_value)
    return value.decode() if isinstance(value, bytes) else value


@pytest.mark.parametrize(("name", "operator"), OPERATORS, ids=[f"{name}-{op.since}" for name, op in OPERATORS])
def test_signature_is_the_schema(name: str, operator: Operator) -> None:
    schema = defs.get_schema(name, last_opset(name, operator), "")
    known = {key: value for key, value in operator.attributes.items() if key not in OWN_KEYWORDS}
    assert set(schema.attributes) <= set(known)
    assert set(known) <= {key for version in list_schemas(name, operator) for key in version.attributes}
    for key, attribute in schema.attributes.items():
        default = read_default(attribute)
        if default is not None and known[key] is not None:
            assert known[key] == pytest.approx(default) if isinstance(default, float) else known[key] == default
    if not operator.variadic:
        assert len(operator.inputs) >= schema.max_input
