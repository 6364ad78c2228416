"""The rooms import only from those before them, in no circle; few files have torch at their top."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import lstm_export

ROOT = Path(lstm_export.__file__).parent
ORDER = [
    "__init__",
    "version",
    "errors",
    "files",
    "child_process",
    "workers",
    "signing",
    "model",
    "series",
    "pages",
    "parity",
    "bundle",
    "device",
    "targets",
]
ORDER += [
    "reading",
    "chains",
    "training",
    "verification",
    "evaluation",
    "pipeline",
    "scale",
    "bench",
    "fleet",
    "doctor",
    "testing",
    "cli",
    "__main__",
]
HEAVY = {"torch", "onnx", "onnxruntime", "pyarrow", "matplotlib"}
FILES = sorted(ROOT.rglob("*.py"))


def room(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imports(path: Path) -> list[tuple[ast.stmt, str, bool]]:
    """Every import of a file: the node, the absolute module, and whether it stands at the top and
    runs.
    """
    tree = ast.parse(path.read_text(encoding="utf-8"))
    package = ["lstm_export", *path.relative_to(ROOT).parent.parts]
    top = {id(node) for node in tree.body}
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(node, alias.name, id(node) in top) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            names = (
                [f"{module}.{alias.name}" for alias in node.names]
                if module == "lstm_export"
                else [module]
            )
            found += [(node, name, id(node) in top) for name in names]
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_room_imports_only_from_rooms_before_it(path: Path) -> None:
    for _, module, _ in imports(path):
        # The front door opens on all of it
        if module.startswith("lstm_export.") and path != ROOT / "__init__.py":
            other = module.split(".")[1]
            assert ORDER.index(other) <= ORDER.index(room(path)), f"{path.name} imports {module}"


def test_only_the_modules_of_torch_have_a_heavy_import_at_their_top() -> None:
    heavy = {
        str(path.relative_to(ROOT)).replace("\\", "/")
        for path in FILES
        for _, module, is_top in imports(path)
        if is_top and module.split(".")[0] in HEAVY
    }
    assert heavy == {"model/torch_graph.py", "model/torch_module.py", "model/torch_wiring.py"}


def module_name(path: Path) -> str:
    """`lstm_export.model` of lstm_export/model/__init__.py, and so on."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(["lstm_export", *parts]).removesuffix(".__init__")


MODULES = {module_name(path): path for path in FILES}


def imported_files(path: Path) -> set[str]:
    """The files of the package that a file imports from, wherever in it, for types too."""
    package = ["lstm_export", *path.relative_to(ROOT).parent.parts]
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        if not isinstance(node, ast.ImportFrom):
            continue
        base = package[: len(package) - node.level + 1] if node.level else []
        module = ".".join([*base, *([node.module] if node.module else [])])
        for alias in node.names:
            submodule = f"{module}.{alias.name}"
            found.add(submodule if submodule in MODULES else module)
    return found & MODULES.keys()


def reached(start: str, graph: dict[str, set[str]]) -> set[str]:
    """Everything that a file imports, directly or through others."""
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        new = graph[waiting.pop()] - seen
        seen |= new
        waiting += new
    return seen


def circles(graph: dict[str, set[str]]) -> set[frozenset[str]]:
    """Files that import each other, directly or through others, each group once."""
    reach = {name: reached(name, graph) for name in graph}
    groups = set()
    for name in graph:
        back = {other for other in reach[name] if name in reach[other]}
        if back:
            groups.add(frozenset(back))
    return groups


def test_no_two_files_import_each_other() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()}) == {frozenset("bc")}
    assert not circles({name: imported_files(path) for name, path in MODULES.items()})


def test_reading_and_chains_meet_only_at_the_front_of_reading() -> None:
    met = set()
    for path in FILES:
        others = imported_files(path)
        if room(path) == "chains":
            met |= {name for name in others if name.split(".")[1] == "reading"}
        if room(path) == "reading":
            assert not any(name.split(".")[1] == "chains" for name in others), path
    assert met == {"lstm_export.reading"}
