"""`inspect`, `doctor` and `detectors`: what is there, told without a scan."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from onnxaudit.cli.busy_line import show_waiting
from onnxaudit.cli.endings import complain
from onnxaudit.cli.exits import BACKDOORED, CLEAN, ERROR, INCONCLUSIVE, Settings
from onnxaudit.cli.isolation import INSPECTION, Line, Needs, work_apart
from onnxaudit.cli.options import Outputs
from onnxaudit.cli.output import open_delivery
from onnxaudit.cli.places import Places
from onnxaudit.isolation.worker import Ending
from onnxaudit.packages import require_all
from onnxaudit.records import DetectorsDocument, DiagnosisDocument, Inspection, InspectionDocument


def run_inspect(model: Path, options: dict[str, Any], outputs: Outputs, settings: Settings, *, name: str) -> int:
    """Tell what a model file of that name holds.

    The exit code is that of a scan that cannot begin, 3 where nobody knows, or 0.
    """
    delivery = open_delivery(outputs, settings, [model])
    with show_waiting("reading the file and trying the model", silent=outputs.quiet):
        inspection = replace(inspect_apart(model, options, settings, name=name), path=name)
    delivery.show(InspectionDocument(inspection))
    if inspection.irregularities:
        return BACKDOORED
    if inspection.untried and inspection.model is not None:
        return INCONCLUSIVE
    return CLEAN if inspection.scannable else ERROR


def inspect_apart(model: Path, options: dict[str, Any], settings: Settings, *, name: str | None = None) -> Inspection:
    """What a model file holds, found out in a worker process; where it has another name, it is called so.

    Raises:
        WorkerError: that ended before anything was known.
    """
    places = Places(apart=settings.apart)
    place = places.find(model)
    if name is not None and name != str(model):
        places.call(place, name)

    def work(line: Line) -> InspectionDocument:
        del line
        from onnxaudit.pipeline.inspection import inspect

        return InspectionDocument(inspect(place, **options))

    document = work_apart(work, Needs(models=[model], seconds=INSPECTION, device="cpu"), settings, places)
    if isinstance(document, Ending):
        raise complain(document, f"before {model} was understood")
    assert isinstance(document, InspectionDocument)
    return document.inspection


def run_doctor(outputs: Outputs, settings: Settings) -> int:
    """Check what a scan needs; imports nothing of it before."""
    from onnxaudit.diagnosis import diagnose

    delivery = open_delivery(outputs, settings, [])
    document = DiagnosisDocument(diagnose())
    delivery.show(document)
    return ERROR if any(check.status == "error" for check in document.checks) else CLEAN


def run_detectors(outputs: Outputs, settings: Settings) -> int:
    """List the detectors that there are, other packages' ones included.

    Raises:
        MissingPackageError: they compute with PyTorch, and it is not installed.
    """
    require_all("a list of detectors")
    from onnxaudit.detectors.registry import all_detectors, describe_detector
    from onnxaudit.scoring.label_evidence import WEIGHED

    delivery = open_delivery(outputs, settings, [])
    found = tuple(describe_detector(kind, weighed=kind.id in WEIGHED) for kind in all_detectors())
    delivery.show(DetectorsDocument(found))
    return CLEAN
