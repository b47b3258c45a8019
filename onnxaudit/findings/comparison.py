"""How a score stands among those of known models, in one sentence."""

from onnxaudit.records import Comparison, ScanReport
from onnxaudit.text import format_share


def describe_comparison(report: ScanReport) -> str | None:
    """Both p-values with the numbers that they rest on; None where the scan was not measured as known models were."""
    found = report.comparison
    if found is None:
        return None
    return (
        f"a clean model like this scores as high with p = {found.clean:.2f} (from {found.like_clean:.0f} alike), a "
        f"backdoored one as low with p = {found.backdoored:.2f} (from {found.like_backdoored:.0f}); {_promise(found)}"
    )


def _promise(found: Comparison) -> str:
    """What the number of clean models allows to say at best."""
    if found.least_false_positive_rate >= 1:
        return "no rate of false positives can be promised"
    return f"so few promise no false positive rate below {format_share(found.least_false_positive_rate)}"
