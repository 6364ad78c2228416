"""Bad files: a sentence each, soon, in little memory; nothing in them is run or imported."""

from __future__ import annotations

import functools
import os
import pickle
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from lstm_export.errors import CheckpointError, LstmExportError
from lstm_export.reading import read_contents
from tests.kit import refused_page
from tests.kit.bad_files import CASES
from tests.kit.checkpoint_files import model, old, saved


@functools.cache
def made(what: str) -> bytes:
    return CASES[what][0]()


@functools.cache
def said(what: str) -> str:
    """The sentence for a file, read in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.pt"
        path.write_bytes(made(what))
        with pytest.raises(LstmExportError) as caught:
            read_contents(path)
        text = str(caught.value)
        assert text.startswith(f"{path}: ")
        return text.removeprefix(f"{path}: ")


@pytest.mark.parametrize("what", CASES)
def test_every_bad_file_gets_its_sentence(what: str) -> None:
    text = said(what)
    assert re.search(CASES[what][1], text), text
    assert "\n" not in text
    assert text.isascii()
    assert len(text) < 400


def test_the_documentation_shows_the_sentences_as_they_are() -> None:
    shown = refused_page.PAGE.read_text(encoding="utf-8")
    assert shown == refused_page.page(said), "run: python -m scripts.docs.make_refused"


@pytest.mark.parametrize("save", [saved, old, pickle.dumps])
def test_a_module_of_torch_itself_is_not_opened(save: Any, tmp_path: Path) -> None:
    (tmp_path / "m.pt").write_bytes(save(model()))
    pickled = r"whole pickled module \(tests.kit.checkpoint_files.LSTMModel\); opening"
    with pytest.raises(CheckpointError, match=pickled):
        read_contents(tmp_path / "m.pt")


# Nothing but this package, numpy and the standard library is imported, and nothing that the files
# hold is run.
READ_ALL = """
import sys
sys.modules["torch"] = sys.modules["onnx"] = None  # importing them fails
from pathlib import Path
from lstm_export.errors import LstmExportError
from lstm_export.reading import read_contents
def megabytes():  # the peak of this program alone, where the system tells it
    status = Path("/proc/self/status")
    if not status.exists():
        return 0
    return int(status.read_text().partition("VmHWM:")[2].split()[0]) / 1024
modules, before = set(sys.modules), megabytes()
for path in sorted(Path(sys.argv[1]).iterdir()):
    try:
        read_contents(path)
    except LstmExportError:
        continue
    print(path, "was read")
new = {name.partition(".")[0] for name in set(sys.modules) - modules}
print("imported", sorted(new - {"lstm_export", "numpy"} - sys.stdlib_module_names))
print("takes less than 200 MB:", megabytes() - before < 200)
"""


def test_refusing_takes_neither_torch_nor_memory_and_runs_nothing(tmp_path: Path) -> None:
    for index, what in enumerate(CASES):
        (tmp_path / f"{index}.pt").write_bytes(made(what))
    done = subprocess.run(
        [sys.executable, "-c", READ_ALL, tmp_path], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("imported []\ntakes less than 200 MB: True\n", "")


FOLDERS = {
    ".": "a folder; name a checkpoint",
    "saved_model.pb": "TensorFlow SavedModel",
    ".metadata": "distributed checkpoint; make one file",
    "data.pkl": "unpacked checkpoint",
}


@pytest.mark.parametrize("inside", FOLDERS)
def test_folders_are_named(inside: str, tmp_path: Path) -> None:
    if inside != ".":
        (tmp_path / inside).write_bytes(b"")
    with pytest.raises(CheckpointError, match=FOLDERS[inside]):
        read_contents(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes: run on Linux or macOS")
def test_pipes_are_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "m.pt")
    with pytest.raises(CheckpointError, match="a device or a pipe"):
        read_contents(tmp_path / "m.pt")


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="No such file"):
        read_contents(tmp_path / "m.pt")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork: run on Linux or macOS")
def test_forged_files_end_in_a_model_or_a_sentence() -> None:
    fuzz = [sys.executable, "-m", "scripts.study.fuzz_checkpoints", "--count", "200"]
    done = subprocess.run([*fuzz, "--seed", "7"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "200 files" in done.stdout
