"""The house: rooms import only from those before them, no files import each other, and one has torch at its top."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import lstm_export

ROOT = Path(lstm_export.__file__).parent
ORDER = ["__init__", "version", "errors", "files", "model", "series", "parity", "bundle", "device", "targets"]
ORDER += ["reading", "chains", "training", "verification", "pipeline", "bench", "doctor", "testing", "cli", "__main__"]
HEAVY = {"torch", "onnx", "onnxruntime", "pyarrow", "matplotlib"}
FILES = sorted(ROOT.rglob("*.py"))


def room(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imports(path: Path) -> list[tuple[ast.stmt, str, bool]]:
    """Every import of a file: the node, the absolute module, and whether it stands at the top and runs."""
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
            names = [f"{module}.{alias.name}" for alias in node.names] if module == "lstm_export" else [module]
            found += [(node, name, id(node) in top) for name in names]
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_room_imports_only_from_rooms_before_it(path: Path) -> None:
    for _, module, _ in imports(path):
        if module.startswith("lstm_export.") and path != ROOT / "__init__.py":  # the front door opens on all of it
            other = module.split(".")[1]
            assert ORDER.index(other) <= ORDER.index(room(path)), f"{path.name} imports {module}"


def test_only_one_file_has_a_heavy_import_at_its_top() -> None:
    heavy = {
        str(path.relative_to(ROOT)).replace("\\", "/")
        for path in FILES
        for _, module, is_top in imports(path)
        if is_top and module.split(".")[0] in HEAVY
    }
    assert heavy == {"model/torch_module.py"}


NAMES = {
    ".".join(["lstm_export", *path.relative_to(ROOT).with_suffix("").parts]).removesuffix(".__init__"): path
    for path in FILES
}


def imported_files(path: Path) -> set[str]:
    """The files of the package that a file imports from, wherever in it, for types too."""
    found = set()
    package = ["lstm_export", *path.relative_to(ROOT).parent.parts]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            found |= {f"{module}.{alias.name}" if f"{module}.{alias.name}" in NAMES else module for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found & NAMES.keys()


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Files that import each other, directly or through others, each group once."""

    def reached(start: str) -> set[str]:
        seen: set[str] = set()
        waiting = [start]
        while waiting:
            for name in graph[waiting.pop()] - seen:
                seen.add(name)
                waiting.append(name)
        return seen

    reach = {name: reached(name) for name in graph}
    return sorted({tuple(sorted({a, *(b for b in reach[a] if a in reach[b])})) for a in graph if a in reach[a]})


def test_no_two_files_import_each_other() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()}) == [("b", "c")]
    found = circles({name: imported_files(path) for name, path in NAMES.items()})
    assert found == [("lstm_export.parity.diagnosis", "lstm_export.parity.report")]  # it goes with the diagnosis


def test_reading_and_chains_meet_only_at_the_front_of_reading() -> None:
    rooms = {
        name: imported_files(path) for name, path in NAMES.items() if name.split(".")[1:2] in (["reading"], ["chains"])
    }
    met = {other for name, others in rooms.items() if ".chains" in name for other in others if ".reading" in other}
    assert met == {"lstm_export.reading"}
    assert not any(".chains" in other for name, others in rooms.items() if ".reading" in name for other in others)
