"""Reports of earlier versions of the schema, in the form of the present one."""

from typing import Any

from onnxaudit.records import SCHEMA_VERSION
from onnxaudit.records.old_names import rename_detectors

OLD_FIELDS = {"labelled": "labeled", "stamped": "triggered", "closer_index": "refined_index"}


def upgrade(plain: dict[str, Any]) -> dict[str, Any]:
    """The document as the present schema has it; what is no report's form is left for the reader to refuse.

    1.0 to 1.1: ratios stand under the ids of detectors, and some fields have the field's words (`labeled`,
    `triggered`, `refined_index`).
    """
    if plain.get("schema_version") != "1.0":
        return plain
    reports = plain.get("reports")
    if isinstance(reports, list):
        plain = {**plain, "reports": [_upgrade_report(report) for report in reports]}
    return {**plain, "schema_version": SCHEMA_VERSION}


def _upgrade_report(report: Any) -> Any:
    """A scan, or a repair with the scans in it."""
    if not isinstance(report, dict):
        return report
    changed = {part: _upgrade_report(report[part]) for part in ("scan", "rescan") if part in report}
    if isinstance(report.get("labels"), list):
        changed["labels"] = [_upgrade_label(row) for row in report["labels"]]
    if isinstance(report.get("config"), dict):
        changed["config"] = _upgrade_config(report["config"])
    changed |= {part: _rename(report[part]) for part in ("samples", "embedded") if isinstance(report.get(part), dict)}
    return {**report, **changed}


def _upgrade_config(config: dict[str, Any]) -> dict[str, Any]:
    """The settings; those of the verdict had another name."""
    detection = config.get("detection")
    if not isinstance(detection, dict) or "assessment" not in detection:
        return config
    return {**config, "detection": {"verdict" if key == "assessment" else key: one for key, one in detection.items()}}


def _upgrade_label(row: Any) -> Any:
    if not isinstance(row, dict) or not isinstance(row.get("ratios"), dict):
        return row
    return _rename({**row, "ratios": rename_detectors(row["ratios"])})


def _rename(part: dict[str, Any]) -> dict[str, Any]:
    return {OLD_FIELDS.get(name, name): value for name, value in part.items()}
