"""The README shows what really happens: every block of it is run again and compared."""

from __future__ import annotations

import importlib.util
import re
import shutil
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def make_readme() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_readme", ROOT / "scripts" / "make_readme.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.skipif(sys.platform == "win32", reason="the README's commands are for a POSIX shell")
def test_a_fresh_run_gives_the_same_readme(make_readme: ModuleType) -> None:
    for package in ("torch", "onnx"):
        pytest.importorskip(package, reason='needs torch and onnx: pip install "lstm-export[export]"')
    if not shutil.which("cc"):
        pytest.skip("needs a C compiler: apt-get install gcc")
    text = make_readme.README.read_text(encoding="utf-8")
    assert make_readme.masked(make_readme.filled(text)) == make_readme.masked(text)


def test_a_changed_word_or_verdict_would_be_seen(make_readme: ModuleType) -> None:
    text = make_readme.README.read_text(encoding="utf-8")
    for old, new in (("passed", "failed"), ("13 of 13", "12 of 13"), ("bit for bit the model", "unknown")):
        assert make_readme.masked(re.sub(old, new, text, count=1)) != make_readme.masked(text)


def test_every_file_and_target_has_its_line(make_readme: ModuleType) -> None:
    for page, rows in ((make_readme.README, make_readme.target_rows()), (make_readme.HOUSE, make_readme.file_rows())):
        text = page.read_text(encoding="utf-8")
        for row in rows:
            assert row in text, "run: python scripts/make_readme.py"
