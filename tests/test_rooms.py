"""The house: every room imports only from those before it, and only one file has torch at its top."""

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
