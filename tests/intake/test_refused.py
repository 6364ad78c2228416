"""Bad files: one sentence each, soon, in little memory, and nothing that they hold is run or imported."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from lstm_export.errors import LstmExportError
from lstm_export.intake import read_contents
from tests.intake.bad_files import CASES


@pytest.mark.parametrize("what", CASES)
def test_every_bad_file_gets_its_sentence(what: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    make, message = CASES[what]
    path = tmp_path / "model.pt"
    path.write_bytes(make())
    before = set(sys.modules)
    with pytest.raises(LstmExportError, match=message) as caught:
        read_contents(path)
    text = str(caught.value)
    assert text.startswith(f"{path}: ")
    assert "\n" not in text
    assert text.isascii()
    assert len(text) < 600
    assert "ran" not in capfd.readouterr().out
    foreign = {name for name in set(sys.modules) - before if not name.startswith(("onnx", "google", "lstm_export"))}
    assert not {name.partition(".")[0] for name in foreign} - sys.stdlib_module_names - {"ml_dtypes"}
