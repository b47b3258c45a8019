"""The sets of packages for machines without a GPU: pinned as everything else, hashed, and complete."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PIN = re.compile(r"^([A-Za-z0-9_.-]+)(?:\[[^\]]*\])?==([^\s;\\]+)", re.MULTILINE)
LEFT_OUT = {"slim": {"torch", "onnx-graphsurgeon", "onnxruntime-gpu"}, "cpu": {"torch", "onnxruntime-gpu"}}


def read_pins(path: Path) -> dict[str, str]:
    return {normalize(name): version for name, version in PIN.findall(path.read_text(encoding="utf-8"))}


def normalize(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("name", LEFT_OUT)
def test_versions_are_those_that_tests_are_made_with(name: str) -> None:
    pins, meant = read_pins(ROOT / "requirements" / f"{name}.txt"), read_pins(ROOT / "constraints.txt")
    assert pins.keys() - meant.keys() <= {"setuptools"}  # pip leaves it out of what it lists
    assert {one: version for one, version in pins.items() if meant.get(one, version) != version} == {}


@pytest.mark.parametrize("name", LEFT_OUT)
def test_every_package_has_a_hash(name: str) -> None:
    text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    entries = re.split(r"\n(?=[A-Za-z])", text)
    assert all("--hash=sha256:" in entry for entry in entries if "==" in entry)


@pytest.mark.parametrize("name", LEFT_OUT)
def test_all_that_the_package_needs_is_there_but_what_is_left_out(name: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = {normalize(re.split(r"[<>=;\[ ]", one)[0]) for one in project["dependencies"]}
    assert needed - read_pins(ROOT / "requirements" / f"{name}.txt").keys() == LEFT_OUT[name]
