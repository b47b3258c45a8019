"""Elements of SVG whose texts and attributes are always escaped."""

from collections.abc import Iterable, Sequence

from markupsafe import Markup, escape

from onnxaudit.text import show_plainly

Point = tuple[float, float]
WIDE, NARROW = 760, 340  # pixels; the style sheet shows one of both


def draw_element(name: str, /, *children: str | Markup, **attributes: object) -> Markup:
    """`<name ...>children</name>`; `_` in a name of an attribute is `-`, a trailing one is dropped."""
    pairs = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_format(value))}"' for key, value in attributes.items()
    )
    content = Markup("").join(escape(show_plainly(child)) if type(child) is str else child for child in children)
    return Markup(f"<{name}{pairs}>{content}</{name}>")  # noqa: S704, everything in it is escaped


def draw_text(words: str, x: float, y: float, kind: str = "tick", anchor: str = "start") -> Markup:
    """One line of text; `kind` is its class."""
    return draw_element("text", words, x=x, y=y, class_=kind, text_anchor=anchor)


def draw_line(start: Point, end: Point, kind: str) -> Markup:
    """A straight line."""
    return draw_element("line", x1=start[0], y1=start[1], x2=end[0], y2=end[1], class_=kind)


def draw_path(points: Sequence[Point], kind: str) -> Markup:
    """A line through all points."""
    places = " ".join(f"{_format(x)},{_format(y)}" for x, y in points)
    return draw_element("polyline", points=places, class_=kind)


def draw_dots(points: Iterable[Point], kind: str) -> Markup:
    """Many equal dots as one path of lines without length, whose round ends show: a dozen bytes each."""
    return draw_element("path", d="".join(f"M{_format(x)} {_format(y)}h0" for x, y in points), class_=kind)


def draw_dot(at: Point, kind: str, hint: str, radius: float = 4) -> Markup:
    """A dot that says its name under the pointer."""
    return draw_element("circle", draw_element("title", hint), cx=at[0], cy=at[1], r=radius, class_=kind)


def draw_diamond(at: Point, kind: str, hint: str, radius: float = 7) -> Markup:
    """A diamond, told from dots without color."""
    (x, y), r = at, radius
    corners = " ".join(f"{_format(a)},{_format(b)}" for a, b in ((x, y - r), (x + r, y), (x, y + r), (x - r, y)))
    return draw_element("polygon", draw_element("title", hint), points=corners, class_=kind)


def frame(width: float, height: float, description: str, *children: Markup, kind: str = "") -> Markup:
    """The picture as a whole, with what it shows in words."""
    return draw_element(
        "svg",
        *children,
        class_=f"chart {kind}".strip(),
        viewBox=f"0 0 {_format(width)} {_format(height)}",
        width=width,
        height=height,
        role="img",
        aria_label=show_plainly(description),
    )


def _format(value: object) -> str:
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else str(value)
