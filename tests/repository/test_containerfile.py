"""The container recipe copies what is there, installs what is pinned, and ends without root."""

import tomllib

from tests.containerfile import IGNORED, ROOT, find, read_stages
from tests.documentation.pages import read_blocks
from tests.documentation.workshop import read_commands

GLOBAL, BUILD, FINAL = read_stages()
KNOWN = {"ARG", "FROM", "ENV", "WORKDIR", "COPY", "RUN", "USER", "ENTRYPOINT", "CMD"}


def test_every_instruction_is_one() -> None:
    assert {instruction.name for stage in (GLOBAL, BUILD, FINAL) for instruction in stage} <= KNOWN


def test_both_stages_stand_on_the_same_python() -> None:
    (base,) = find(GLOBAL, "ARG")
    assert base.text.startswith("PYTHON=")
    assert [find(stage, "FROM")[0].words[0] for stage in (BUILD, FINAL)] == ["${PYTHON}"] * 2


def test_what_is_copied_exists_and_reaches_the_builder() -> None:
    lines = IGNORED.read_text(encoding="utf-8").splitlines()
    sent = {line[1:] for line in lines if line.startswith("!")}
    assert "*" in lines
    for copy in find(BUILD, "COPY"):
        for source in copy.words[:-1]:
            assert (ROOT / source).exists()
            assert source in sent


def test_what_the_package_is_built_from_is_copied() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    copied = {source for copy in find(BUILD, "COPY") for source in copy.words[:-1]}
    assert {"pyproject.toml", "constraints.txt", project["readme"], project["name"]} <= copied


def test_the_image_holds_the_environment_alone_and_runs_without_root() -> None:
    (copy,) = find(FINAL, "COPY")
    assert copy.words == ["--from=build", "/opt/onnxaudit", "/opt/onnxaudit"]
    assert find(FINAL, "RUN") == []
    (user,) = find(FINAL, "USER")
    assert int(user.text.split(":")[0]) >= 1000
    assert find(FINAL, "ENTRYPOINT")[0].words == ["onnxaudit"]


def test_the_page_builds_with_arguments_that_the_recipe_has() -> None:
    page = (ROOT / "docs" / "how-to" / "containers.md").read_text(encoding="utf-8")
    commands = [command.text for block in read_blocks(page) for command in read_commands(block.text)]
    assert sum(" build " in command for command in commands) == 2
    known = {instruction.text.split("=")[0] for stage in (GLOBAL, BUILD) for instruction in find(stage, "ARG")}
    for name in ("PIP_ARGS", "PYTHON"):
        assert f"{name}=" in page
        assert name in known
