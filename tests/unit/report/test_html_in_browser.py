"""The HTML report in a real browser: nothing overflows, nothing is complained about, all pictures are there."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from onnxaudit.report.html import render_html
from tests.pages import make_pages
from tools.browser import Browser, find_chromium, run_browser

pytestmark = pytest.mark.skipif(find_chromium() is None, reason="needs Chromium, which is not installed")
PAGES = make_pages()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with run_browser(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pages")
    for name, document in PAGES.items():
        (folder / f"{name}.html").write_text(render_html(document), encoding="utf-8")
    return folder


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_is_quiet_and_shows_its_pictures(
    browser: Browser, folder: Path, name: str, width: int, dark: bool
) -> None:
    browser.open(folder / f"{name}.html", width, dark=dark)
    browser.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert browser.evaluate("document.documentElement.scrollWidth") == width
    assert browser.evaluate("[...document.images].filter(one => !one.complete || !one.naturalWidth).length") == 0
    assert browser.evaluate("[...document.querySelectorAll('svg.chart')].every(one => one.clientWidth <= innerWidth)")
    assert browser.messages == []
    assert [url for url in browser.requests if not url.startswith(("data:", "file:"))] == []


@pytest.mark.parametrize("name", ["backdoored", "repaired"])
def test_backdoored_and_repaired_pages_have_pictures_and_charts(browser: Browser, folder: Path, name: str) -> None:
    browser.open(folder / f"{name}.html", 1280)
    assert browser.evaluate("document.images.length") >= 10
    assert browser.evaluate("[...document.querySelectorAll('svg.chart')].filter(one => one.clientWidth > 300).length")


def test_the_answer_stands_in_the_first_screen(browser: Browser, folder: Path) -> None:
    for width in (390, 1280):
        browser.open(folder / "backdoored.html", width, 800)
        assert browser.evaluate("document.querySelector('.lead').getBoundingClientRect().bottom") < 500


def test_text_contrasts_with_its_paper_in_light_and_dark(browser: Browser, folder: Path) -> None:
    measure = """(() => {
        const light = c => c.match(/\\d+/g).slice(0, 3).map(v => v / 255)
            .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
            .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0)
        const paper = light(getComputedStyle(document.body).backgroundColor)
        return ['body', '.verdict', 'small', '.file'].map(name => {
            const ink = light(getComputedStyle(document.querySelector(name)).color)
            return (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05)
        })
    })()"""
    for name in ("backdoored", "clean", "inconclusive"):
        for dark in (False, True):
            browser.open(folder / f"{name}.html", 1280, dark=dark)
            assert min(browser.evaluate(measure)) >= 4.5


def test_on_paper_all_details_are_open_and_nothing_is_cut(browser: Browser, folder: Path) -> None:
    browser.open(folder / "repaired.html", 700, dark=True, media="print")
    assert browser.evaluate("[...document.querySelectorAll('details table')].every(one => one.clientHeight > 0)")
    assert browser.evaluate("document.documentElement.scrollWidth") == 700
