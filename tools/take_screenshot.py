"""Pictures of the HTML report for the documentation, in a headless Chromium, from JSON reports.

python -m tools.take_screenshot RUN.json PICTURE.png [--width 860] [--top 0] [--bottom 1200] [--dark] [--of-scan]
"""

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from onnxaudit.records import Document, RepairDocument, ScanDocument
from onnxaudit.report.html import render_html
from onnxaudit.report.json import from_json
from tools.browser import run_browser


def main(arguments: Sequence[str] | None = None) -> None:
    """Render, take, compress."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("report", type=Path)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--width", type=int, default=860)
    parser.add_argument("--top", type=int, default=0)
    parser.add_argument("--bottom", type=int, default=1200)
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--of-scan", action="store_true", help="show the scan that a repair began with")
    given = parser.parse_args(arguments)
    document = from_json(given.report.read_bytes())
    shown = choose_scan(document) if given.of_scan else document
    take(shown, given.picture, given.width, (given.top, given.bottom), dark=given.dark)


def choose_scan(document: Document) -> Document:
    """The scans before the repairs of a document."""
    assert isinstance(document, RepairDocument)
    return ScanDocument(tuple(report.scan for report in document.reports))


def take(document: Document, picture: Path, width: int, rows: tuple[int, int], *, dark: bool) -> None:
    """Write those rows of pixels of the page as PNG."""
    with tempfile.TemporaryDirectory() as folder, run_browser(Path(folder) / "profile") as browser:
        page = Path(folder) / "page.html"
        page.write_text(render_html(document), encoding="utf-8")
        browser.open(page, width, dark=dark)
        browser.shoot(picture, width, rows[1])
    image = Image.open(picture).convert("RGB")
    image.crop((0, rows[0], width, image.height)).save(picture, optimize=True)


if __name__ == "__main__":
    main()
