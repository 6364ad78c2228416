"""Every command that writes a file, stopped at every moment: the old file is there or the new one.

What was left goes at the next write. A full disk loses nothing, and a missing folder is said first.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from lstm_export.chains import Checkpoint, write_checkpoint
from lstm_export.cli import app
from lstm_export.files import replacing, replacing_folder, write_bytes
from tests.kit.builders import redrawn
from tests.kit.chains import CHAINS

for package in ("torch", "onnx", "onnxruntime", "cryptography"):
    pytest.importorskip(package, reason='needs: pip install "lstm-export[all]"')
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and limits of POSIX")

KEYS = Path(__file__).parent / "golden" / "keys"
MODEL = CHAINS["smallest"]
OLD = b"the old file"
Files = dict[str, bytes]

# A command's arguments, where IN is the folder of inputs and OUT the file that it writes.
WRITERS = {
    "onnx": "onnx IN/model.pt -o OUT",
    "onnx-stream": "onnx-stream IN/model.pt -o OUT",
    "numpy": "numpy IN/model.pt -o OUT",
    "package": "package IN/model.pt -t onnx -o OUT",
    "package --sign": f"package IN/model.pt -t onnx -o OUT --sign {KEYS}/minisign.key",
    "sign": f"sign OUT --key {KEYS}/minisign.key",
    "sbom": "sbom IN/model.bundle -o OUT",
    "run, csv": "run IN/model.bundle IN/x.npy -o OUT.csv",
    "run, npy": "run IN/model.bundle IN/x.npy -o OUT.npy",
    "state": "run IN/model.bundle - --stream --mode state --state OUT",
    "failing": "verify IN/model.onnx IN/other.pt --failing OUT",
    "html": "verify IN/model.onnx IN/model.pt --html OUT",
    "junit": "verify IN/model.onnx IN/model.pt --junit OUT",
    "train": "train IN/table.csv --target x0 --window 3 --hidden-size 2 --epochs 1 -o OUT",
    "train --report": (
        "train IN/table.csv --target x0 --window 3 --hidden-size 2 --epochs 1 -o IN/t.pt "
        "--report OUT"
    ),
}
# OUT is there before, and is no output: the signature beside it is.
BESIDE = {"sign": ".minisig", "run, csv": ".csv", "run, npy": ".npy"}
READ_FIRST = ("sign", "state")  # what these find at OUT is read


def run(command: str, inputs: Path, output: Path) -> Result:
    words = [
        word.replace("IN/", f"{inputs}/").replace("OUT", str(output)) for word in command.split()
    ]
    return CliRunner().invoke(app, words, input="x0\n0.5\n0.25\n")


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("inputs")
    write_checkpoint(folder / "model.pt", Checkpoint(MODEL))
    write_checkpoint(folder / "other.pt", Checkpoint(redrawn(MODEL)))
    size = MODEL.signature.input_size
    values = np.random.default_rng(0).normal(size=(40, size)).astype(np.float32)
    np.save(folder / "x.npy", values)
    header = ",".join(f"x{index}" for index in range(size))
    np.savetxt(folder / "table.csv", values, delimiter=",", header=header, comments="")
    for command in (
        "onnx IN/model.pt -o IN/model.onnx",
        "package IN/model.pt -t onnx -t onnx-stream -o IN/model.bundle",
    ):
        assert run(command, folder, folder).exit_code == 0
    return folder


def prepared(name: str, inputs: Path, folder: Path) -> tuple[Path, Path]:
    """What OUT stands for, and the file that is written, with its old contents."""
    output = folder / "result"
    written = Path(f"{output}{BESIDE.get(name, '')}")
    if name == "sign":
        shutil.copy(inputs / "model.bundle", output)
    if name not in READ_FIRST or written != output:
        written.write_bytes(OLD)
    return output, written


def contents(folder: Path) -> Files:
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            found[str(path.relative_to(folder))] = path.read_bytes()
    return found


class Moments:
    """What lies in a folder before every system call of Python, as a kill there leaves it.

    Files are opened, renamed and removed by calls that raise audit events; bytes are written
    between those, into files that were opened.
    """

    def __init__(self) -> None:
        self.folder: Path | None = None
        self.seen: list[Files] = []
        self.opened: set[str] = set()
        sys.addaudithook(self.look)

    def look(self, event: str, arguments: tuple[object, ...]) -> None:
        folder = self.folder
        if folder is None or not event.startswith(("open", "os.", "shutil.", "tempfile.")):
            return
        self.folder = None  # to look is no event
        try:
            if event == "open" and isinstance(arguments[2], int) and arguments[2] & os.O_ACCMODE:
                self.opened.add(str(arguments[0]))
            now = contents(folder)
            if not self.seen or self.seen[-1] != now:
                self.seen.append(now)
        finally:
            self.folder = folder

    @contextmanager
    def of(self, folder: Path) -> Iterator[None]:
        self.seen = []
        self.opened = set()
        self.folder = folder
        try:
            yield
        finally:
            self.folder = None
            self.seen.append(contents(folder))


@pytest.fixture(scope="module")
def moments() -> Moments:
    return Moments()


@pytest.mark.parametrize("name", WRITERS)
def test_stopped_at_any_moment(name: str, inputs: Path, tmp_path: Path, moments: Moments) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    output, written = prepared(name, inputs, folder)
    others = set(contents(folder)) | {"result.minisig"}
    with moments.of(folder):
        done = run(WRITERS[name], inputs, output)
    assert done.exit_code == (name == "failing"), done.output
    new = written.read_bytes()
    assert new != OLD
    opened = {Path(path).name for path in moments.opened if Path(path).parent == folder}
    assert all(path.endswith(".partial") for path in opened), opened
    assert len(moments.seen) > 3
    for number, moment in enumerate(moments.seen):
        before = moment.get(written.name, OLD if name in READ_FIRST else b"none")
        assert before in (OLD, new)
        left = tmp_path / f"killed{number}"
        left.mkdir()
        for path, data in moment.items():
            (left / path).parent.mkdir(exist_ok=True)
            (left / path).write_bytes(data)
        write_bytes(left / written.name, b"the next")
        assert set(contents(left)) <= others | {written.name}


@contextmanager
def full_disk(size_bytes: int) -> Iterator[None]:
    """No file can grow beyond a size: every write beyond it fails, as on a disk that is full."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)


def check_refused(done: Result) -> None:
    assert done.exit_code == 1, done.output
    assert done.exception is None or isinstance(done.exception, SystemExit)
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert "cannot write" in line


@pytest.mark.parametrize("name", WRITERS)
def test_a_full_disk_loses_nothing(name: str, inputs: Path, tmp_path: Path) -> None:
    output, _ = prepared(name, inputs, tmp_path)
    before = contents(tmp_path)
    with full_disk(20):
        done = run(WRITERS[name], inputs, output)
    check_refused(done)
    assert contents(tmp_path) == before
    assert "File too large" in done.stderr
    assert ".partial" not in done.stderr  # what the user named is named


@pytest.mark.parametrize("name", [name for name in WRITERS if name != "sign"])
def test_a_folder_that_is_not_there_is_said_before_any_work(name: str, inputs: Path) -> None:
    done = run(WRITERS[name], inputs, inputs / "absent" / "result")
    check_refused(done)
    assert "does not exist; create it first" in done.stderr


@pytest.mark.parametrize("name", WRITERS)
def test_a_read_only_folder_is_said_before_any_work(
    name: str, inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the system answers is simulated: root, as which tests often run, may write anywhere."""

    def refuse(**_: object) -> None:
        raise PermissionError(13, "Permission denied")

    output, _ = prepared(name, inputs, tmp_path)
    before = contents(tmp_path)
    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    done = run(WRITERS[name], inputs, output)
    check_refused(done)
    assert "(Permission denied); choose another folder" in done.stderr
    assert contents(tmp_path) == before


def nested(path: Path) -> None:
    """As an export writes: to a temporary file, which is a name as any other."""
    with replacing(path) as partial:
        write_bytes(partial, b"new" * 1000)


def folder_of(path: Path, data: bytes) -> None:
    with replacing_folder(path, lambda _: True) as new:
        (new / "a").write_bytes(data)
        (new / "b").write_bytes(data)


FILE: dict[str, Callable[[Path], None]] = {
    "a file": lambda path: write_bytes(path, b"new" * 1000),
    "a file inside another": nested,
    "a folder": lambda path: folder_of(path, b"new"),
}


def killed_at(moment: int, write: Callable[[Path], None], path: Path) -> bool:
    """Run a writer in a child that is killed before its n-th call; whether it came so far."""
    child = os.fork()
    if child == 0:
        count = 0

        def kill(event: str, _: tuple[object, ...]) -> None:
            nonlocal count
            if event.startswith(("open", "os.", "shutil.", "tempfile.", "fcntl.")):
                count += 1
                if count == moment:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(kill)
        write(path)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("kind", FILE)
def test_killed_before_every_call(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "result"
    write = FILE[kind]
    is_folder = kind == "a folder"
    old: Files = {"result/a": b"old", "result/b": b"old"} if is_folder else {"result": b"old"}
    new: Files = {}
    moment = 0
    while True:
        moment += 1
        folder_of(path, b"old") if is_folder else write_bytes(path, b"old")
        assert contents(tmp_path) == old  # what the last one left is gone
        if not killed_at(moment, write, path):
            break
        found = contents(tmp_path)
        whole = {name: data for name, data in found.items() if ".partial" not in name}
        hidden = {name: data for name, data in found.items() if name not in whole}
        if whole:
            new = whole if whole != old else new
            assert whole == old or set(whole.values()) <= {b"new", b"new" * 1000}
            assert set(whole) == set(old)
        else:  # between the two renames of a folder: the old one is kept, and put back
            assert is_folder
            assert sorted(hidden.values()) == [b"new", b"new", b"old", b"old"]
    assert moment > 8
    assert new
