"""The house stands: imports go down and never across, files stay short, and every module has its test beside it."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import glad

PACKAGE = Path(glad.__file__).parent

# From the ground up. A module imports from floors below its own; within a floor, only where it says so here.
FLOORS = (
    ("errors",),
    (
        "files",
        "overview",
        "ours",
        "letters",
        "progress",
        "part",
        "process",
        "machine",
        "recipe_file",
        "program",
        "scrub",
        "hub",
    ),
    (
        "fast",
        "batch",
        "sampling",
        "augment",
        "color",
        "losses",
        "metrics",
        "selection",
        "optim",
        "chart",
        "published",
        "gaps",
    ),
    ("data", "backbones", "methods"),  # wings: none sees another
    ("recipe", "datasets", "features", "seen", "sources", "camera"),
    ("run", "runlog", "inputs", "initial", "watch", "jobs", "fingerprint", "board", "interface", "modelcard"),
    ("mini", "scenes", "gapcharts", "gaptable", "confusion"),
    ("recipes", "scenebank"),
    ("table1",),
    ("training", "evaluate", "predict", "show", "results", "sampled", "check", "export", "share"),
    ("tabular", "filmstrip", "sizing", "timeline", "saliency"),
    ("table", "project", "report", "timechart", "annotate", "heat"),
    ("demo", "tell"),
    ("commands", "api"),
    ("cli",),
    ("__main__",),
)
# Modules of one floor that build on each other: (who imports, what it imports).
WITHIN = {
    ("runlog", "run"),
    ("runlog", "board"),
    ("board", "run"),
    ("initial", "run"),
    ("run", "fingerprint"),
    ("predict", "evaluate"),
    ("selection", "metrics"),
    ("augment", "color"),
    ("gaps", "metrics"),
}
# Modules without a test beside them, and where they are tested instead.
UNTESTED = {
    "__init__": "a version, and names that glad/api_test.py looks up",
    "__main__": "two lines; tests/end_to_end_test.py runs `python -m glad`",
    "errors": "one exception without code",
    "methods.base": "protocols; tests/contract_test.py holds every method to them",
    "recipes.mini": "values; glad/recipes/find_test.py reads them all",
    "recipes.own": "values; glad/recipes/find_test.py reads them all",
    "recipes.k2b": "tests/presets_test.py and tests/full_size_test.py",
    "demo": "the tests of glad/training.py, glad/evaluate.py and glad/report hold its parts; `make demo` runs it",
}
DRAWERS = {"utils", "util", "misc", "common", "helpers", "helper", "engine", "core", "base_class"}


def module_files() -> list[Path]:
    """Return every file of the package that is no test."""
    return [path for path in sorted(PACKAGE.rglob("*.py")) if not is_test(path)]


def is_test(path: Path) -> bool:
    return path.name.endswith("_test.py") or path.name == "conftest.py"


def name_of(path: Path) -> str:
    """Return `data.video` for glad/data/video.py, `data` for glad/data/__init__.py, `__init__` for glad's own."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


MODULES = {name_of(path): path for path in module_files()}


def imported(path: Path, lazily: bool = True) -> set[str]:
    """Return the modules of ours that a file imports, inside functions as well unless `lazily` is False."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = ast.walk(tree) if lazily else tree.body
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            inside = node.module or ""
            # `from glad.data import video` means the module, `from glad.data.video import Video` what is in it.
            found |= {f"{inside}.{alias.name}" if f"{inside}.{alias.name}" in NAMES else inside for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return {name.removeprefix("glad.") for name in found if name.startswith("glad.")}


NAMES = {f"glad.{name}" for name in MODULES}


def floor(module: str) -> int:
    top = module.split(".")[0]
    found = [number for number, names in enumerate(FLOORS) if top in names]
    assert found, f"glad/{top} stands on no floor; give it one in FLOORS"
    return found[0]


def faults(edges: list[tuple[str, str]]) -> list[str]:
    """Return what is wrong with imports `(who, what)`, one sentence each."""
    found = []
    for who, what in edges:
        wing, other = who.split(".")[0], what.split(".")[0]
        if (wing == other and "." in who) or (wing, other) in WITHIN:
            continue
        if floor(what) > floor(who):
            found.append(f"{who} imports {what}, which stands above it")
        elif floor(what) == floor(who):
            found.append(f"{who} imports {what}, which stands beside it")
    return found


EDGES = [(name, what) for name, path in MODULES.items() if name != "__init__" for what in sorted(imported(path))]


def test_imports_go_down():
    assert faults(EDGES) == []


def test_the_rule_can_tell():
    assert faults([("data.video", "methods.glad"), ("methods.glad", "data.video"), ("batch", "losses")]) != []
    assert len(faults([("errors", "files"), ("methods.order", "training"), ("backbones.tiny", "data.image")])) == 3
    assert faults([("methods.glad", "methods.order"), ("training", "recipe"), ("data.image", "files")]) == []
    assert {("commands.runs", "training"), ("methods.glad", "losses"), ("data.domain", "augment")} <= set(EDGES)


def test_exceptions_are_needed():
    tops = {(who.split(".")[0], what.split(".")[0]) for who, what in EDGES}
    assert tops >= WITHIN
    assert set(MODULES) >= UNTESTED.keys()
    assert not [name for name in UNTESTED if MODULES[name].with_name(f"{MODULES[name].stem}_test.py").exists()]


def test_imports_make_no_circle():
    below = {name: imported(path) for name, path in MODULES.items()}
    while free := [name for name, needs in below.items() if not needs & below.keys()]:
        for name in free:
            del below[name]
    assert below == {}


def test_only_the_command_line_reads_the_command_line():
    """`run.environment` writes the command down and decides nothing by it; `python -m glad.mini.fold` is a tool."""
    readers = [name for name, path in MODULES.items() if "sys.argv" in path.read_text(encoding="utf-8")]
    assert sorted(readers) == ["cli", "mini.fold", "run"]


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_file_is_read_in_one_sitting(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= (160 if path == PACKAGE / "training.py" else 400)
    assert path.stem not in DRAWERS


def test_init_files_are_empty():
    for path in PACKAGE.rglob("__init__.py"):
        if path != PACKAGE / "__init__.py":
            assert path.read_text() == "", path


@pytest.mark.parametrize("name", [name for name, path in MODULES.items() if path.name != "__init__.py"])
def test_a_module_opens_with_a_sentence_and_has_its_test_beside_it(name):
    path = MODULES[name]
    opening = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert opening and opening.split("\n\n")[0].rstrip().endswith((".", ":")), f"{path}: how does it open?"
    if name not in UNTESTED:
        assert path.with_name(f"{path.stem}_test.py").exists(), f"{path} has no test beside it"


def test_a_test_has_its_module_beside_it():
    tests = PACKAGE.rglob("*_test.py")
    assert [path for path in tests if not path.with_name(path.name.replace("_test.py", ".py")).exists()] == []


@pytest.mark.parametrize("words", ["import glad.cli", "from glad.cli import main; main(['--help'])"])
def test_the_command_line_answers_without_heavy_imports(words):
    heavy = ("torch", "cv2", "av", "numpy", "sklearn", "scipy", "matplotlib", "pydantic", "lightning_fabric")
    code = f"import sys; {words}; print([name for name in {heavy} if name in sys.modules], file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip().splitlines()[-1] == "[]"
