"""What `inspect`, `doctor` and `detectors` tell people at a terminal."""

from collections.abc import Iterator, Sequence

from rich.console import Console

from onnxaudit.records import Check, DetectorInfo, Inspection, LayerInfo, TensorInfo
from onnxaudit.report.terminal.lines import Detail, print_field, print_line, print_rest
from onnxaudit.report.terminal.tables import Column, Table, print_table
from onnxaudit.report.wording import describe_memory
from onnxaudit.text import format_amount, format_duration, format_size

LAYERS_SHOWN = 12
OPERATORS_SHOWN = 12
STATUS_STYLE = {"ok": "green", "warning": "bold yellow", "error": "bold red"}


def render_inspection(found: Inspection, console: Console, detail: Detail = "usual") -> None:
    """What the file holds, layer by layer, and what stands against an audit."""
    answer, style = ("CAN BE SCANNED", "bold green") if found.scannable else ("CANNOT BE SCANNED", "bold red")
    if found.irregularities:
        answer = "REJECTED"
    elif found.untried:
        answer, style = "NOT KNOWN WHETHER IT CAN BE SCANNED", "bold yellow"
    print_line(console, (answer, style), f"  {found.path}")
    for obstacle in (*found.untried, *found.obstacles):
        print_line(console, "· ", obstacle)
    if detail == "brief":
        return
    for name, value in _describe(found):
        print_field(console, name, value)
    _show_operators(found, console, detail)
    _show_layers(found.layers, console, detail)


def _describe(found: Inspection) -> Iterator[tuple[str, str]]:
    opsets = ", ".join(f"{domain} {version}" for domain, version in found.opsets.items())
    yield "exporter", found.exporter or "not named"
    yield "format", f"IR {found.ir_version}, opset {opsets}"
    yield "size", f"{format_size(found.bytes)}, {format_amount(found.parameters)} stored numbers"
    for tensor in found.inputs:
        yield "input", _describe_tensor(tensor)
    for tensor in found.outputs:
        yield "output", _describe_tensor(tensor)
    if found.model is not None:
        spec, output = found.model.input, found.model.output
        size = f"{spec.channels}x{spec.height}x{spec.width}"
        yield (
            "read as",
            f"{size} {spec.layout.value} to {output.classes} classes ({output.kind.value} in {output.name})",
        )
    if found.target_layer is not None:
        layer = found.target_layer
        yield "target layer", f"{layer.name}, {layer.neurons} neurons ({layer.axis.value})"
    if found.multiply_adds is not None:
        yield "work", f"{format_amount(found.multiply_adds)} multiply-adds an image"
    if found.seconds is not None:
        yield "scan time", f"about {format_duration(found.seconds)} of one processor core"
    if found.memory is not None:
        yield "memory", describe_memory(found.memory)


def _describe_tensor(tensor: TensorInfo) -> str:
    return f"{tensor.name}: {tensor.dtype} ({', '.join(str(axis) for axis in tensor.shape)})"


def _show_operators(found: Inspection, console: Console, detail: Detail) -> None:
    """Those that are not supported first."""
    ranked = sorted(found.operators, key=lambda use: use.supported)
    shown = ranked if detail == "full" else ranked[:OPERATORS_SHOWN]
    table = Table((Column("operator", kind="name"), Column("nodes", rank=2), Column("supported", rank=1)))
    for use in shown:
        # Of a model that can be scanned they stand beside the way to the classes: names of labels, other outputs.
        supported = "yes" if use.supported else "not needed" if found.model is not None else "NO"
        table.add_row(f"{use.domain}.{use.name}", str(use.nodes), supported)
    print_table(console, table)
    print_rest(console, len(ranked) - len(shown), "operators")


def _show_layers(layers: Sequence[LayerInfo], console: Console, detail: Detail) -> None:
    shown = layers if detail == "full" else layers[:LAYERS_SHOWN]
    if not shown:
        return
    table = Table(
        (
            Column("layer", kind="name"),
            Column("operator", rank=1, kind="name"),
            Column("weights", rank=2),
            Column("multiply-adds", rank=3),
        )
    )
    for layer in shown:
        weights = "x".join(str(size) for size in layer.weights)
        work = "–" if layer.multiply_adds is None else format_amount(layer.multiply_adds)
        table.add_row(layer.name, layer.operator, weights, work)
    print_table(console, table)
    print_rest(console, len(layers) - len(shown), "layers")


def render_diagnosis(checks: Sequence[Check], console: Console, detail: Detail = "usual") -> None:
    """One line a check; where something is wrong, what to do."""
    for check in checks:
        if detail == "brief" and check.status == "ok":
            continue
        print_line(console, (f"{check.status:<8}", STATUS_STYLE[check.status]), f"{check.name}: {check.detail}")
        if check.advice:
            print_line(console, "        ", check.advice)


def render_detectors(detectors: Sequence[DetectorInfo], console: Console) -> None:
    """What each measures, when it runs, and where it comes from."""
    for info in detectors:
        weighed = "weighed" if info.weighed else "told, not weighed"
        print_line(console, (info.id, "bold"), f"  {info.stage}, {weighed}, {info.package}")
        print_line(console, "  ", f"{info.explanation}.")
