"""For tests of others: a model that is not clean fails the test."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from onnxaudit.errors import UsageError
from onnxaudit.gate.decision import apply_policy
from onnxaudit.gate.domains import check_domains
from onnxaudit.gate.layers import lies_with_subject, read_policy_file, resolve
from onnxaudit.records import ScanDocument, ScanReport
from onnxaudit.report.formats import render


def assert_clean(
    model: str | Path, data: str | Path | None = None, *, policy: str | Path | None = None, **options: Any
) -> ScanReport:
    """Scan a model, and fail unless the policy lets it through.

    The policy's operator domains are held; its limit on memory is not, which would bind the whole test run.

    Args:
        model: the ONNX file.
        data: clean images, as for `onnxaudit.scan`; without any no model is clean.
        policy: a policy file, not in the model's or the data's folder; the defaults where None.
        options: further arguments of `onnxaudit.scan`; they go before the policy's limits.

    Raises:
        AssertionError: the model is backdoored, or nothing is known of it; holds the report for people.
        InputError: the model, the data or the policy cannot be used.
    """
    from onnxaudit.pipeline import scan

    layers = []
    if policy is not None:
        if lies_with_subject(Path(policy), [Path(model)], None if data is None else str(data)):
            raise UsageError(f"policy {policy} lies with the model or the data; keep it elsewhere")
        layers.append(read_policy_file(Path(policy)))
    effective = resolve(layers)
    if effective.policy.domains is not None:
        check_domains(Path(model), effective.policy.domains)
    given = {"time_budget": effective.policy.time_budget, "detectors": effective.policy.detectors or None}
    report = scan(model, data, **{**given, **options})
    gate = apply_policy(ScanDocument((report,)), effective, datetime.now(UTC).date())
    if gate.decisions[0].outcome != "pass":
        raise AssertionError(render(ScanDocument((report,), gate=gate), "text"))
    return report
