"""A profile of neurons for people at a terminal."""

from rich.console import Console

from onnxaudit.records import Profile
from onnxaudit.report.terminal.lines import Detail, add_row, new_table, print_line, print_rest

NEURONS_SHOWN = 10


def render_profile(profile: Profile, console: Console, detail: Detail = "usual") -> None:
    """Both rankings side by side, from high to low."""
    layer = profile.layer
    print_line(console, f"layer {layer.name}: {layer.neurons} neurons, each {_describe_axis(profile)}")
    table = new_table("rank", "by activation", "triggered", "clean", "by weight", "L2 norm")
    by_activation = sorted(profile.neurons, key=lambda neuron: neuron.activation_rank)
    by_weight = sorted(profile.neurons, key=lambda neuron: neuron.weight_rank)
    shown = len(profile.neurons) if detail == "full" else NEURONS_SHOWN
    for rank, (active, heavy) in enumerate(zip(by_activation, by_weight, strict=True), start=1):
        if rank > shown:
            break
        add_row(
            table,
            str(rank),
            str(active.neuron),
            f"{active.activation:.3f}",
            f"{active.clean_activation:.3f}",
            str(heavy.neuron),
            f"{heavy.weight:.3f}",
        )
    console.print(table)
    print_rest(console, len(profile.neurons) - shown, "neurons")


def _describe_axis(profile: Profile) -> str:
    return "a row of the layer" if profile.layer.axis == "outputs" else "a feature that feeds the layer"
