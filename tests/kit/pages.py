"""The README and the pages in docs, with real output: what they show is run.

An HTML comment before a fenced block says what the block is:

    <!-- run -->            a console block: each `$ ` line is run, and what it printed stands
                            below it; `...` stands for lines left out. A Python block: run with the
                            others of its page, at its end
    <!-- run by hand -->    the same, but only if one asks for it: benchmarks
    <!-- file: NAME -->     a file that the reader is told to make; written before anything runs
    <!-- excerpt: FILE -->  lines that stand in a file of the clone
    <!-- not run: WHY -->   shown and not run
    <!-- tested: FILE -->   shown, and run by that test
    <!-- new: FILE -->      a guide's new file
    <!-- add: FILE | before | LINE -->
                            lines that it adds to a file before or after a line

and on a line of its own:

    <!-- with: PAGE -->     the files of another page too
    <!-- before: CMD -->    run without being shown
    <!-- given: CODE -->    a line before the page's Python blocks
    <!-- help: CMD -->      the help of a command, up to <!-- end -->
    <!-- table: NAME -->    a list made from the code (see `page_tables`), up to <!-- end -->
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from tests.kit import page_tables

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"

# What of the clone a page's folder shows, so that `python -m scripts.bench.startup` means there
# what it means here.
SHOWN = ("lstm_export", "scripts", "tests", "docs", "pyproject.toml")

SHOWN_AS_IT_IS = (
    "run by hand",
    "file",
    "with",
    "not run",
    "tested",
)
END_OF_BLOCK = "end of "  # what scripts/docs/block.py writes begins with `NAME, by SCRIPT`
DIRECTIVE = re.compile(
    r"<!-- (?P<name>[a-z ]+?)(?:: (?P<value>[^\n]*?))? -->\n"
    r"(?:(?P<generated>(?:(?!<!--).)*?)<!-- end -->\n"
    r"|(?P<indent> *)```(?P<language>\w+)\n(?P<content>.*?)(?P=indent)```\n)?",
    re.DOTALL,
)
FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>\w*)\n.*?^(?P=indent)```$", re.DOTALL | re.MULTILINE
)
# A `$ ` line, with the lines that a backslash at its end joins to it, and what is shown below it.
COMMAND = re.compile(r"^\$ (?P<command>(?:.*\\\n)*.*)\n(?P<output>(?:(?!\$ ).*\n)*)", re.MULTILINE)
# Numbers that differ between machines and versions of libraries.
MACHINE = [
    (r"\d\.\d+e[-+]\d+", "#"),  # errors of the order of float32 rounding
    (r"\d[\d,]*\.?\d* / \d[\d,]*\.?\d*", "# / #"),  # RMSE / MAE
    (r"\b\d[\d,]* bytes", "# bytes"),
    (r"largest error \d\.\d\d of", "largest error # of"),
    (r"best epoch \d+, stopped after \d+", "best epoch #, stopped after #"),
    (r"(\d\d:\d\d:\d\d) +\d+$", r"\1 #"),  # sizes in a listing
    (r"-?\d+\.\d+", "#"),  # predictions, and errors in their units
    (r"-?\d[\d,]* times", "# times"),
    (r"\s+", " "),
]


class PageError(Exception):
    """A block of a page did not run, or a directive is unknown."""


def all_pages() -> list[Path]:
    """The README and the pages of the documentation."""
    return [README, *sorted((ROOT / "docs").rglob("*.md"))]


def masked(text: str) -> str:
    """The text without numbers that differ between machines, and without the widths that follow
    from them.
    """
    for pattern, replacement in MACHINE:
        text = re.sub(pattern, replacement, text, flags=re.MULTILINE)
    return text


def unmarked(text: str) -> list[str]:
    """The fenced blocks of code that no directive says anything of."""
    said = [
        match.span()
        for match in DIRECTIVE.finditer(text)
        if match["language"] or match["generated"]
    ]
    return [
        match[0]
        for match in FENCE.finditer(text)
        if match["language"] != "text"
        and not any(start <= match.start() < end for start, end in said)
    ]


def write_files(page: Path, folder: Path) -> None:
    """Every file that the reader is told to make, by this page and those that it builds on."""
    for match in DIRECTIVE.finditer(page.read_text(encoding="utf-8")):
        if match["name"] == "file":
            (folder / match["value"]).write_text(match["content"], encoding="utf-8")
        elif match["name"] == "with":
            write_files(page.parent / match["value"], folder)


def with_generated_parts(page: Path) -> str:
    """The page with its tables and help texts as the code has them now; nothing is run."""

    def generated(match: re.Match[str]) -> str:
        lines = generated_lines(match["name"], match["value"], page)
        return match[0] if lines is None else _between_marks(match, lines)

    return DIRECTIVE.sub(generated, page.read_text(encoding="utf-8"))


def generated_lines(name: str, value: str, page: Path) -> list[str] | None:
    """What a directive puts on a page without running anything; None for the other directives."""
    if name == "help":
        return ["```text", *page_tables.help_lines(value), "```"]
    if name == "table":
        return page_tables.rows(value, page)
    return None


def filled(page: Path, *, by_hand: bool = False) -> str:
    """The page with every block as a fresh run gives it, in a folder of its own.

    Raises:
        PageError: a command failed; the message holds what it printed.
    """
    text = page.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        for name in SHOWN:
            (Path(folder) / name).symlink_to(ROOT / name)
        shutil.copy(ROOT / "lstm_export" / "data" / "i94_traffic.csv.gz", folder)
        run = _Run(page, Path(folder), by_hand)
        write_files(page, run.folder)
        text = DIRECTIVE.sub(run.block, text)
        run.python()
    return text


@dataclass
class _Run:
    """One page on its way through a folder."""

    page: Path
    folder: Path
    by_hand: bool
    code: list[str] = field(default_factory=list)

    def block(self, match: re.Match[str]) -> str:
        """What stands in the place of a directive and its block."""
        name = match["name"]
        value = match["value"]
        lines = generated_lines(name, value, self.page)
        if lines is not None:
            return _between_marks(match, lines)
        if name == "run" or (name == "run by hand" and self.by_hand):
            return self._run(match)
        if name == "before":
            self._output(value)
        elif name == "given":
            self.code.append(value)
        elif name == "excerpt":
            self._check_excerpt(match)
        elif name not in SHOWN_AS_IT_IS and not name.startswith(END_OF_BLOCK):
            raise PageError(f"{self.page}: no such directive: {match[0].splitlines()[0]}")
        return match[0]

    def python(self) -> None:
        """Run the Python blocks of the page, as one program."""
        if self.code:
            (self.folder / "blocks_of_this_page.py").write_text(
                "\n".join(self.code), encoding="utf-8"
            )
            self._output("python blocks_of_this_page.py")

    def _run(self, match: re.Match[str]) -> str:
        if match["language"] == "python":
            self.code.append(match["content"])
            return match[0]
        opening = match[0][: match.start("content") - match.start()]
        shown = COMMAND.sub(self._command, match["content"])
        return f"{opening}{shown}```\n"

    def _command(self, match: re.Match[str]) -> str:
        output = self._output(match["command"])
        return f"$ {match['command']}\n{_abridged(output, match['output'])}"

    def _output(self, command: str) -> str:
        """What a command prints, both streams, as a reader sees it."""
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(  # noqa: S602 - the page's own commands, in the reader's shell
            command,
            shell=True,
            cwd=self.folder,
            env={**os.environ, "PATH": path, "COLUMNS": "100", "PYTHONWARNINGS": "ignore"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            raise PageError(
                f"{self.page}\n$ {command}\n{done.stdout}\nended with {done.returncode}"
            )
        return done.stdout

    def _check_excerpt(self, match: re.Match[str]) -> None:
        file = (ROOT / match["value"]).read_text(encoding="utf-8")
        if match["content"] not in file:
            raise PageError(
                f"{self.page}: these lines do not stand in {match['value']}:\n{match['content']}"
            )


def _between_marks(match: re.Match[str], lines: list[str]) -> str:
    opening = match[0].splitlines()[0]
    return "\n".join([opening, *lines, "<!-- end -->", ""])


def _abridged(output: str, shown: str) -> str:
    """The output; where a `...` line was shown, as many lines around it as stood there."""
    before, dots, after = shown.partition("...\n")
    if not dots:
        return output
    lines = output.splitlines(keepends=True)
    head = before.count("\n")
    tail = after.count("\n")
    return "".join([*lines[:head], dots, *lines[len(lines) - tail :]])
