"""Every program under scripts/ says what it does when it is asked, and does nothing else then."""

from __future__ import annotations

import ast
import runpy
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = sorted((ROOT / "scripts").rglob("*.py"))


def test_help_says_what_a_program_does(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """All in this process, which imports what they need but once."""
    pytest.importorskip("torch", reason='needs torch: pip install "lstm-export[export]"')
    for path in SCRIPTS:
        text = path.read_text(encoding="utf-8")
        if "__main__" not in text:
            continue
        assert "parse_args()" in text, f"{path} takes no options: it would begin its work here"
        monkeypatch.setattr(sys, "argv", [path.name, "--help"])
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(str(path), run_name="__main__")
        told = capsys.readouterr().out
        assert not ended.value.code, path
        first_line = (ast.get_docstring(ast.parse(text)) or "").splitlines()[0]
        assert first_line in " ".join(told.split()), path
