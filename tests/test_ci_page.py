"""docs/ci.md is what it says: its workflow and its pytest file run, and fail where they must."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from packaging.requirements import Requirement

import lstm_export
from lstm_export import targets
from lstm_export.chains import Checkpoint
from lstm_export.model import Model
from tests.kit.chains import CHAINS

pytest.importorskip("torch", reason='needs torch: pip install "lstm-export[export]"')
pytest.importorskip("onnx", reason='needs onnx: pip install "lstm-export[export]"')
pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="the workflow's steps are for a POSIX shell"
)

PAGE = Path(__file__).parents[1] / "docs" / "ci.md"
WORKFLOW, TEST = (
    re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[0]
    for language in ("yaml", "python")
)
RUNTIME = """
from lstm_export.device import load_onnx
from pathlib import Path
run = load_onnx(Path("model.onnx"))
"""


def steps() -> dict[str, str]:
    """Name and script of every step that runs something."""
    found = re.findall(r"- name: (.+)\n +run: (?:\|\n((?: {10}.+\n)+)|(.+)\n)", WORKFLOW)
    return {
        name: re.sub(r"^ {10}", "", block, flags=re.MULTILINE) or line
        for name, block, line in found
    }


def changed(model: Model) -> Model:
    arrays = dict(model.arrays)
    arrays["fc.weight"] = arrays["fc.weight"] * np.float32(1.01)
    return Model.from_record(model.chain_record(), arrays, model.signature)


@pytest.fixture
def repository(tmp_path: Path, seed_checkpoint: Path) -> Path:
    """What the page's repository holds."""
    lstm_export.package(seed_checkpoint, tmp_path / "released.bundle")
    lstm_export.export(seed_checkpoint, "onnx", tmp_path / "model.onnx")
    (tmp_path / "test_parity.py").write_text(TEST, encoding="utf-8")
    (tmp_path / "our_runtime.py").write_text(RUNTIME, encoding="utf-8")
    return tmp_path


def run(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A step as GitHub runs it: bash that stops at the first command that fails."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["/bin/bash", "-e", "-c", script],
        cwd=folder,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(Path(lstm_export.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def test_every_step_succeeds(repository: Path) -> None:
    install, *others = steps().values()
    assert install == 'python -m pip install "lstm-export[export] @ $LSTM_EXPORT" pytest'
    (source,) = re.findall(r"^  LSTM_EXPORT: (\S+)", WORKFLOW, re.MULTILINE)
    assert Requirement(install.split('"')[1].replace("$LSTM_EXPORT", source)).extras == {"export"}
    assert len(others) == 3
    done = run("\n".join(others), repository)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the same model, interface and artifacts" in done.stdout
    assert "2 passed" in done.stdout
    uploaded = re.findall(r"path: (\S+)", WORKFLOW)
    assert sorted(path.name for path in repository.glob(uploaded[0])) == [
        "parity.html",
        "parity.xml",
    ]


def test_the_steps_fail_where_they_should(repository: Path) -> None:
    verify, diff, tests = list(steps().values())[1:]
    targets.get("onnx").export(changed(CHAINS["seed"]), repository / "model.onnx")
    lstm_export.package(Checkpoint(changed(CHAINS["seed"])), repository / "released.bundle")
    results = [run(step, repository) for step in (verify, diff, tests)]
    assert [done.returncode for done in results] == [1, 1, 1]
    assert results[0].stderr.startswith("error: ")
    assert results[1].stdout.splitlines()[-2:][0].startswith(("breaking: ", "compatible: "))
    assert "2 failed" in results[2].stdout
    assert "our runtime" in results[2].stdout
    assert (repository / "parity.html").is_file()
