"""A part of a graph as a picture: nodes in rows, each below those that it reads."""

from markupsafe import Markup

from onnxaudit.records import GraphNode, GraphPart
from onnxaudit.report.excerpts import write_excerpt
from onnxaudit.report.html.charts.svg import NARROW, draw_element, draw_line, draw_text, frame
from onnxaudit.report.html.wording import shorten

BOX, ROW, GAP = 30.0, 46.0, 8.0  # height of a box, from row to row, between boxes; pixels
LETTERS = 6.4  # width of a letter, pixels
MOST_NODES = 24


def draw_excerpt(part: GraphPart) -> Markup:
    """The picture, as wide as a narrow chart."""
    nodes = part.nodes[:MOST_NODES]
    rows = _layer(nodes)
    width, height = float(NARROW), ROW * len(rows)
    places: dict[int, tuple[float, float, float]] = {}  # middle, top and width of each box
    for number, row in enumerate(rows):
        wide = (width - GAP * (len(row) - 1)) / len(row)
        for column, index in enumerate(row):
            places[index] = column * (wide + GAP) + wide / 2, number * ROW + 2, wide
    lines = [
        draw_line((places[source][0], places[source][1] + BOX), (places[index][0], places[index][1]), "graph-edge")
        for index, node in enumerate(nodes)
        for source in node.reads
        if source in places and source < index
    ]
    boxes = [_draw_box(node, places[index]) for index, node in enumerate(nodes)]
    return frame(width, height, f"Part of the graph: {'; '.join(write_excerpt(part))}", *lines, *boxes, kind="graph")


def _draw_box(node: GraphNode, place: tuple[float, float, float]) -> Markup:
    middle, top, wide = place
    words = f"{node.operator} {node.name}" if node.operator else node.name
    shown = shorten(words, max(4, int((wide - 8) / LETTERS)))
    box = draw_element("rect", x=middle - wide / 2, y=top, width=wide, height=BOX, rx=4, class_=f"graph-{node.role}")
    return draw_element(
        "g",
        draw_element("title", shorten(words, 120)),
        box,
        draw_text(shown, middle, top + BOX / 2 + 4, "tick", "middle"),
    )


def _layer(nodes: tuple[GraphNode, ...]) -> list[list[int]]:
    """Indices by row: each node one below the lowest that it reads."""
    depth: list[int] = []
    for index, node in enumerate(nodes):
        depth.append(1 + max((depth[source] for source in node.reads if 0 <= source < index), default=-1))
    return [[index for index, row in enumerate(depth) if row == level] for level in range(max(depth, default=-1) + 1)]
