"""The pages show what really happens: what they show is run again, and compared."""

from __future__ import annotations

import re
import shutil
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from lstm_export import targets
from scripts.docs.block import write_block
from tests.kit import page_tables, pages

CONSTRAINTS = (pages.ROOT / "scripts" / "constraints.txt").read_text(encoding="utf-8")
AGAIN = "run: python -m scripts.docs.make_pages"


def pages_with(*directives: str) -> list[Path]:
    """The pages that have one of these directives."""
    marks = tuple(f"<!-- {directive}" for directive in directives)
    return [
        page
        for page in pages.all_pages()
        if any(line.startswith(marks) for line in page.read_text(encoding="utf-8").splitlines())
    ]


def name(page: Path) -> str:
    return page.relative_to(pages.ROOT).as_posix()


@pytest.mark.skipif(sys.platform == "win32", reason="the pages' commands are for a POSIX shell")
@pytest.mark.parametrize("page", pages_with("run -->", "excerpt"), ids=name)
def test_a_fresh_run_gives_the_same_page(page: Path) -> None:
    for package in ("torch", "onnx"):
        pytest.importorskip(
            package, reason='needs torch and onnx: pip install "lstm-export[export]"'
        )
    if not shutil.which("cc"):
        pytest.skip("needs a C compiler: apt-get install gcc")
    text = page.read_text(encoding="utf-8")
    assert pages.masked(pages.filled(page)) == pages.masked(text), AGAIN


@pytest.mark.skipif(
    f"typer=={version('typer')} " not in CONSTRAINTS,
    reason="other versions of typer lay help texts out in another way",
)
@pytest.mark.parametrize("page", pages_with("help", "table"), ids=name)
def test_tables_and_help_texts_are_those_of_the_code(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert pages.masked(pages.with_generated_parts(page)) == pages.masked(text), AGAIN


def test_a_changed_word_or_verdict_would_be_seen() -> None:
    text = pages.README.read_text(encoding="utf-8")
    for old, new in (
        ("passed", "failed"),
        ("13 of 13", "12 of 13"),
        ("bit for bit the model", "unknown"),
    ):
        assert pages.masked(re.sub(old, new, text, count=1)) != pages.masked(text)


@pytest.mark.parametrize("page", pages.all_pages(), ids=name)
def test_every_block_is_run_or_says_why_not(page: Path) -> None:
    assert pages.unmarked(page.read_text(encoding="utf-8")) == []


def test_few_blocks_are_not_run() -> None:
    reasons = re.compile(r"^<!-- (?:not run|run by hand)\b.*-->$", re.MULTILINE)
    found = [
        (name(page), reason)
        for page in pages.all_pages()
        for reason in reasons.findall(page.read_text(encoding="utf-8"))
    ]
    assert len(found) <= 20, found  # benchmarks, installs, and what needs a second machine


def test_the_readme_is_short() -> None:
    assert len(pages.README.read_text(encoding="utf-8").splitlines()) <= 150


def test_every_command_and_every_target_has_its_page() -> None:
    shown = {page.stem for page in (page_tables.DOCS / "commands").glob("*.md")} - {"index"}
    assert shown == set(page_tables.commands()) >= set(targets.names()), AGAIN


def test_the_navigation_shows_every_page() -> None:
    assert page_tables.MKDOCS.read_text(encoding="utf-8") == page_tables.navigation(), AGAIN


@pytest.mark.parametrize("page", pages_with("tested"), ids=name)
def test_the_tests_that_a_page_names_are_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for test in re.findall(r"<!-- tested: (.+?) -->", text):
        assert page.name in (pages.ROOT / test).read_text(encoding="utf-8")


PLACES = ("lstm_export", "scripts", "tests", "docs", "findings")


@pytest.mark.parametrize("page", pages.all_pages(), ids=name)
def test_the_files_that_a_page_names_are_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = re.findall(rf"`((?:{'|'.join(PLACES)})/[\w./-]*)`", text)
    made = re.findall(r"<!-- new: (.+?) -->", text)
    gone = {path for path in named if not (pages.ROOT / path).exists()} - set(made)
    assert not gone


def test_the_links_of_the_readme_lead_somewhere() -> None:
    """The site's generator looks at the links of all other pages."""
    text = pages.README.read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!https?:)([^)#]+)", text)
    assert links
    assert [link for link in links if not (pages.ROOT / link).exists()] == []


def test_a_script_replaces_its_own_block(tmp_path: Path) -> None:
    mark = "<!-- figures, by scripts/bench/made.py -->"
    page = tmp_path / "page.md"
    page.write_text(f"Before.\n{mark}\nold\n<!-- end of figures -->\nAfter.\n", encoding="utf-8")
    write_block(page, "figures", [r"| \1 |", "new"])
    text = page.read_text(encoding="utf-8")
    assert text == f"Before.\n{mark}\n| \\1 |\nnew\n<!-- end of figures -->\nAfter.\n"
    with pytest.raises(SystemExit, match="has 0 blocks <!-- figure, by"):
        write_block(page, "figure", [])
