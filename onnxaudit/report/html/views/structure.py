"""Parts of the graph that do nothing on clean images, as the page shows them."""

from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from onnxaudit.records import GraphPart, ScanReport
from onnxaudit.report.excerpts import describe_proof
from onnxaudit.report.html import pictures
from onnxaudit.report.html.charts.excerpt import draw_excerpt
from onnxaudit.report.html.detail import Detail
from onnxaudit.report.html.views.suspects import Captioned

MOST_PARTS = 8


@dataclass(frozen=True)
class PartView:
    """One part: where, under which rule or reason, what it does, its picture, and what wakes it."""

    place: str
    code: str
    says: str
    drawing: Markup
    proof: str
    picture: Captioned | None


def list_parts(report: ScanReport, detail: Detail) -> tuple[PartView, ...]:
    """The first few."""
    with_pictures = detail.pictures and report.model.input.layout.is_image
    return tuple(_view(part, with_pictures=with_pictures) for part in report.parts[:MOST_PARTS])


def _view(part: GraphPart, *, with_pictures: bool) -> PartView:
    shown = None
    if part.proof is not None and with_pictures:
        change = np.clip(pictures.GRAY + part.proof.change / 2, 0.0, 1.0).astype(np.float32)
        shown = Captioned(
            pictures.draw_image(change, "What wakes the part: the change of a clean image, on gray"),
            "What wakes it: the change of a clean image, on gray",
        )
    return PartView(part.place, part.code, part.says, draw_excerpt(part), describe_proof(part), shown)
