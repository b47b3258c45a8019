"""What `convert` tells people at a terminal."""

from rich.console import Console

from onnxaudit.records import ConversionDocument
from onnxaudit.report.terminal.lines import Detail, print_field, print_line
from onnxaudit.report.wording import describe_conversion


def render_conversion(document: ConversionDocument, console: Console, detail: Detail = "usual") -> None:
    """Which file was made, of what, and how far it computes the same."""
    print_line(console, ("CONVERTED", "bold green"), f"  {document.conversion.source} to {document.output}")
    if detail != "brief":
        print_field(console, "converted", describe_conversion(document.conversion))
        print_field(console, "sha256", document.output_sha256)
