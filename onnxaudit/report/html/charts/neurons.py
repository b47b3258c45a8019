"""Each neuron's activation on triggered against clean images, pruned ones marked."""

from collections.abc import Iterator, Sequence

from markupsafe import Markup

from onnxaudit.records import NeuronProfile, Profile
from onnxaudit.report.html.charts.scale import Scale, cover, format_tick, list_finite
from onnxaudit.report.html.charts.svg import Point, draw_diamond, draw_dots, draw_line, draw_text, frame

SIDE, LEFT, TOP, FOOT = 340, 40, 26, 38  # pixels
NAMED = 3  # neurons whose numbers are written


def draw_neurons(profile: Profile, pruned: Sequence[int]) -> Markup:
    """The chart, small enough for narrow pages."""
    shown = [one for one in profile.neurons if len(list_finite([one.clean_activation, one.activation])) == 2]
    low, high = cover([0.0, *(value for one in shown for value in (one.clean_activation, one.activation))], 0.04)
    low = 0.0 if all(min(one.clean_activation, one.activation) >= 0 for one in shown) else low
    x, y = Scale(low, high, LEFT, SIDE - 8), Scale(low, high, SIDE - FOOT, TOP)
    places = {one.neuron: (x(one.clean_activation), y(one.activation)) for one in shown}
    gone = set(pruned)
    parts = [
        draw_text("Mean activation on triggered images", 0, TOP - 12, "head"),
        *_draw_axes(x, y),
        draw_line((x(low), y(low)), (x(high), y(high)), "median"),
        draw_dots([place for neuron, place in places.items() if neuron not in gone], "dots"),
        *(draw_diamond(places[one], "pruned", f"neuron {one}, pruned", 4.5) for one in pruned if one in places),
        *_draw_names(shown, places),
    ]
    return frame(SIDE, SIDE, _describe(profile, gone), *parts)


def _draw_axes(x: Scale, y: Scale) -> Iterator[Markup]:
    for tick in y.ticks:
        yield draw_line((LEFT, y(tick)), (SIDE - 8, y(tick)), "grid")
        yield draw_text(format_tick(tick), LEFT - 6, y(tick) + 4, anchor="end")
        yield draw_text(format_tick(tick), x(tick), SIDE - FOOT + 16, anchor="middle")
    yield draw_text("on clean images", SIDE - 8, SIDE - 6, anchor="end")


def _draw_names(shown: Sequence[NeuronProfile], places: dict[int, Point]) -> Iterator[Markup]:
    """Numbers of the neurons that the trigger raises the most."""
    raised = sorted(shown, key=lambda one: (one.clean_activation - one.activation, one.neuron))[:NAMED]
    for one in raised:
        if one.activation > one.clean_activation:
            at_x, at_y = places[one.neuron]
            near_edge = at_x > SIDE - 50
            yield draw_text(
                str(one.neuron), at_x + (-8 if near_edge else 8), at_y + 4, "name", "end" if near_edge else "start"
            )


def _describe(profile: Profile, gone: set[int]) -> str:
    raised = sum(one.activation > one.clean_activation for one in profile.neurons)
    return (
        f"Each neuron's mean activation on triggered against clean images: {raised} of {len(profile.neurons)} neurons "
        f"are more active on triggered ones, {len(gone)} were pruned."
    )
