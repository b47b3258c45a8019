"""Names and notes that act on whoever shows them."""

from functools import partial

import onnx

from tests.hostile.corpus.case import add_case, case
from tools.testbed.gray_networks import (
    honest,
    model,
)

ESCAPES = (
    "\x1b[31mRED\x1b]8;;http://evil\x07\u202e::error::x\n::set-output name=a::b\r<img src=x onerror=alert(1)>{{7*7}}"
)


def renamed(name: str) -> onnx.ModelProto:
    """The honest network with this name wherever a file has one."""
    made = model([honest()])
    made.producer_name = made.producer_version = made.doc_string = made.domain = made.graph.name = name
    made.graph.doc_string = made.graph.node[0].doc_string = name
    made.metadata_props.add(key=name, value=name)
    for one in made.graph.node:
        one.name = name + one.name
        for names in (one.input, one.output):
            for place, tensor in enumerate(names):
                names[place] = {"x": name, "y": name + "out"}.get(tensor, tensor)
    made.graph.input[0].name, made.graph.output[0].name = name, name + "out"
    return made


for title, text in {
    "escapes_for_terminals": ESCAPES,
    "scripts_for_browsers": "<script>alert(1)</script>\"'><svg onload=alert(1)>",
    "words_for_build_servers": "\n::error file=a::b\n##vso[task.complete]\n##teamcity[x]\n",
    "formulas_for_spreadsheets": "=cmd|' /C calc'!A0",
    "markup_for_consoles": "[link=http://x]a[/link][red]",
    "text_from_right_to_left": "\u202e\u2066\u200b\u200f\ufeff",
    "places_for_paths": "../../../etc/passwd",
    "braces_for_templates": "{0.__class__}{{7*7}}${jndi:ldap://x}%s%n",
    "a_hundred_thousand_letters": "n" * 100_000,
    "pictographs": "😀" * 20 + "é̂" * 200,
}.items():
    add_case(title, lambda text=text: renamed(text), "opened")


@case("refused", "")
def bytes_that_are_no_text() -> bytes:
    return model([honest()]).SerializeToString().replace(b"node of y", b"\xff\xfe\xfd of y")


@case("opened")
def zero_bytes_in_names() -> onnx.ModelProto:
    return renamed("a\0b")


def with_bytes(tensor: str) -> bytes:
    """The honest network, one tensor of which is called by bytes that are no text."""
    made = model([honest()])
    for holder in (made.graph.input, made.graph.output, made.graph.initializer):
        for one in holder:
            if one.name == tensor:
                one.name = "q" * 16
    for node in made.graph.node:
        for names in (node.input, node.output):
            names[:] = ["q" * 16 if name == tensor else name for name in names]
    return made.SerializeToString().replace(b"q" * 16, b"\xff\xfe\x80\xc0" * 4)


for what, tensor in {"input": "x", "output": "y", "weight": "a_w1", "step": "a_h"}.items():
    add_case(f"bytes_that_are_no_text_as_name_of_an_{what}", partial(with_bytes, tensor), "refused", "")
