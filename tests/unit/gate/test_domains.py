"""Operators of domains that a policy does not accept."""

from pathlib import Path

import onnx
import pytest

from onnxaudit.errors import ModelError
from onnxaudit.gate.domains import check_domains


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """One operator of ONNX, one of a vendor; a third domain is declared and not used."""
    graph = onnx.parser.parse_graph("g (float[1] x) => (float[1] z) { y = Relu(x)\n z = vendor.Own(y) }")
    domains = [onnx.helper.make_opsetid(name, 1) for name in ("vendor", "unused")]
    path = tmp_path / "m.onnx"
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17), *domains]), path)
    return path


def test_a_domain_that_is_not_accepted_is_named(model: Path) -> None:
    with pytest.raises(ModelError, match=r"operators of vendor, which the policy"):
        check_domains(model, ("com.microsoft",))


def test_an_accepted_domain_passes(model: Path) -> None:
    check_domains(model, ("vendor",))
