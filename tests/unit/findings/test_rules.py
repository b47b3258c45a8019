from onnxaudit.findings.rules import RULES


def test_only_a_class_that_a_scan_found_can_be_waived() -> None:
    assert not any(rule.waivable for rule in RULES if rule.id.startswith(("OA3", "OA4")))
    assert all(rule.waivable for rule in RULES if rule.id.startswith("OA1"))
