"""Full disks, odd variables, stripped Python, files that are no arrays: one line, no traceback."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from lstm_export.cli import app
from lstm_export.targets.c.host import compiler
from tests.kit.builders import drawn
from tests.kit.chains import CHAINS

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
BUNDLE = GOLDEN / "seed-v1.bundle"
FULL = Path("/dev/full")
X = drawn(CHAINS["seed"], 1, 5)[0]


def said(
    *arguments: str | Path, python: tuple[str, ...] = (), stdout: int | None = None, **env: str
) -> str:
    """What a command that fails says on stderr: one line."""
    done = subprocess.run(
        [sys.executable, *python, "-m", "lstm_export", *map(str, arguments)],
        stdout=subprocess.DEVNULL if stdout is None else stdout,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        env={**os.environ, **env},
    )
    assert done.returncode == 1, done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    return line


@pytest.fixture
def array(tmp_path: Path) -> Path:
    np.save(tmp_path / "x.npy", X)
    return tmp_path / "x.npy"


@pytest.mark.parametrize("engine", [(), ("--engine", "numpy")], ids=["run", "numpy"])
@pytest.mark.skipif(not FULL.exists(), reason="this system has no device that is always full")
def test_a_full_standard_output(engine: tuple[str, ...], array: Path) -> None:
    with FULL.open("wb") as full:
        line = said("run", BUNDLE, array, *engine, stdout=full.fileno())
    assert line == "error: standard output is on a full disk; free some space"


@pytest.mark.skipif(sys.platform == "win32", reason="closes it by a shell's means")
def test_a_closed_standard_output_is_one_that_nobody_reads(array: Path) -> None:
    command = f'"{sys.executable}" -m lstm_export run "{BUNDLE}" "{array}" >&-'
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "predictions of" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")
def test_a_full_cache_of_compiled_models(array: Path) -> None:
    command = (
        f'ulimit -f 8; exec "{sys.executable}" -m lstm_export run "{BUNDLE}" "{array}" --engine c'
    )
    env = {**os.environ, "XDG_CACHE_HOME": str(array.parent)}
    done = subprocess.run(
        ["/bin/sh", "-c", command], capture_output=True, text=True, check=False, env=env
    )
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "File too large; free some space there, or name another folder in XDG_CACHE_HOME" in line
    assert not list((array.parent / "lstm-export" / "c").iterdir())


@pytest.mark.parametrize("variable", ["CC", "CFLAGS"])
def test_a_quotation_without_an_end(variable: str, array: Path) -> None:
    line = said("run", BUNDLE, array, "--engine", "c", **{variable: "'gcc"})
    assert f'{variable} is "\'gcc": No closing quotation; mend or unset it' in line


def test_a_blank_compiler_is_none_that_was_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CC", raising=False)
    default = compiler.unavailable() or compiler.compiler()
    monkeypatch.setenv("CC", "  ")
    assert (compiler.unavailable() or compiler.compiler()) == default


def test_python_without_docstrings(array: Path) -> None:
    command = [sys.executable, "-OO", "-m", "lstm_export", "run", str(BUNDLE), str(array)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    plain = [sys.executable, *command[2:]]
    expected = subprocess.run(plain, capture_output=True, text=True, check=True)
    assert done.stdout == expected.stdout


def test_a_name_that_no_system_takes(array: Path) -> None:
    assert "File name too long" in said("run", "b" * 300, array)


def test_half_of_a_zip_is_no_array(tmp_path: Path) -> None:
    archive = io.BytesIO()
    np.savez(archive, x=X)
    (tmp_path / "x.npy").write_bytes(archive.getvalue()[:60])
    assert "is no .npy array of numbers" in said("run", BUNDLE, tmp_path / "x.npy")


# Commands that write OUT, and commands that read IN, each beside good files.
WRITES = (
    "run BUNDLE ARRAY -o OUT",
    "sbom BUNDLE -o OUT",
    "verify BUNDLE --junit OUT",
    "verify BUNDLE --html OUT",
    "run BUNDLE - --stream --mode window --window 5 --state OUT",
)
READS = (
    "verify IN",
    "verify BUNDLE IN",
    "verify BUNDLE --key IN",
    "run IN ARRAY",
    "run BUNDLE IN",
    "bench IN",
    "diff IN BUNDLE",
    "diff BUNDLE IN",
    "inspect IN",
    "sbom IN",
    "sign IN --key GOLDEN/keys/minisign.key",
    "sign BUNDLE --key IN",
    "package IN",
    "onnx IN",
    "fleet verify IN",
    "train IN.csv --target v -o model.pt",
    "train IN.parquet --target v -o model.pt",
    "fleet IN.csv -o bundles",
)
# What stands at a path that is no file.
ODD = {
    "the root": "/",
    "this folder": ".",
    "a loop of links": "loop",
    "a long name": "n" * 300,
    "a long name in a folder": f"{'n' * 300}/m",
}
FOLDERS = ("the root", "this folder")


def refused(command: str, path: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The one line of a command that is given an odd path."""
    monkeypatch.chdir(folder)
    Path("loop").symlink_to("loop")
    np.save("x.npy", X)
    before = sorted(Path().iterdir())
    for word, what in {"BUNDLE": BUNDLE, "GOLDEN": GOLDEN, "ARRAY": "x.npy"}.items():
        command = command.replace(word, str(what))
    words = [word.replace("OUT", path).replace("IN", path) for word in command.split()]
    done = CliRunner().invoke(app, words)
    assert isinstance(done.exception, SystemExit), done.exception
    assert done.exit_code == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert ";" in line, "no next step"
    assert path[:3] in line, "told of another path"
    assert sorted(Path().iterdir()) == before
    return line


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")
@pytest.mark.parametrize(
    ("command", "odd"),
    [
        (command, odd)
        for command in (*WRITES, *READS)
        for odd in ODD
        if command != "run BUNDLE IN" or odd not in FOLDERS  # which it answers table by table
    ],
)
def test_a_path_that_names_no_file(
    command: str, odd: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(refused(command, ODD[odd], tmp_path, monkeypatch)) < 1000
