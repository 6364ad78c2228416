"""A target is one file: command, verification, bundles, benchmark and docs find it by themselves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason='needs torch: pip install "lstm-export[export]"')

TARGET = '''"""Export to an archive of arrays, for NumPy."""

import io
import json

import numpy as np

from lstm_export.model import Model, Signature, forward

suffix = ".toy"
extra = "export"
needs = ""


def export(model, path, *, compress: bool = False):
    """Write the arrays, and the chain beside them.

    Args:
        compress: Make the file smaller.
    """
    record = json.dumps({"chain": model.chain_record(), "signature": model.signature.to_record()})
    save = np.savez_compressed if compress else np.savez
    with open(path, "wb") as file:
        save(file, toy=np.frombuffer(record.encode(), np.uint8), **model.arrays)


def read(data):
    arrays = dict(np.load(io.BytesIO(data)))
    record = json.loads(arrays.pop("toy").tobytes())
    return Model.from_record(record["chain"], arrays, Signature.from_record(record["signature"]))


class Runner:
    def __init__(self, model):
        self.model = model
        self.signature = model.signature

    def __call__(self, x):
        return forward(self.model, x).y.astype(np.float32)


def load(data, providers=()):
    return Runner(read(data))


def recognises(data):
    return b"toy.npy" in data[:100]
'''
# Python imports a file of this name at its start: every process then finds the file above among the targets.
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
    root = Path(__file__).parents[2]
    path = os.pathsep.join([str(site), str(root)])

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
