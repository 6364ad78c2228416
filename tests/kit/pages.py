"""The README and the pages in docs, filled with real output: every command that they show is run, in order.

An HTML comment before a fenced block says what the block is:

    <!-- file: NAME -->    a file that the README's reader is told to make; written before anything runs
    <!-- run -->           a console block: each `$ ` line is run, and what it printed replaces the lines below it
    <!-- before: CMD -->   run without being shown
    <!-- table: targets --> or <!-- table: files -->    a generated list, up to <!-- end -->
"""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from lstm_export import targets

ROOT = Path(__file__).resolve().parents[2]
README, HOUSE = ROOT / "README.md", ROOT / "docs" / "house.md"
DIRECTIVE = re.compile(
    r"<!-- file: (?P<file>\S+) -->\n```\w*\n(?P<content>.*?)```"
    r"|<!-- before: (?P<before>[^\n]+?) -->"
    r"|<!-- run -->\n```console\n(?P<console>.*?)```"
    r"|<!-- table: (?P<table>\w+) -->\n.*?<!-- end -->",
    re.DOTALL,
)
# A `$ ` line, with the lines that a backslash at its end joins to it.
COMMAND = re.compile(r"^\$ ((?:.*\\\n)*.*)$", re.MULTILINE)
# Numbers that differ between machines and versions of libraries.
MACHINE = [
    (r"\d\.\d+e[-+]\d+", "#"),  # errors of the order of float32 rounding
    (r"\d[\d,]*\.?\d* / \d[\d,]*\.?\d*", "# / #"),  # RMSE / MAE
    (r"\b\d[\d,]* bytes", "# bytes"),
    (r"largest error \d\.\d\d of", "largest error # of"),
    (r"best epoch \d+, stopped after \d+", "best epoch #, stopped after #"),
    (r"(\d\d:\d\d:\d\d) +\d+$", r"\1 #"),  # sizes in a listing
    (r"-?\d+\.\d{2,}", "#"),  # predictions
    (r"\s+", " "),
]


def masked(text: str) -> str:
    """The text without numbers that differ between machines, and without the widths that follow from them."""
    for pattern, replacement in MACHINE:
        text = re.sub(pattern, replacement, text, flags=re.MULTILINE)
    return text


def filled_here(text: str) -> str:
    """A page of docs with every block as a run in this clone gives it."""
    return DIRECTIVE.sub(lambda match: _block(match, ROOT), text)


def filled(text: str) -> str:
    """The README with every block as a run in a fresh folder gives it."""
    with tempfile.TemporaryDirectory() as folder:
        data = ROOT / "lstm_export" / "data" / "i94_traffic.csv.gz"
        shutil.copy(data, Path(folder) / "i94_traffic.csv.gz")
        for match in DIRECTIVE.finditer(text):
            if match["file"]:
                (Path(folder) / match["file"]).write_text(match["content"], encoding="utf-8")
        return DIRECTIVE.sub(lambda match: _block(match, Path(folder)), text)


def _block(match: re.Match[str], folder: Path) -> str:
    if match["before"]:
        _run(match["before"], folder)
    if match["console"]:
        commands = COMMAND.findall(match["console"])
        shown = "".join(f"$ {command}\n{_run(command, folder)}" for command in commands)
        return f"<!-- run -->\n```console\n{shown}```"
    if match["table"]:
        rows = {"targets": target_rows, "files": file_rows}[match["table"]]()
        return f"<!-- table: {match['table']} -->\n" + "\n".join(rows) + "\n<!-- end -->"
    return match[0]


def _run(command: str, folder: Path) -> str:
    """What a command prints, both streams, as a reader sees it."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(  # noqa: S602 - the README's own commands, in the reader's shell
        command,
        shell=True,
        cwd=folder,
        env={**os.environ, "PATH": path, "COLUMNS": "100", "PYTHONWARNINGS": "ignore"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{command}\n{done.stdout}\nended with {done.returncode}")
    return done.stdout


def target_rows() -> list[str]:
    """One row a target."""
    rows = [
        "| target | what it does | file | the device needs | read back bit for bit |",
        "|---|---|---|---|---|",
    ]
    for name in targets.names():
        target = targets.get(name)
        what = target.__doc__.splitlines()[0].rstrip(".")
        rows.append(
            f"| `{name}` | {what} | `{target.suffix}` | {target.needs or 'nothing'} | {_yes(hasattr(target, 'read'))} |"
        )
    return rows


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def file_rows() -> list[str]:
    """One row a file of the package, by its docstring's first line."""
    rows = ["| file | what |", "|---|---|"]
    for path in sorted(
        (ROOT / "lstm_export").rglob("*.py"), key=lambda path: path.relative_to(ROOT).parts
    ):
        docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        rows.append(
            f"| `{path.relative_to(ROOT).as_posix()}` | {docstring.splitlines()[0].replace('|', chr(92) + '|')} |"
        )
    return rows
