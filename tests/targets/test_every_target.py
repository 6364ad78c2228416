"""What holds for every target: the law, parity at every shape, known formats, refusals."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from lstm_export import targets
from lstm_export.errors import InputError, UnsupportedModel
from lstm_export.model import Model, forward
from lstm_export.model.model import STAGES
from lstm_export.model.runner import is_stateful
from lstm_export.model.state import not_for_streams
from lstm_export.parity import check, check_streaming, golden_sets
from lstm_export.verification.artifact import ArtifactFile
from lstm_export.verification.opened_file import own_artifact, target_of
from tests.kit.builders import drawn
from tests.kit.chains import CHAINS, GRAPHS, MODELS
from tests.kit.graphs import FORECASTS
from tests.kit.targets_here import TARGETS_HERE

pytest.importorskip("torch", reason='needs torch: pip install "lstm-export[export]"')
pytest.importorskip("onnx", reason='needs onnx: pip install "lstm-export[export]"')

NAMES = TARGETS_HERE
ALL = {**MODELS, **FORECASTS}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every target, and where a test wants a model, every chain that the target can express."""
    if {"target", "model"} <= set(metafunc.fixturenames):
        pairs = [(target, name) for target in NAMES for name in ALL if expresses(target, ALL[name])]
        ids = [f"{name.replace(' ', '-')}-{target}" for target, name in pairs]
        metafunc.parametrize(
            ("target", "model"), [(target, ALL[name]) for target, name in pairs], ids=ids
        )
    elif "target" in metafunc.fixturenames:
        metafunc.parametrize("target", NAMES)


def expresses(target: str, model: Model) -> bool:
    """What a target refuses, its own tests show."""
    return target != "onnx-stream" or not_for_streams(model) is None


@pytest.fixture(scope="module")
def exported() -> dict[tuple[str, int], Path]:
    """Where each target has written each chain so far."""
    return {}


@pytest.fixture
def artifact(
    target: str, model: Model, tmp_path: Path, exported: dict[tuple[str, int], Path]
) -> ArtifactFile:
    key = (target, id(model))
    if key not in exported:
        path = tmp_path / f"model{targets.get(target).suffix}"
        targets.get(target).export(model, path)
        exported[key] = path
    return own_artifact(target, exported[key])


def test_no_kind_of_stage_is_left_out() -> None:
    assert {stage.kind for model in ALL.values() for stage in model.stages} == set(STAGES)


def test_passes_the_rule(target: str, model: Model, artifact: ArtifactFile) -> None:
    report = check(artifact.runner(), golden_sets(model), subject=target)
    assert report.ok, report.table()


def test_what_carries_a_state_carries_that_of_the_definition(
    target: str, model: Model, artifact: ArtifactFile
) -> None:
    runner = artifact.runner()
    if not is_stateful(runner):
        return
    longest = sorted(golden_sets(model), key=lambda entry: entry.seq)[-2:]
    lowered, _ = targets.lowered(artifact.module, model)
    results = check_streaming(runner, longest, lowered)
    assert len(results) == 6, "four ways to answer, two to the state"
    failed = [f"{result.name}: {result.reason}" for result in results if result.verdict != "passed"]
    assert not failed


@pytest.mark.parametrize(("batch", "seq"), [(1, 1), (1, 7), (3, 1), (33, 5), (2, 300)])
def test_batch_and_sequence_are_free(target: str, batch: int, seq: int, tmp_path: Path) -> None:
    """Written once, run at any shape; at most 20 roundings away from the definition."""
    model = CHAINS["seed"]
    path = tmp_path / "artifact"
    targets.get(target).export(model, path)
    x = drawn(model, batch, seq)
    y = own_artifact(target, path).runner()(x)
    assert y.shape == (batch, 1)
    assert y.dtype == np.float32
    np.testing.assert_allclose(y, forward(model, x).y, rtol=0, atol=20 * 2.0**-24)


def test_an_artifact_holds_its_model(target: str, model: Model, artifact: ArtifactFile) -> None:
    """Reading is the inverse of writing; what cannot be read is written again and compared."""
    module = artifact.module
    assert artifact.data is not None
    assert isinstance(module, targets.CanRead | targets.DiffersFrom)
    if isinstance(module, targets.DiffersFrom):
        assert not module.differs_from(model, artifact.data)
    if isinstance(module, targets.CanRead):
        found = artifact.read_back()
        assert found == targets.lowered(module, model)[0]
        assert found.signature == model.signature


@pytest.mark.parametrize("name", [*GRAPHS, *FORECASTS])
def test_a_graph_is_written_or_its_stage_named(name: str, target: str, tmp_path: Path) -> None:
    model = ALL[name]
    if expresses(target, model):
        return
    with pytest.raises(UnsupportedModel, match="cannot express") as refused:
        targets.get(target).export(model, tmp_path / "artifact")
    assert any(stage.name in str(refused.value) for stage in model.stages)


def test_known_by_its_contents(target: str, artifact: ArtifactFile) -> None:
    assert artifact.data is not None
    assert target_of(artifact.data) == target


def test_the_signature_travels_with_the_artifact(
    target: str, model: Model, artifact: ArtifactFile
) -> None:
    assert artifact.runner().signature == model.signature


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"hello", b"\x08", bytes(100)])
def test_other_bytes_are_no_artifact(data: bytes) -> None:
    assert target_of(data) is None


def test_a_plain_zip_is_no_artifact() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a/data.pkl", b"")
    assert target_of(buffer.getvalue()) is None


def test_unknown_targets_are_listed() -> None:
    with pytest.raises(
        InputError,
        match=f"unknown target 'tflite'; known targets: {', '.join(targets.names())}",
    ):
        targets.get("tflite")


def test_every_target_describes_itself() -> None:
    for name in targets.names():
        module = targets.get(name)
        assert module.__doc__.splitlines()[0].startswith("Export to ")
        assert module.suffix[0] in "._"


EXPORT_ALL = """
import sys
from hashlib import sha256
from pathlib import Path
from lstm_export import targets
from tests.kit.chains import CHAINS
for target in sys.argv[2:]:
    path = Path(sys.argv[1], target)
    targets.get(target).export(CHAINS["scalers"], path)
    files = [path] if path.is_file() else sorted(each for each in path.rglob("*") if each.is_file())
    print(target, *(sha256(file.read_bytes()).hexdigest() for file in files))
"""


def test_bytes_do_not_follow_the_hash_seed(tmp_path: Path) -> None:
    """Python orders sets of strings by PYTHONHASHSEED: another order in every process."""
    written: list[str] = []
    for seed in ("0", "1"):
        folder = tmp_path / seed
        folder.mkdir()
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", EXPORT_ALL, folder, *NAMES],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        written.append(done.stdout)
    assert written[0] == written[1]
    assert len(written[0].splitlines()) == len(NAMES)


@pytest.mark.skipif("torchscript" not in NAMES, reason="torch has no TorchScript on this Python")
def test_torchscript_opens_without_this_package(tmp_path: Path) -> None:
    """In a fresh process that cannot import lstm_export."""
    model = CHAINS["scalers"]
    path = tmp_path / "m.torchscript"
    targets.get("torchscript").export(model, path)
    x = drawn(model, 2, 9)
    np.save(tmp_path / "x.npy", x)
    program = (
        "import sys; sys.modules['lstm_export'] = None\n"
        "import numpy as np, torch\n"
        "y = torch.jit.load('m.torchscript')(torch.from_numpy(np.load('x.npy')))\n"
        "np.save('y.npy', y.detach().numpy())"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", program], cwd=tmp_path, check=True)
    expected = forward(model, x)
    assert (
        np.abs(np.load(tmp_path / "y.npy") - expected.y)
        <= 20 * 2.0**-24 * expected.terms.max(axis=0)
    ).all()
