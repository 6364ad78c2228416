"""The guides of docs/house.md, followed in a copy of the clone: what they add is found."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kit.pages import COMMAND, DIRECTIVE, ROOT

pytest.importorskip("torch", reason='needs torch: pip install "lstm-export[export]"')
pytest.importorskip("onnx", reason='needs onnx: pip install "lstm-export[export]"')
pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="the guides' commands are for a POSIX shell"
)

HOUSE = ROOT / "docs" / "house.md"
COPIED = ("lstm_export", "scripts", "tests", "docs", "mkdocs.yml", "pyproject.toml", "README.md")


def guide(title: str) -> str:
    _, _, rest = HOUSE.read_text(encoding="utf-8").partition(f"\n## {title}\n")
    assert rest, title
    return rest.partition("\n## ")[0]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    for name in COPIED:
        if (ROOT / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__", ".venv")
            shutil.copytree(ROOT / name, tmp_path / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def follow(text: str, clone: Path, only: str = "") -> None:
    """Make the files and add the lines that a guide shows, or only those that begin with `only`."""
    for match in DIRECTIVE.finditer(text):
        if match["name"] in ("new", "add") and not match["value"].startswith(only):
            continue
        if match["name"] == "new":
            (clone / match["value"]).write_text(unindented(match), encoding="utf-8")
        elif match["name"] == "add":
            add(clone, match["value"], unindented(match))


def unindented(match: re.Match[str]) -> str:
    return re.sub(f"^{match['indent']}", "", match["content"], flags=re.MULTILINE)


def add(clone: Path, place: str, content: str) -> None:
    name, side, line = place.split(" | ")
    path = clone / name
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    found = [index for index, text in enumerate(lines) if text.strip().startswith(line.strip())]
    assert len(found) == 1, f"{name} has {len(found)} lines that begin with {line!r}"
    at = found[0] + (side == "after")
    path.write_text("".join([*lines[:at], content, *lines[at:]]), encoding="utf-8")


def run(text: str, clone: Path) -> str:
    """The commands that a guide ends with; pytest as if it began anew."""
    (console,) = re.findall(r"```console\n(.*?)```", text, re.DOTALL)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    printed = ""
    for match in COMMAND.finditer(console):
        done = subprocess.run(  # noqa: S602 - the commands of our own page
            match["command"],
            shell=True,
            cwd=clone,
            env={**os.environ, "PATH": path, "PYTHONPATH": str(clone), "PYTEST_ADDOPTS": ""},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{match['command']}\n{done.stdout}{done.stderr}"
        printed += done.stdout
    return printed


@pytest.mark.parametrize("title", ["Add a target", "Add a stage", "Add a file format"])
def test_a_guide_is_complete(title: str, clone: Path) -> None:
    text = guide(title)
    follow(text, clone)
    assert re.search(r"\d+ passed", run(text, clone))


@pytest.mark.parametrize("title", ["Add a stage", "Add a file format"])
def test_the_tests_of_a_guide_miss_what_it_adds_to_the_package(title: str, clone: Path) -> None:
    follow(guide(title), clone, only="tests/")
    with pytest.raises(AssertionError, match="deselected|failed|should be refused"):
        run(guide(title), clone)
