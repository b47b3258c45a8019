"""Names come from strangers' files: whatever they hold does no harm in any output."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from lxml import etree
from markdown_it import MarkdownIt

from onnxaudit.records import (
    Check,
    Coverage,
    DiagnosisDocument,
    Document,
    ErrorDocument,
    GraphNode,
    GraphPart,
    Inspection,
    InspectionDocument,
    LayerInfo,
    OperatorUse,
    RepairDocument,
    RepairReport,
    ScanDocument,
    ScanFailure,
    ScanReport,
    TensorInfo,
    Verdict,
)
from onnxaudit.report.formats import FORMATS, render
from onnxaudit.report.json import from_json
from onnxaudit.report.markdown import escape
from onnxaudit.text import show_plainly
from tools.testbed.reports import make_profile, make_repair_report, make_scan_report

HOSTILE = {
    "script": '"><script>alert(1)</script><img src=x onerror=alert(1)>',
    "entity": "&lt;b&gt; ]]> <![CDATA[x]]> <!--",
    "escape": "\x1b[31m\x1b]8;;http://evil\x07x\x9b1m\x08",
    "template": "{{7*7}} ${7*7} {0} %s",
    "direction": "\u202egnp.exe\u2066\u200f\u2028",
    "markup": "[red]x[/red][/] :smile: [click](javascript:alert(1)) ![x](https://evil/x.png) https://evil.example @all",
    "lines": "a\r\nCLEAN\n\n# Clean\n| a | b |\n- x\n```\n",
    "commands": "::error::x ::set-output name=a::b ##[error]y",
    "table": "a | b \\| c ` d `` e * _ ~ $x$",
    "surrogate": "caf\udce9 \x00 \ufffe",
}
every_kind = pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
CONTROLS = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe]"
)


def make_scan(text: str, verdict: Verdict = Verdict.BACKDOORED) -> ScanReport:
    report = make_scan_report(verdict, class_names=(text,) * 4, summary=text, reasons=(text,), notes=(text,))
    nodes = (
        GraphNode(operator="", name=text, role="input"),
        GraphNode(operator=text, name=text, reads=(0,), role="gate"),
    )
    report = replace(report, parts=(GraphPart(code="OA404", place=text, says=text, nodes=nodes),))
    model = report.model
    return replace(
        report,
        model=replace(
            model,
            path=text,
            producer=text,
            sha256=text,
            input=replace(model.input, name=text),
            output=replace(model.output, name=text),
        ),
        samples=replace(report.samples, source=text),
        preprocessing=replace(report.preprocessing, explanation=text),
        coverage=Coverage(4, 3, {0: text}),
        versions={text: text},
        config={text: text},
        device=text,
    )


def make_repair(text: str) -> RepairReport:
    layer = replace(make_profile().layer, name=text)
    rounds = tuple(replace(trial, reason=text) for trial in make_repair_report().rounds)
    return make_repair_report(
        outcome="incomplete",
        scan=make_scan(text),
        rescan=make_scan(text),
        layer=layer,
        rounds=rounds,
        summary=text,
        reasons=(text,),
        output=text,
    )


def make_documents(text: str) -> list[Document]:
    scans = tuple(make_scan(text, verdict) for verdict in Verdict)
    return [ScanDocument(scans, (ScanFailure(text, text),)), RepairDocument((make_repair(text),)), ErrorDocument(text)]


def render_all(text: str, name: str) -> list[str]:
    return [render(document, name) for document in make_documents(text)]


@every_kind
@pytest.mark.parametrize("name", ["text", "json"])
def test_an_inspection_and_a_diagnosis_hold_no_characters_that_act(text: str, name: str) -> None:
    tensor, layer = TensorInfo(text, "float", (text, 3)), LayerInfo(text, text, (1,), None)
    inspection = Inspection(
        path=text,
        sha256="",
        bytes=1,
        exporter=text,
        ir_version=8,
        opsets={text.encode("utf-8", "replace").decode(): 1},  # protobuf holds no surrogates; file names do
        inputs=(tensor,),
        outputs=(tensor,),
        parameters=1,
        operators=(OperatorUse(text, text, 1, False),),
        layers=(layer,),
        model=make_scan(text).model,
        target_layer=replace(make_profile().layer, name=text),
        multiply_adds=None,
        seconds=None,
        obstacles=(text,),
    )
    for document in (InspectionDocument(inspection), DiagnosisDocument((Check(text, "error", text, text),))):
        shown = render(document, name)
        assert not CONTROLS.search(shown)
        assert render(from_json(render(document, "json")), name) == shown
        assert not re.search(r"^\s*(CLEAN|::)", shown, re.MULTILINE)


@every_kind
@pytest.mark.parametrize("name", FORMATS)
def test_no_output_holds_characters_that_act(text: str, name: str) -> None:
    for shown in render_all(text, name):
        assert not CONTROLS.search(shown)


@every_kind
def test_text_begins_no_line_with_a_verdict_or_a_log_command(text: str) -> None:
    for shown in render_all(text, "text"):
        assert not re.search(r"::[a-z-]+[ :]|##\[", shown)
        assert len(re.findall(r"^\s*CLEAN", shown, re.MULTILINE)) <= 1  # the report that says so


@every_kind
def test_json_is_plain_ascii_and_keeps_what_was_there(text: str) -> None:
    for shown in render_all(text, "json"):
        assert shown.isascii()
        assert json.loads(shown)
    (report, *_) = json.loads(render_all(text, "json")[0])["reports"]
    assert report["model"]["path"] == text.encode("utf-8", "backslashreplace").decode()


@every_kind
def test_sarif_messages_hold_no_links_and_no_placeholders(text: str) -> None:
    for shown in render_all(text, "sarif"):
        assert shown.isascii()
        (run,) = json.loads(shown)["runs"]
        messages = [result["message"]["text"] for result in run["results"]]
        messages += [note["message"]["text"] for note in run["invocations"][0]["toolExecutionNotifications"]]
        for message in messages:
            assert not re.search(r"(?<!\\)[\[\]]", message.replace("\\\\", ""))
            assert not re.search(r"(?<!{){(?!{)", message.replace("{{", ""))
            assert "\n" not in message
        for artifact in run["artifacts"]:
            assert re.fullmatch(r"(file:///)?[A-Za-z0-9_.~%/-]*", artifact["location"]["uri"])


@every_kind
def test_junit_has_no_elements_of_strangers(text: str) -> None:
    known = {"testsuites", "testsuite", "testcase", "properties", "property", "failure", "error"}
    for shown in render_all(text, "junit"):
        assert {element.tag for element in etree.fromstring(shown.encode()).iter()} <= known


class Elements(HTMLParser):
    """Collects what a page is made of."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        assert not [name for name, _ in attributes if name not in ("style",)]
        self.found.add(tag)


@every_kind
def test_markdown_becomes_no_links_pictures_or_elements_of_strangers(text: str) -> None:
    ours = {
        "h2",
        "p",
        "ul",
        "li",
        "strong",
        "code",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "details",
        "summary",
        "br",
    }
    for shown in render_all(text, "markdown"):
        elements = Elements()
        elements.feed(MarkdownIt("gfm-like", {"linkify": False}).render(shown))
        assert elements.found <= ours
        headings = re.findall(r"^## .*", shown, re.MULTILINE)
        assert len(headings) in (1, 1 + len(Verdict))


@every_kind
def test_what_is_escaped_for_markdown_reads_as_it_was(text: str) -> None:
    class Text(HTMLParser):
        shown = ""

        def handle_data(self, data: str) -> None:
            self.shown += data

    page = Text()
    page.feed(MarkdownIt().render(f"x {escape(text)} x"))
    assert page.shown.strip() == f"x {show_plainly(text)} x".replace("  ", " ")
