"""The target of docs/house.md is one file: commands, bundles, benchmark and docs find it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.kit.pages import DIRECTIVE, ROOT

pytest.importorskip("torch", reason='needs torch: pip install "lstm-export[export]"')

PAGE = ROOT / "docs" / "house.md"
(TARGET,) = (
    match["content"]
    for match in DIRECTIVE.finditer(PAGE.read_text(encoding="utf-8"))
    if match["value"] == "lstm_export/targets/toy.py"
)
# Python imports a file of this name at its start: every process then finds the file above among the
# targets.
SITE = """
from lstm_export import targets
targets.__path__.append({folder!r})
"""
Command = Callable[..., str]


@pytest.fixture
def command(tmp_path: Path) -> Command:
    """Runs Python with the toy target there, in the folder of `model.pt`; gives what it printed."""
    folder = tmp_path / "targets"
    folder.mkdir()
    (folder / "toy.py").write_text(TARGET, encoding="utf-8")
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(SITE.format(folder=str(folder)), encoding="utf-8")
    path = os.pathsep.join([str(site), str(ROOT)])

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-W", "ignore", *arguments],
            cwd=tmp_path,
            env={**os.environ, "COLUMNS": "100", "PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_one_file_is_found_by_everything(
    command: Command, seed_checkpoint: Path, tmp_path: Path
) -> None:
    def lstm_export(*arguments: str) -> str:
        return command("-m", "lstm_export", *arguments)

    assert "Export to an archive of arrays, for NumPy." in lstm_export("--help")
    assert "--compress" in lstm_export("toy", "--help")
    assert "wrote model.toy" in lstm_export("toy", "model.pt", "--compress")
    verified = lstm_export("verify", "model.toy", "model.pt")
    assert "bit for bit" in verified  # it is read back by the law of targets
    assert "toy: passed on 13 of 13 golden sets" in verified
    lstm_export("package", "model.pt", "-t", "toy", "-o", "m.bundle")
    assert "toy: passed" in lstm_export("verify", "m.bundle")
    np.save(tmp_path / "x.npy", np.zeros((2, 5, 10), np.float32))
    assert len(lstm_export("run", "m.bundle", "x.npy", "--engine", "toy").splitlines()) == 3
    bench = ["bench", "m.bundle", "--seconds", "0.01", "--engine", "toy", "--json"]
    (engine,) = json.loads(lstm_export(*bench))["engines"]
    assert engine["target"] == "toy"
    assert "toy:" in lstm_export("doctor")


def test_the_docs_list_it(command: Command) -> None:
    program = (
        "from tests.kit.page_tables import ROOT, rows; print(*rows('targets', ROOT / 'README.md'))"
    )
    assert "Export to an archive of arrays, for NumPy |" in command("-c", program)
