"""Files that are written: the old one or the new one, whole, and never what is no plain file."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import lstm_export
from lstm_export.errors import InputError

pytest.importorskip("torch", reason='needs torch: pip install "lstm-export[export]"')
pytest.importorskip("onnx", reason='needs onnx: pip install "lstm-export[export]"')


def listing(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_full_disk_keeps_the_old_file(
    seed_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = seed_checkpoint.with_suffix(".onnx")
    output.write_bytes(b"the old file")

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match=r"cannot write .*No space left"):
        lstm_export.export(seed_checkpoint, "onnx")
    assert output.read_bytes() == b"the old file"
    assert listing(output.parent) == ["model.onnx", "model.pt"]


@pytest.mark.skipif(os.name == "nt", reason="signals differ on Windows")
def test_killed_while_writing_keeps_the_old_file(tmp_path: Path) -> None:
    output = tmp_path / "model.onnx"
    output.write_bytes(b"the old file")
    program = (
        "import sys, time; from pathlib import Path; from lstm_export.files import replacing\n"
        "with replacing(Path(sys.argv[1])) as partial:\n"
        "    partial.write_bytes(b'half'); print('writing', flush=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", program, str(output)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"writing\n"
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=30)
    process.stdout.close()
    assert output.read_bytes() == b"the old file"


def test_a_read_only_folder_is_refused(
    seed_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the system answers is simulated: root, as which tests often run, may write anywhere."""

    def refuse(**_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    with pytest.raises(
        InputError,
        match=r"no file can be made in the folder .* \(Permission denied\); choose another",
    ):
        lstm_export.export(seed_checkpoint, "onnx")
    assert listing(seed_checkpoint.parent) == ["model.pt"]


@pytest.mark.skipif(os.name == "nt", reason="pipes differ on Windows")
def test_a_pipe_or_device_is_never_replaced(seed_checkpoint: Path) -> None:
    pipe = seed_checkpoint.parent / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(InputError, match="it is a device or a pipe"):
        lstm_export.export(seed_checkpoint, "onnx", pipe)
    assert pipe.is_fifo()


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_a_link_stays_and_its_file_is_replaced(seed_checkpoint: Path) -> None:
    (seed_checkpoint.parent / "link").symlink_to("real.onnx")
    lstm_export.export(seed_checkpoint, "onnx", seed_checkpoint.parent / "link")
    assert (seed_checkpoint.parent / "link").is_symlink()
    assert listing(seed_checkpoint.parent) == ["link", "model.pt", "real.onnx"]


@pytest.mark.skipif(os.name == "nt", reason="modes differ on Windows")
def test_a_private_file_stays_private(seed_checkpoint: Path) -> None:
    output = seed_checkpoint.with_suffix(".onnx")
    output.touch(mode=0o600)
    lstm_export.export(seed_checkpoint, "onnx")
    assert output.stat().st_mode & 0o777 == 0o600


def test_a_name_that_is_too_long_is_refused_in_words(seed_checkpoint: Path) -> None:
    with pytest.raises(InputError, match="cannot write"):
        lstm_export.export(seed_checkpoint, "onnx", seed_checkpoint.parent / ("x" * 300))
