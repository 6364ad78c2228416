"""Files are written whole or not at all, what killed processes left goes, and every read ends."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lstm_export.errors import InputError
from lstm_export.files import read_bytes, replacing, replacing_folder, write_bytes

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="there are no such locks on Windows")


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    write_bytes(path, b"old")
    with pytest.raises(ZeroDivisionError), replacing(path) as partial:
        partial.write_bytes(b"new")
        raise ZeroDivisionError
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == {"a.bin": b"old"}


def killed_while_writing(path: Path, kind: str) -> None:
    """Write `path` in a process of its own that is killed in the middle."""
    code = (
        "import os, signal, sys; from pathlib import Path; from lstm_export import files\n"
        f"with files.{kind} as partial:\n"
        "    (partial / 'x' if partial.is_dir() else partial).write_bytes(b'half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert done.returncode == -signal.SIGKILL


@POSIX
@pytest.mark.parametrize("name", ["a.bin", "a[1]?*.bin"])
def test_what_a_killed_process_left_goes_at_the_next_write(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    (tmp_path / ".b.bin.x.partial").write_bytes(b"of another file")
    killed_while_writing(path, "replacing(Path(sys.argv[1]))")
    assert len(list(tmp_path.iterdir())) == 2
    write_bytes(path, b"new")
    assert sorted(file.name for file in tmp_path.iterdir()) == [".b.bin.x.partial", name]
    assert path.read_bytes() == b"new"


@POSIX
def test_what_a_killed_process_left_of_a_folder_goes_too(tmp_path: Path) -> None:
    path = tmp_path / "model_c"
    killed_while_writing(path, "replacing_folder(Path(sys.argv[1]), lambda path: True)")
    (left,) = tmp_path.iterdir()
    old = left / "old"  # as if it had been killed between its two renames
    old.mkdir()
    (old / "model.c").write_bytes(b"old")
    with replacing_folder(path, lambda path: True) as new:
        assert (path / "model.c").read_bytes() == b"old"
        (new / "model.c").write_bytes(b"new")
    assert [file.name for file in tmp_path.iterdir()] == ["model_c"]
    assert (path / "model.c").read_bytes() == b"new"


@POSIX
def test_a_file_that_somebody_writes_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    with replacing(path) as first:
        first.write_bytes(b"first")
        write_bytes(path, b"second")
        assert first.exists()
    assert path.read_bytes() == b"first"
    assert [file.name for file in tmp_path.iterdir()] == ["a.bin"]


def test_a_read_ends(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"1234")
    assert read_bytes(path, "a file", 4) == b"1234"
    with pytest.raises(
        InputError, match="more than 3 bytes, the most that is allowed; name a file"
    ):
        read_bytes(path, "a file", 3)


@POSIX
def test_a_source_without_an_end_is_refused() -> None:
    with pytest.raises(InputError, match="/dev/zero has more than 1,000 bytes"):
        read_bytes(Path("/dev/zero"), "a file", 1000)
