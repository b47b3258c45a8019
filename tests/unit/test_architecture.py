"""The rules of ARCHITECTURE.md, read from the source."""

import ast
from pathlib import Path

import pytest

import onnxaudit

PACKAGE = Path(onnxaudit.__file__).parent
REPOSITORY = Path(__file__).parents[2]
# In the order in which imports run: a room imports from rooms before it, never from one behind it.
ROOMS = (
    *(
        "version",
        "versions",
        "telemetry",
        "records",
        "errors",
        "packages",
        "deadline",
        "memory",
        "regular_files",
        "staging",
        "digests",
        "files",
        "cache",
        "statistics",
        "text",
        "findings",
        "workers",
    ),
    "isolation",
    "remote",
    *(
        "intake",
        "data",
        "importer",
        "runtime",
        "quantization",
        "trial_worker",
        "trial",
        "surgery",
        "structure",
        "perturbations",
        "inversion",
        "surrogates",
        "detectors",
        "scoring",
        "mitigation",
        "report",
        "pipeline",
        "gate",
        "conversion",
    ),
    *("stages", "diagnosis", "statements", "testing", "notebook", "pytest_plugin", "cli", "__main__"),
)
STRANGERS = {"mitigation": {"detectors", "scoring"}}  # stages meet in `records`
ONLY = {
    "findings": {"findings", "text", "statistics", "records", "errors"},
    "report": {"report", "findings", "text", "records", "errors"},
}
LAZY = {"__init__"}  # the package itself names `pipeline`, but imports it on first use
# Folders, and those that they never import: what tests and benchmarks share stands in `tools/testbed`.
OUTSIDE = {
    "onnxaudit": {"tools", "benchmarks", "tests"},
    "tools": {"benchmarks", "tests"},
    "benchmarks": {"tests"},
}

FILES = sorted(PACKAGE.rglob("*.py"))
TREES = {file: ast.parse(file.read_text(encoding="utf-8")) for file in FILES}


def room_of(file: Path) -> str:
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_modules(tree: ast.AST) -> list[str]:
    modules = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            modules += [f"{node.module}.{alias.name}" for alias in node.names]
    return modules


def imported_rooms(tree: ast.AST) -> set[str]:
    parts = [module.split(".") for module in imported_modules(tree)]
    return {part[1] for part in parts if part[0] == "onnxaudit" and len(part) > 1}


def top_modules(tree: ast.AST) -> set[str]:
    """The first parts of the modules that a tree imports, at its top or within functions."""
    return {module.split(".")[0] for module in imported_modules(tree)}


def dotted_names(tree: ast.AST) -> set[str]:
    """Every `a.b.c` in the source, and every bare name that is called."""
    attributes = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    calls = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    return attributes | calls


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
class TestEveryModule:
    def test_imports_run_downwards(self, file: Path) -> None:
        room, imported = room_of(file), imported_rooms(TREES[file])
        if room in LAZY:
            return
        allowed = ONLY.get(room, set(ROOMS[: ROOMS.index(room) + 1]) - STRANGERS.get(room, set()))
        assert imported <= allowed

    def test_only_the_command_line_prints_exits_and_reads_the_environment(self, file: Path) -> None:
        if room_of(file) in ("cli", "__main__", "telemetry"):  # the last sets variables that switch telemetry off
            return
        forbidden = {"print", "input", "exit", "quit", "SystemExit", "sys.exit", "os._exit", "os.environ", "os.getenv"}
        forbidden |= {"sys.stdout.write", "sys.stderr.write", "sys.argv"}
        if file.relative_to(PACKAGE) == Path("isolation/worker.py"):
            forbidden -= {"os._exit"}  # the end of a process that it made itself
        assert not dotted_names(TREES[file]) & forbidden

    def test_nothing_unpickles_or_seeds_globally(self, file: Path) -> None:
        assert not top_modules(TREES[file]) & {
            "pickle",
            "cPickle",
            "dill",
            "joblib",
            "marshal",
            "shelve",
            "random",
        }
        forbidden = {"torch.load", "torch.save", "torch.manual_seed", "np.random.seed", "numpy.random.seed"}
        assert not dotted_names(TREES[file]) & forbidden
        keywords = [node for node in ast.walk(TREES[file]) if isinstance(node, ast.keyword)]
        assert all(ast.unparse(node.value) == "False" for node in keywords if node.arg == "allow_pickle")


@pytest.mark.parametrize("folder", OUTSIDE)
def test_folders_of_the_repository_import_one_way(folder: str) -> None:
    for file in sorted((REPOSITORY / folder).rglob("*.py")):
        imported = top_modules(ast.parse(file.read_text(encoding="utf-8")))
        assert not imported & OUTSIDE[folder], file.relative_to(REPOSITORY)


def test_the_public_names_are_these() -> None:
    functions = ["inspect", "render_report", "repair", "scan", "verify"]
    assert onnxaudit.__all__ == ["NotebookProgress", "Policy", "__version__", *functions]


def test_few_rooms_know_onnxruntime_and_only_surgery_knows_graphsurgeon() -> None:
    users: dict[str, set[str]] = {"onnxruntime": set(), "onnx_graphsurgeon": set()}
    for file, tree in TREES.items():
        for library in top_modules(tree) & set(users):
            users[library].add(room_of(file))
    assert users["onnxruntime"] <= {"runtime", "quantization"}
    assert users["onnx_graphsurgeon"] <= {"surgery"}
