"""The built site: without a warning, and loading nothing from elsewhere."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.documentation.pages import ROOT
from tools.browser import find_chromium, run_browser

pytest.importorskip("mkdocs", reason="the extra `docs` is not installed")
pytestmark = pytest.mark.xdist_group("site")  # built once
ELSEWHERE = r"""=["']?(?:https?:)?//"""
LOADED = re.compile(rf"<(?:script|img|iframe|source)[^>]*\bsrc{ELSEWHERE}|<link[^>]*\bhref{ELSEWHERE}")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", folder],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return folder


def test_pages_name_nothing_to_be_loaded_from_elsewhere(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert pages
    assert [page for page in pages if LOADED.search(page.read_text(encoding="utf-8"))] == []


@pytest.mark.skipif(find_chromium() is None, reason="no Chromium is installed")
@pytest.mark.parametrize("width", [1200, 390])
def test_pages_load_nothing_from_elsewhere_and_fit(site: Path, tmp_path: Path, width: int) -> None:
    with run_browser(tmp_path) as browser:
        for page in sorted(site.rglob("*.html")):
            browser.open(page, width)
            assert [url for url in browser.requests if not url.startswith(("file:", "data:", "blob:"))] == []
            assert browser.evaluate("document.documentElement.scrollWidth") <= width, page
