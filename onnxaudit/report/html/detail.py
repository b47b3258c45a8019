"""How much a page shows: as much as fits."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Detail:
    """One step of detail.

    Attributes:
        pictures: pictures of triggers and samples.
        tables: tables of all labels and rounds, and all settings.
        suspects: so many triggers a scan.
        reports: so many reports in full; the overview lists all.
        missing: what is left out, for people; "" where nothing is.
    """

    pictures: bool = True
    tables: bool = True
    suspects: int = 12
    reports: int | None = None
    missing: str = ""


_ALL = "All of it is in the JSON report, from which `onnxaudit report` renders any part again."
STEPS = (
    Detail(),
    Detail(suspects=3, missing=f"So that the page stays small it shows three triggers a model at most. {_ALL}"),
    Detail(False, False, 3, missing=f"So that the page stays small it has no pictures and no long tables. {_ALL}"),
    Detail(False, False, 1, 20, f"So that the page stays small it shows 20 models, without pictures. {_ALL}"),
    Detail(False, False, 1, 0, f"So that the page stays small it holds the overview alone. {_ALL}"),
)
