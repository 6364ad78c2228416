"""The README shows what really happens: every block of it is run again and compared."""

from __future__ import annotations

import re
import shutil
import sys

import pytest

from tests.kit import pages


@pytest.mark.skipif(sys.platform == "win32", reason="the README's commands are for a POSIX shell")
def test_a_fresh_run_gives_the_same_readme() -> None:
    for package in ("torch", "onnx"):
        pytest.importorskip(
            package, reason='needs torch and onnx: pip install "lstm-export[export]"'
        )
    if not shutil.which("cc"):
        pytest.skip("needs a C compiler: apt-get install gcc")
    text = pages.README.read_text(encoding="utf-8")
    assert pages.masked(pages.filled(text)) == pages.masked(text)


def test_a_changed_word_or_verdict_would_be_seen() -> None:
    text = pages.README.read_text(encoding="utf-8")
    for old, new in (
        ("passed", "failed"),
        ("13 of 13", "12 of 13"),
        ("bit for bit the model", "unknown"),
    ):
        assert pages.masked(re.sub(old, new, text, count=1)) != pages.masked(text)


def test_every_file_and_target_has_its_line() -> None:
    for page, rows in ((pages.README, pages.target_rows()), (pages.HOUSE, pages.file_rows())):
        text = page.read_text(encoding="utf-8")
        for row in rows:
            assert row in text, "run: python -m scripts.docs.make_readme"
