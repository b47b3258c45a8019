"""Unit tests lie where the code lies: `tests/unit/P` for the package `P`, `tests/unit/test_M.py` for the module `M`."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UNIT = ROOT / "tests" / "unit"
PACKAGE = ROOT / "onnxaudit"
SCRIPTS = ("benchmarks", "tools")  # beside the package, with tests of their own
# Tested through those that pass them on.
VALUES = {"records"}
OF_THE_WHOLE = {"test_architecture.py", "test_sentences.py"}

FOLDERS = sorted({file.parent.relative_to(UNIT) for file in UNIT.rglob("*.py")} - {Path()})
PACKAGES = sorted(file.parent.name for file in PACKAGE.glob("*/__init__.py"))


@pytest.mark.parametrize("folder", FOLDERS, ids=str)
def test_each_folder_of_unit_tests_is_that_of_a_package(folder: Path) -> None:
    home = ROOT if folder.parts[0] in SCRIPTS else PACKAGE
    assert list((home / folder).glob("*.py"))


@pytest.mark.parametrize("package", [package for package in PACKAGES if package not in VALUES])
def test_each_package_has_unit_tests(package: str) -> None:
    assert list((UNIT / package).glob("test_*.py"))


def test_unit_tests_outside_folders_are_those_of_modules_outside_packages() -> None:
    tests = {file.name for file in UNIT.glob("test_*.py")} - OF_THE_WHOLE
    assert tests <= {f"test_{file.name}" for file in PACKAGE.glob("*.py")}


def test_helpers_lie_in_the_folder_of_the_tests_that_they_help() -> None:
    assert {file.name for file in UNIT.glob("*.py") if not file.name.startswith("test_")} <= {"conftest.py"}
