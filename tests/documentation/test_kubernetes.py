"""Manifests of the page hold what their kinds know, mount volumes that are there, and run commands that exist."""

import re
import shlex
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
import typer
import yaml

from onnxaudit.cli.app import app
from tests.documentation.kubernetes import KINDS
from tests.documentation.pages import ROOT, read_blocks

PAGE = ROOT / "docs" / "how-to" / "kubernetes.md"
MANIFESTS: dict[str, Any] = {
    block.title: yaml.safe_load(block.text)
    for block in read_blocks(PAGE.read_text(encoding="utf-8"))
    if block.language == "yaml" and block.title is not None
}


def list_pods(node: Any) -> Iterator[dict[str, Any]]:
    """The specifications of all pods of a manifest."""
    if isinstance(node, dict):
        if "containers" in node:
            yield node
        for value in node.values():
            yield from list_pods(value)
    elif isinstance(node, list):
        for value in node:
            yield from list_pods(value)


def list_commands(manifest: Any) -> Iterator[str]:
    """The command lines of a manifest."""
    if manifest["kind"] == "RayJob":
        yield manifest["spec"]["entrypoint"]
    for pod in list_pods(manifest):
        for container in pod["containers"]:
            yield from container.get("args", ())


def test_the_page_shows_both_ways() -> None:
    assert sorted(one["kind"] for one in MANIFESTS.values()) == ["Job", "RayJob"]


@pytest.mark.parametrize("name", MANIFESTS)
def test_fields_are_those_that_the_kind_knows(name: str) -> None:
    jsonschema.validate(MANIFESTS[name], KINDS[MANIFESTS[name]["kind"]])


@pytest.mark.parametrize("name", MANIFESTS)
def test_a_misspelt_field_is_found(name: str) -> None:
    text = yaml.safe_dump(MANIFESTS[name])
    for field in ("containers", "resources", "volumeMounts", "claimName", "template"):
        assert f"{field}:" in text
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(yaml.safe_load(text.replace(f"{field}:", f"{field}s:")), KINDS[MANIFESTS[name]["kind"]])


@pytest.mark.parametrize("name", MANIFESTS)
def test_every_volume_that_is_mounted_is_there(name: str) -> None:
    for pod in list_pods(MANIFESTS[name]):
        there = {volume["name"] for volume in pod["volumes"]}
        assert {mount["name"] for one in pod["containers"] for mount in one["volumeMounts"]} == there


@pytest.mark.parametrize("name", MANIFESTS)
def test_commands_are_those_of_the_program(name: str) -> None:
    (command,) = list_commands(MANIFESTS[name])
    words = shlex.split(re.sub(r"\$\(\(.*?\)\)", "1", command))
    assert words[:2] == ["onnxaudit", "scan"]
    scan: Any = typer.main.get_command(app)
    known = {option for one in scan.commands["scan"].params for option in one.opts}
    assert {word for word in words if word.startswith("--")} <= known


def test_parts_of_the_job_are_as_many_as_its_pods() -> None:
    (job,) = (one for one in MANIFESTS.values() if one["kind"] == "Job")
    (command,) = list_commands(job)
    assert f"--shard $((JOB_COMPLETION_INDEX + 1))/{job['spec']['completions']} " in command
