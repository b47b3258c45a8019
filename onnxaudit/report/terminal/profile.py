"""A profile of neurons for people at a terminal."""

from rich.console import Console

from onnxaudit.records import Profile
from onnxaudit.report.terminal.lines import Detail, print_line, print_rest
from onnxaudit.report.terminal.tables import Column, Table, print_table

NEURONS_SHOWN = 10


def render_profile(profile: Profile, console: Console, detail: Detail = "usual") -> None:
    """Both rankings side by side, from high to low."""
    layer = profile.layer
    print_line(console, f"layer {layer.name}: {layer.neurons} neurons, each {_describe_axis(profile)}")
    table = Table(
        (
            Column("rank"),
            Column("by activation", rank=1),
            Column("triggered", rank=3),
            Column("clean", rank=4),
            Column("by weight", rank=2),
            Column("L2 norm", rank=5),
        )
    )
    by_activation = sorted(profile.neurons, key=lambda neuron: neuron.activation_rank)
    by_weight = sorted(profile.neurons, key=lambda neuron: neuron.weight_rank)
    shown = len(profile.neurons) if detail == "full" else NEURONS_SHOWN
    for rank, (active, heavy) in enumerate(zip(by_activation, by_weight, strict=True), start=1):
        if rank > shown:
            break
        table.add_row(
            str(rank),
            str(active.neuron),
            f"{active.activation:.3f}",
            f"{active.clean_activation:.3f}",
            str(heavy.neuron),
            f"{heavy.weight:.3f}",
        )
    print_table(console, table)
    print_rest(console, len(profile.neurons) - shown, "neurons")


def _describe_axis(profile: Profile) -> str:
    return "a row of the layer" if profile.layer.axis == "outputs" else "a feature that feeds the layer"
