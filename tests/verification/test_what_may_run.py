"""Nothing in a file is compiled, loaded or run without the user's permission."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import lstm_export
from lstm_export import targets
from lstm_export.bundle import Artifact, make_bundle, write_bundle
from lstm_export.chains import Checkpoint, write_checkpoint
from lstm_export.cli import app
from lstm_export.errors import InputError
from lstm_export.model import Model
from lstm_export.parity import golden_sets
from tests.kit.chains import CHAINS

pytest.importorskip("torch", reason='needs torch: pip install "lstm-export[export]"')
pytest.importorskip("onnx", reason='needs onnx: pip install "lstm-export[export]"')

CODE = [name for name in targets.names() if isinstance(targets.get(name), targets.RunsCode)]
if sys.version_info >= (3, 14):
    CODE.remove("torchscript")  # torch has none there
MODEL = CHAINS["smallest"]


class Opened(Exception):
    """Raised in place of opening an artifact whose opening runs code."""


@pytest.fixture(params=CODE)
def target(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A target whose artifacts are code, every way into which says so instead of running it."""
    name: str = request.param
    module = targets.get(name)

    def opened(*_: object, **__: object) -> None:
        raise Opened(name)

    for member in ("load", "read", "conditions", "probes"):
        if member in vars(module):
            monkeypatch.setattr(module, member, opened)
    return name


@pytest.fixture
def data(target: str, tmp_path: Path) -> bytes:
    """An artifact of the target as it lies in a file."""
    path = tmp_path / "exported"
    targets.get(target).export(MODEL, path)
    module = targets.get(target)
    if isinstance(module, targets.WritesFolder):
        file = module.main_file(path)
        assert file is not None
        return file.read_bytes()
    return path.read_bytes()


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    path = tmp_path / "model.pt"
    write_checkpoint(path, Checkpoint(MODEL))
    return path


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "x.npy"
    np.save(path, np.zeros((1, 3, MODEL.signature.input_size), np.float32))
    return path


def bundle_with(target: str, data: bytes, path: Path, model: Model = MODEL) -> Path:
    """A bundle of an ONNX file and of code."""
    onnx = path.with_suffix(".onnx")
    targets.get("onnx").export(model, onnx)
    code = Artifact(target, targets.get(target).suffix, data)
    artifacts = [Artifact("onnx", ".onnx", onnx.read_bytes()), code]
    write_bundle(path, make_bundle(model, golden_sets(model), artifacts))
    onnx.unlink()
    return path


def commands(file: Path, table: Path, folder: Path) -> list[list[str]]:
    """Every command and option that opens a file, without a permission that lets it run."""
    page = str(folder / "page.html")
    bench = ["bench", str(file), "--seconds", "0.01", "--batch", "1", "--seq", "3"]
    return [
        ["verify", str(file)],
        ["verify", str(file), "--html", page],
        ["verify", str(file), "--junit", str(folder / "report.xml")],
        ["verify", str(file), "--failing", str(folder / "failing.npz")],
        ["verify", str(file), "--streaming", "--data", str(table)],
        ["verify", str(file), "--json"],
        ["run", str(file), str(table)],
        ["run", str(file), str(table), "--engine", "torchscript"],
        ["run", str(file), str(table), "--stream"],
        bench,
        [*bench, "--engine", "torchscript"],
        ["diff", str(file), str(file)],
        ["inspect", str(file)],
        ["onnx", str(file), "-o", str(folder / "made.onnx")],
        ["package", str(file), "-o", str(folder / "made.bundle")],
    ]


@pytest.mark.parametrize("name", ["model.onnx", "model.bundle", "model", "own"])
def test_a_lone_file_of_code_is_not_run(  # noqa: PLR0917 - fixtures
    name: str, target: str, data: bytes, checkpoint: Path, table: Path, tmp_path: Path
) -> None:
    """Whatever it is called, its target's own ending included."""
    if name == "own":
        name = f"model{targets.get(target).suffix}"
    folder = tmp_path / "strange"
    folder.mkdir()
    file = folder / name
    file.write_bytes(data)
    for command in commands(file, table, tmp_path):
        done = CliRunner().invoke(app, command)
        assert not isinstance(done.exception, Opened), command
        reads_weights = command[0] in {"inspect", "onnx", "package"}  # of an archive, as data
        assert done.exit_code or reads_weights, command
    with pytest.raises(InputError, match="add --trust"):
        lstm_export.load(file)
    in_disguise = not name.endswith(targets.get(target).suffix)
    if in_disguise:  # naming the model is not enough
        with pytest.raises(InputError, match=r"does not end in .* add --trust"):
            lstm_export.verify(file, checkpoint)


def test_a_folder_of_code_that_is_called_as_another_target_is_not_run(
    target: str, checkpoint: Path, tmp_path: Path
) -> None:
    module = targets.get(target)
    if not isinstance(module, targets.WritesFolder):
        return  # a folder of it is nothing that is known
    others = [targets.get(name).suffix for name in targets.names() if name != target]
    for suffix in others:
        folder = tmp_path / f"model{suffix}"
        module.export(MODEL, folder)
        with pytest.raises(InputError, match=r"is called as a folder of .* add --trust"):
            lstm_export.load(folder)
        with pytest.raises(InputError, match=r"is called as a folder of .* add --trust"):
            lstm_export.verify(folder, checkpoint)
        with pytest.raises(Opened):
            lstm_export.load(folder, trust=True)


@pytest.mark.usefixtures("quick_bench")
def test_code_in_a_bundle_is_not_run(target: str, data: bytes, table: Path, tmp_path: Path) -> None:
    bundle = bundle_with(target, data, tmp_path / "model.bundle")
    for command in commands(bundle, table, tmp_path):
        done = CliRunner().invoke(app, command)
        assert not isinstance(done.exception, Opened), command
    module = targets.get(target)
    if isinstance(module, targets.MakesRunner):
        return  # its engine is made from the weights
    with pytest.raises(InputError, match=module.runs_code):
        lstm_export.load(bundle, engine=target)


def with_permission(
    target: str, data: bytes, folder: Path, checkpoint: Path
) -> list[Callable[[], object]]:
    """Everything that lets a lone artifact run."""
    module = targets.get(target)
    own = folder / f"lone{module.suffix}"
    said: list[Callable[[], object]] = []
    if isinstance(module, targets.WritesFolder):
        own.mkdir()
        exported = module.main_file(folder / "exported")
        assert exported is not None
        shutil.copy(exported, own)
        said.append(lambda: lstm_export.load(own))
        other = folder / "renamed.txt"
    else:
        own.write_bytes(data)
        other = own
    other.write_bytes(data)
    said.append(lambda: lstm_export.verify(own, checkpoint))
    said.append(lambda: lstm_export.load(other, trust=True))
    said.append(lambda: lstm_export.verify(other, checkpoint, trust=True))
    return said


def test_with_permission_it_runs(
    target: str, data: bytes, checkpoint: Path, tmp_path: Path
) -> None:
    """Naming a folder, naming the model, or --trust: otherwise the tests above would pass for want
    of any way in.
    """
    for attempt in with_permission(target, data, tmp_path, checkpoint):
        with pytest.raises(Opened):
            attempt()


def test_only_one_place_opens_artifacts() -> None:
    """Members of a target that open an artifact are called in verification/artifact.py and nowhere
    else.
    """
    package = Path(lstm_export.__file__).parent
    members = (
        "module.load(",
        "module.read(",
        ".from_model(",
        "module.conditions(",
        "module.probes(",
    )
    for path in package.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if path.relative_to(package).as_posix() == "verification/artifact.py":
            assert all(member in text for member in members)
        else:
            assert not [member for member in members if member in text], path
            assert ").load(" not in text, path
