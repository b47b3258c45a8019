"""A part of a graph that sleeps is shown with its nodes and with what wakes it."""

from dataclasses import replace

import numpy as np
import pytest

from onnxaudit.errors import DataError
from onnxaudit.records import GraphNode, GraphPart, ScanDocument, ScanReport, Verdict, WakingImage
from onnxaudit.report.excerpts import describe_proof, write_excerpt
from onnxaudit.report.formats import render
from onnxaudit.report.json import from_json, to_json
from tools.testbed.reports import make_scan_report

NODES = (
    GraphNode(operator="", name="x", role="input"),
    GraphNode(operator="Less", name="open", reads=(0,), role="gate"),
    GraphNode(operator="", name="9 more nodes, 80 weights", reads=(0,), role="rest"),
    GraphNode(operator="Where", name="y", reads=(1, 2), role="meeting"),
)


def make_report(*, side: int | None = None) -> ScanReport:
    report = make_scan_report(Verdict.INCONCLUSIVE)
    spec = report.model.input
    change = np.zeros((spec.channels, side or spec.height, side or spec.width), np.float32)
    change[:, 0, :2] = 0.5
    proof = WakingImage(sample=3, change=change, before=1, after=2)
    part = GraphPart(code="OA404", place="open", says="It sleeps.", nodes=NODES, opened=0.75, proof=proof)
    return replace(report, parts=(part,))


def test_each_node_is_told_on_one_line_behind_those_that_it_reads() -> None:
    lines = write_excerpt(make_report().parts[0])
    assert lines[0] == "input x"
    assert lines[1].startswith("open = Less(x)")
    assert lines[3].startswith("y = Where(open, 9 more nodes, 80 weights)")


def test_the_image_that_wakes_it_is_told_by_what_changes() -> None:
    assert "Clean sample 3 with 2 pixels changed" in describe_proof(make_report().parts[0])


@pytest.mark.parametrize("name", ["text", "html"])
def test_a_report_shows_place_nodes_and_image(name: str) -> None:
    text = render(ScanDocument((make_report(),)), name)
    assert "Less" in text
    assert "2 pixels changed" in text


def test_the_picture_has_a_box_for_each_node() -> None:
    page = render(ScanDocument((make_report(),)), "html")
    assert page.count('<rect x="') >= len(NODES)
    assert "graph-gate" in page


def test_a_report_is_read_back_with_its_parts() -> None:
    document = ScanDocument((make_report(),))
    (part,) = from_json(to_json(document)).reports[0].parts  # type: ignore[union-attr]
    assert part.nodes == NODES
    assert part.proof.change.max() == 0.5  # type: ignore[union-attr]


def test_an_image_of_another_size_is_a_damaged_report() -> None:
    with pytest.raises(DataError, match="wakes"):
        from_json(to_json(ScanDocument((make_report(side=3),))))
