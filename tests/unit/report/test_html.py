"""The HTML report says what its document says, in one file that loads nothing and runs nothing."""

import base64
import hashlib
import io
import re
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from onnxaudit.findings.finding import list_findings
from onnxaudit.gate.decision import apply_policy
from onnxaudit.gate.layers import read_environment, resolve
from onnxaudit.records import Document, Layout, Preprocessing, RunInfo, ScanDocument, Trigger, TriggerFinding, Verdict
from onnxaudit.report.html import render_html
from onnxaudit.report.html.charts.names import place_names
from onnxaudit.report.html.charts.scale import Scale, cover, cover_log
from onnxaudit.report.html.page import LARGEST
from onnxaudit.report.html.wording import list_ranges, shorten, split_lead
from onnxaudit.report.json import from_json, to_json
from tests.pages import make_backdoored, make_gated, make_pages
from tests.unit.report.test_hostile import HOSTILE, make_documents
from tools.testbed.reports import make_scan_report

PAGES = make_pages()
every_page = pytest.mark.parametrize("document", PAGES.values(), ids=PAGES)
ALLOWED = frozenset(
    re.findall(
        r"\w+",
        "html head meta title style body main article header footer nav section div p h1 h2 h3 ul ol li dl dt dd small "
        "strong br bdi a code pre figure figcaption img details summary table caption thead tbody tr th td span "
        "svg g path line polyline polygon circle rect text",
    )
)


class Page(HTMLParser):
    """What a page is made of."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data.replace("\N{NO-BREAK SPACE}", " ")

    def find(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def read(document: Document) -> Page:
    return Page(render_html(document))


def assert_harmless(page: Page) -> None:
    assert {tag for tag, _ in page.tags} <= ALLOWED
    for _, attributes in page.tags:
        assert not [name for name in attributes if name.startswith("on") or name in ("style", "srcset", "action")]
        assert (attributes.get("href") or "#").startswith("#")
        assert (attributes.get("src") or "data:image/png;base64,").startswith("data:image/png;base64,")
    assert len(page.find("style")) == 1


@every_page
def test_the_same_document_gives_the_same_bytes(document: Document) -> None:
    assert render_html(document) == render_html(from_json(to_json(document)))


@every_page
def test_a_page_loads_and_runs_nothing(document: Document) -> None:
    page = render_html(document)
    assert_harmless(Page(page))
    assert not re.search(r"https?:|//[a-z]|url\(|@import|javascript:", page)


@every_page
def test_a_page_allows_its_own_style_and_its_pictures_alone(document: Document) -> None:
    page = render_html(document)
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = next(meta for meta in Page(page).find("meta") if meta.get("http-equiv") == "Content-Security-Policy")
    assert policy["content"] is not None
    assert policy["content"].split("; ") == [
        "default-src 'none'",
        "img-src data:",
        f"style-src 'sha256-{digest}'",
        "base-uri 'none'",
        "form-action 'none'",
    ]


@every_page
def test_a_page_holds_every_finding_and_its_rule(document: Document) -> None:
    text = read(document).text
    for finding in list_findings(document):
        assert shorten(finding.message, 2000) in text
        assert finding.rule.id in text
        assert finding.rule.advice.replace("`", "") in text


@every_page
def test_every_picture_and_chart_has_words_and_every_reference_its_place(document: Document) -> None:
    page = read(document)
    assert all(picture["alt"] and picture["width"] and picture["height"] for picture in page.find("img"))
    assert all(chart.get("aria-label") or chart.get("aria-hidden") for chart in page.find("svg"))
    places = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(set(places)) == len(places)
    wanted = {
        value.lstrip("#")
        for _, attributes in page.tags
        for name, value in attributes.items()
        if name in ("aria-labelledby", "href") and value
    }
    assert wanted <= set(places)


@pytest.mark.parametrize(
    ("name", "word", "kind"),
    [
        ("backdoored", "Backdoored", "bad"),
        ("clean", "Clean", "good"),
        ("inconclusive", "Inconclusive", "open"),
        ("repaired", "Repaired", "good"),
        ("incomplete", "Repair incomplete", "bad"),
        ("declined", "Nothing to repair", "good"),
        ("error", "Error", "bad"),
    ],
)
def test_the_verdict_comes_first_in_a_word_of_its_kind(name: str, word: str, kind: str) -> None:
    page = read(PAGES[name])
    assert page.find("article")[0]["class"] == kind
    body = render_html(PAGES[name]).split("<body>")[1]
    assert word in " ".join(Page(body).text.split())[:200]


def test_a_waived_finding_stays_under_its_verdict_with_who_why_and_how_long() -> None:
    page = render_html(make_gated())
    first, second = page.split("<article")[1:3]
    assert "Backdoored" in first
    assert "Let through.</strong> Every finding is waived (1)." in first
    waiver = "waived until 2030-12-31 by Ada Lovelace: class 2 is told by one digit; looked at by hand"
    assert f'<span class="waived">{waiver}</span>' in first
    assert "waived" not in second.split('id="policy"')[0]


def test_the_policy_stands_on_the_page_with_its_hash_its_keys_and_waivers_without_effect() -> None:
    text = " ".join(read(make_gated()).text.split())
    for part in ("e" * 64, "Softened bynothing", "exit_zerofalsedefault", "waivers2 entriespolicy ci/policy.toml"):
        assert part in text
    assert "used: waived until 2030-12-31 by Ada Lovelace" in text
    assert "OA101 class 2 (sign 2): " in text
    assert "expired: waived until 2020-01-01" in text


def test_what_softened_a_run_stands_first() -> None:
    softened, plain = (render_html(make_gated(softened=flag)).split("<body>")[1] for flag in (True, False))
    before = " ".join(Page(softened.split("<h1>")[0]).text.split())
    assert before == "Softened by exit_zero: this run lets through what was not cleared."
    assert "exit_zero is set" in softened
    assert "lets through" not in plain


def test_pictures_are_encoded_afresh_and_show_the_trigger() -> None:
    page, report = read(PAGES["backdoored"]), make_backdoored()
    mask = next(picture for picture in page.find("img") if "Mask" in (picture["alt"] or ""))
    content = base64.b64decode((mask["src"] or "").split(",")[1])
    picture = Image.open(io.BytesIO(content))
    np.testing.assert_array_equal(np.asarray(picture)[..., 0], np.rint(255 * report.triggers[0].trigger.mask[0]))
    assert picture.info == {}


def test_samples_are_shown_clean_and_stamped_with_both_answers_where_the_report_holds_them() -> None:
    shown, without = read(PAGES["backdoored"]), read(ScanDocument((make_backdoored(embedded=False),)))
    names = [picture["alt"] or "" for picture in shown.find("img")]
    assert sum("A clean image, which the model calls" in name for name in names) == 4
    assert sum("with the trigger, called 2 (sign 2)" in name for name in names) >= 3
    assert not [picture for picture in without.find("img") if "clean image" in (picture["alt"] or "")]
    assert any("neutral gray" in (picture["alt"] or "") for picture in without.find("img"))


def test_clean_images_of_the_flagged_class_stand_beside_its_trigger() -> None:
    report = make_backdoored()
    assert report.embedded is not None
    images = np.concatenate([report.embedded.images, report.embedded.images[:1]])
    embedded = replace(report.embedded, images=images, predictions=(0, 1, 3, 3, 2), triggered={2: (2, 2, 2, 3, 2)})
    page = read(ScanDocument((replace(report, embedded=embedded),)))
    names = [picture["alt"] or "" for picture in page.find("img")]
    assert sum("A clean image, which the model calls 2 (sign 2)" in name for name in names) == 1
    assert "may be a natural feature" in page.text
    assert "may be a natural feature" not in read(PAGES["backdoored"]).text


def test_what_was_not_tested_names_what_this_run_left_out() -> None:
    text = read(PAGES["backdoored"]).text
    assert "1 class was not finished in this run." in text
    assert "the time ended" in text
    synthetic = make_scan_report(Verdict.INCONCLUSIVE)
    synthetic = replace(synthetic, samples=replace(synthetic.samples, synthetic=True))
    assert "none were given" in read(ScanDocument((synthetic,))).text


def test_a_detector_that_nobody_knows_is_shown_under_its_own_name() -> None:
    rows = tuple(replace(row, ratios={"smell": 3.2}) for row in make_scan_report().labels)
    assert "× Smell" in read(ScanDocument((make_scan_report(labels=rows),))).text


def test_the_command_is_quoted_and_names_what_was_given() -> None:
    report = make_scan_report()
    given = replace(report.preprocessing, source="given")
    report = replace(report, preprocessing=given, model=replace(report.model, path="-a b;rm *.onnx"))
    text = read(ScanDocument((report,))).text
    assert "onnxaudit scan './-a b;rm *.onnx' \\\n    --data folder/clean \\\n    --seed 0" in text
    assert "--range=0,1" in text


def test_a_trigger_in_features_is_told_in_words() -> None:
    mask, pattern = np.zeros((1, 1, 5), np.float32), np.full((1, 1, 5), 0.5, np.float32)
    mask[..., 3] = 1.0
    trigger, report = Trigger(mask, pattern), make_scan_report()
    spec = replace(report.model.input, layout=Layout.NC, channels=1, height=1, width=5)
    chosen = replace(report.preprocessing, preprocessing=Preprocessing(bounds=((0.0, 2.0),) * 5))
    found = TriggerFinding(2, trigger, trigger.digest, 1.0, report.triggers[0].success_rate)
    model = replace(report.model, input=spec)
    page = read(ScanDocument((replace(report, model=model, preprocessing=chosen, triggers=(found,)),)))
    assert "features 3 (100 % towards 1)" in page.text
    assert not page.find("img")


@pytest.mark.parametrize("text", [*HOSTILE.values(), "A" * 100_000], ids=[*HOSTILE, "long"])
def test_strangers_names_do_nothing(text: str) -> None:
    for document in make_documents(text):
        page = read(document)
        assert_harmless(page)
        assert len(render_html(document)) < LARGEST / 4


def test_a_page_that_grows_too_large_shows_less_says_so_and_still_lists_every_model(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    document = ScanDocument((make_backdoored(),) * 25)
    full, sizes = render_html(document), []
    for largest in (900_000, 700_000, 50_000):
        monkeypatch.setattr("onnxaudit.report.html.page.LARGEST", largest)
        page = render_html(document)
        assert len(page.encode()) <= largest
        assert "So that the page stays small" in page
        assert page.split("<article")[0].count("<bdi>folder/model.onnx</bdi>") == 25
        sizes.append(len(page))
    assert len(set(sizes)) == 3
    assert "So that the page stays small" not in full


def test_scales_survive_equal_and_missing_and_unbounded_values() -> None:
    for low, high in (cover([]), cover([3.0, 3.0]), cover([float("nan"), None, 1.0, float("inf")]), cover_log([0.0])):
        assert low < high
        assert Scale(low, high, 0, 100).ticks


def test_names_of_marks_that_lie_close_together_do_not_cover_each_other() -> None:
    texts = [str(text) for text in place_names([("5 (one)", (300.0, 50.0)), ("6 (two)", (320.0, 52.0))], 340)]
    places = [tuple(map(float, re.findall(r'[xy]="([\d.]+)"', text))) for text in texts]
    assert all("end" in text for text in texts)
    assert abs(places[0][1] - places[1][1]) >= 13


def test_numbers_in_a_row_become_ranges() -> None:
    assert list_ranges([0, 1, 2, 5, 7, 8]) == "0 to 2, 5, 7 to 8"


def test_the_first_sentence_leads() -> None:
    assert split_lead("It covers 2.5 pixels (2 %). Do this. And that.") == (
        "It covers 2.5 pixels (2 %).",
        "Do this. And that.",
    )


def test_the_page_tells_date_effort_and_policy_and_the_whole_command() -> None:
    report = make_scan_report(config={"detection": {"effort": "quick"}})
    policy = resolve(read_environment({"ONNXAUDIT_MIN_COVERAGE": "1"}))
    gate = apply_policy(ScanDocument((report,)), policy, date(2026, 11, 28))
    run = RunInfo(
        started="2026-11-28T09:30:00Z", arguments=("scan", "my model.onnx", "--effort", "quick", "--html", "r")
    )
    text = read(ScanDocument((report,), gate=gate, run=run)).text
    for part in ("2026-11-28T09:30:00Z", "quick", gate.policy_sha256[:16], "environment, ONNXAUDIT_MIN_COVERAGE too"):
        assert part in text
    assert "onnxaudit scan 'my model.onnx' --effort quick" in text
    assert "--effort quick" in read(ScanDocument((report,))).text
