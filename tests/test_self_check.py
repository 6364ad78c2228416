"""The self-check finds what the verifier catches, and would find what it misses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from lstm_export import pipeline, self_check
from lstm_export.cli import app
from lstm_export.errors import ParityError
from lstm_export.intake import Checkpoint, write_checkpoint
from lstm_export.parity import ParityReport
from lstm_export.targets import get
from tests.conftest import CHAINS

pytest.importorskip("torch", reason='needs torch: pip install "lstm-export[export]"')
pytest.importorskip("onnx", reason='needs onnx: pip install "lstm-export[export]"')


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.pt"
    write_checkpoint(path, Checkpoint(CHAINS["smallest"]))
    pipeline.export(path, "onnx")
    return path


def test_every_bug_that_matters_is_caught_by_both_rules(model: Path) -> None:
    found = self_check.self_check(model.with_suffix(".onnx"), model)
    assert found.ok, found.table()
    assert len(found.attempts) > 40
    for attempt in found.attempts:
        assert attempt.verdict == "caught" or attempt.change <= 1, attempt
        if attempt.change > 2:
            assert attempt.by_numbers, attempt


def test_a_blind_verifier_is_found_out(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(self_check, "structure_of", lambda *_: "not checked")
    monkeypatch.setattr(self_check, "check", lambda *_, subject: ParityReport(subject, "identical", ()))
    found = self_check.self_check(model.with_suffix(".onnx"), model)
    assert not found.ok
    assert "missed" in found.table()


def test_a_broken_artifact_is_no_ground_to_stand_on(model: Path) -> None:
    artifact = model.with_suffix(".onnx")
    artifact.write_bytes(_broken(artifact, "input_forget"))
    with pytest.raises(ParityError, match="itself does not pass"):
        self_check.self_check(artifact, model)


def _broken(artifact: Path, kind: str) -> bytes:
    module: Any = get("onnx")
    data = module.broken(artifact.read_bytes(), kind)
    assert data is not None
    return bytes(data)


EDITS = (
    "the sequence read backwards",
    "the first step instead of the last",
    "the state of the last call kept",
    "hard sigmoid of slope 0.2",
    "the features in reverse order",
)


@pytest.mark.parametrize("kind", EDITS)
def test_an_edited_graph_is_named(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "model.pt"
    write_checkpoint(path, Checkpoint(CHAINS["scalers"]))
    pipeline.export(path, "onnx")
    artifact = path.with_suffix(".onnx")
    artifact.write_bytes(_broken(artifact, kind))
    (report,) = pipeline.verify(artifact, path)
    assert report.diagnosis is not None
    assert kind in (report.diagnosis.bug, *report.diagnosis.also)
    assert report.structure != "identical"


def test_the_smallest_failure_is_written_and_replayed(model: Path) -> None:
    artifact, failing = model.with_suffix(".onnx"), model.with_suffix(".npz")
    good = artifact.read_bytes()
    artifact.write_bytes(_broken(artifact, "input_forget"))
    invoke = CliRunner().invoke
    done = invoke(app, ["verify", str(artifact), str(model), "--failing", str(failing)])
    assert done.exit_code == 1
    assert f"--replay {failing}" in done.output
    assert invoke(app, ["verify", str(artifact), str(model), "--replay", str(failing)]).exit_code == 1
    artifact.write_bytes(good)
    assert invoke(app, ["verify", str(artifact), str(model), "--replay", str(failing)]).exit_code == 0
    assert invoke(app, ["verify", str(artifact), "--replay", str(failing)]).exit_code == 1


def test_an_artifact_of_other_sizes_is_refused_in_one_line(model: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.pt"
    write_checkpoint(other, Checkpoint(CHAINS["seed"]))
    done = CliRunner().invoke(app, ["verify", str(model.with_suffix(".onnx")), str(other)])
    assert done.exit_code == 1
    assert "takes 1 features and gives 1 outputs, the model 10 and 1" in done.output
