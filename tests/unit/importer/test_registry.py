from onnxaudit.importer import ops  # noqa: F401 - fills the registry
from onnxaudit.importer.registry import find_operator, list_operators
from onnxaudit.intake.known_operators import KNOWN


def test_newest_version_up_to_the_opset_is_found() -> None:
    versions = {opset: find_operator("", "Softmax", opset) for opset in (7, 12, 13, 99)}
    assert [operator.since if operator else None for operator in versions.values()] == [1, 1, 13, 13]


def test_operator_that_came_later_is_not_known() -> None:
    assert find_operator("", "GroupNormalization", 17) is None
    assert find_operator("", "NoSuchOperator", 17) is None


def test_both_names_of_the_standard_domain_mean_the_same() -> None:
    assert find_operator("ai.onnx", "Relu", 17) is find_operator("", "Relu", 17)


def test_versions_are_listed_oldest_first_and_once() -> None:
    for versions in list_operators().values():
        since = [operator.since for operator in versions]
        assert since == sorted(set(since))


def test_what_is_told_of_operators_without_pytorch_is_what_the_registry_holds() -> None:
    assert {name: versions[0].since for name, versions in list_operators().items()} == KNOWN
