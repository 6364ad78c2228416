"""The examples in docstrings are run."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

import lstm_export

ROOT = Path(lstm_export.__file__).parent
WITH_EXAMPLES = [
    path for path in sorted(ROOT.rglob("*.py")) if ">>> " in path.read_text(encoding="utf-8")
]


@pytest.mark.parametrize("path", WITH_EXAMPLES, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_examples_of_a_docstring_give_what_they_show(path: Path) -> None:
    name = ".".join(["lstm_export", *path.relative_to(ROOT).with_suffix("").parts])
    result = doctest.testmod(importlib.import_module(name))
    assert result.attempted
    assert not result.failed
