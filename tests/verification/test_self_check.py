"""The self-check finds what the verifier catches, and would find what it misses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from lstm_export import pipeline
from lstm_export.bundle import Artifact, make_bundle, write_bundle
from lstm_export.chains import Checkpoint, write_checkpoint
from lstm_export.cli import app
from lstm_export.errors import ParityError
from lstm_export.model import LSTM, Affine, LastStep, Linear, Model, Signature
from lstm_export.parity import ParityReport, by_place, catalogue, golden_sets
from lstm_export.targets import get
from lstm_export.verification import self_check
from lstm_export.verification.opened_file import open_file
from lstm_export.verification.permission import Permission
from lstm_export.verification.subject import Subject
from tests.kit.builders import redrawn
from tests.kit.chains import CHAINS

pytest.importorskip("torch", reason='needs torch: pip install "lstm-export[export]"')
pytest.importorskip("onnx", reason='needs onnx: pip install "lstm-export[export]"')


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.pt"
    write_checkpoint(path, Checkpoint(CHAINS["smallest"]))
    pipeline.export(path, "onnx")
    return path


@pytest.mark.parametrize("lengths", [False, True])
def test_every_bug_that_matters_is_caught_by_both_rules(
    model: Path, lengths: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.export(model, "onnx", lengths=lengths)
    found = self_check.self_check(open_file(model.with_suffix(".onnx")), Subject.of(model))
    monkeypatch.setattr(self_check, "self_check", lambda *_: found)
    done = CliRunner().invoke(
        app, ["verify", str(model.with_suffix(".onnx")), str(model), "--self-check"]
    )
    assert (done.exit_code, done.stdout) == (0, found.table() + "\n")
    assert len(found.attempts) > 40
    assert ("the lengths ignored" in {attempt.bug for attempt in found.attempts}) is lengths
    unmoved = sum(attempt.verdict == "no change" for attempt in found.attempts)
    assert f"{unmoved} not caught, which move no answer by more than rounding may" in done.stdout
    for attempt in found.attempts:
        assert attempt.verdict == "caught" or attempt.change <= 1, attempt
        if attempt.change > 2:
            assert attempt.by_numbers, attempt


def test_a_blind_verifier_is_found_out(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(self_check, "structure_of", lambda *_: "not checked")
    monkeypatch.setattr(
        self_check, "check", lambda *_, subject: ParityReport(subject, "identical", ())
    )
    found = self_check.self_check(open_file(model.with_suffix(".onnx")), Subject.of(model))
    assert not found.ok
    assert "missed" in found.table()


def test_a_broken_artifact_is_no_ground_to_stand_on(model: Path) -> None:
    artifact = model.with_suffix(".onnx")
    artifact.write_bytes(_broken(artifact, "input_forget"))
    with pytest.raises(ParityError, match="itself does not pass"):
        opened = open_file(artifact, Permission(names_model=True))
        self_check.self_check(opened, Subject.of(model))


def _broken(artifact: Path, kind: str) -> bytes:
    module: Any = get("onnx")
    data = module.broken(artifact.read_bytes(), kind)
    assert data is not None
    return bytes(data)


# Some have no model: their graphs are edited. Of others a correct writer is given the model that a
# broken one writes.
KINDS = (
    "the sequence read backwards",
    "the first step instead of the last",
    "the state of the last call kept",
    "hard sigmoid of slope 0.2",
    "the features in reverse order",
    "gates stacked as input, output, forget, cell in lstm_l1",
    "weight_hh transposed",
    "bias_hh lost in lstm_l0",
    "layers 0 and 1 exchanged in lstm",
    "bias lost in fc",
    "scale lost in scaler",
    "float16 weights",
)


def _chain() -> Model:
    """Two layers alike, so that they can be exchanged."""
    random = np.random.default_rng(0)
    shapes = {"weight_ih": (24, 6), "weight_hh": (24, 6), "bias_ih": (24,), "bias_hh": (24,)}
    weights = {
        f"{key}_l{k}": random.uniform(-0.6, 0.6, shape)
        for k in range(2)
        for key, shape in shapes.items()
    }
    scaler = Affine("scaler", random.uniform(-9, 9, 6), random.uniform(0.5, 2, 6))
    fc = Linear("fc", random.uniform(-0.4, 0.4, (2, 6)), np.array([0.3, -0.2]))
    return Model((scaler, LSTM("lstm", weights), LastStep("last"), fc), Signature(6, 2))


@pytest.mark.parametrize("kind", KINDS)
def test_the_command_line_catches_and_names_it(tmp_path: Path, kind: str) -> None:
    model = _chain()
    path = tmp_path / "model.pt"
    write_checkpoint(path, Checkpoint(model))
    pipeline.export(path, "onnx")
    artifact = path.with_suffix(".onnx")
    module = get("onnx")
    bug = next(bug for bug in (*catalogue(model), *by_place(model)) if bug.name == kind)
    if bug.is_model:
        module.export(bug.model, artifact)
    else:
        artifact.write_bytes(_broken(artifact, kind))
    done = CliRunner().invoke(app, ["verify", str(artifact), str(path)])
    assert done.exit_code == 1, done.output
    (said,) = [line for line in done.output.splitlines() if "it behaves like: " in line]
    assert said.split("it behaves like: ")[1].split(", or ")[0] == kind


def _packaged(path: Path, artifact: bytes) -> None:
    """A bundle around an artifact that nobody verified."""
    model = CHAINS["smallest"]
    write_bundle(
        path, make_bundle(model, golden_sets(model), [Artifact("onnx", ".onnx", artifact)])
    )


@pytest.mark.parametrize("lengths", [False, True])
@pytest.mark.parametrize("alone", [False, True], ids=["beside its model", "a bundle alone"])
def test_the_smallest_failure_is_written_and_replayed(
    model: Path, lengths: bool, alone: bool
) -> None:
    artifact = model.with_suffix(".bundle" if alone else ".onnx")
    failing = model.with_suffix(".npz")
    verify = ["verify", str(artifact), *([] if alone else [str(model)])]
    pipeline.export(model, "onnx", lengths=lengths)
    good = model.with_suffix(".onnx").read_bytes()
    write = _packaged if alone else Path.write_bytes
    invoke = CliRunner().invoke
    # What a bundle holds has the form that the writer gives, and can only be another model's.
    if alone:
        other = model.with_suffix(".other.onnx")
        get("onnx").export(redrawn(CHAINS["smallest"]), other, lengths=lengths)
        bad = other.read_bytes()
    else:
        bug = "the lengths ignored" if lengths else "input_forget"
        bad = _broken(model.with_suffix(".onnx"), bug)
    write(artifact, bad)
    done = invoke(app, [*verify, "--failing", str(failing)])
    assert done.exit_code == 1
    assert done.stderr.startswith(f"wrote {failing}, x (")
    assert f"again: lstm-export {' '.join(verify)} --replay {failing}\n" in done.stderr
    assert invoke(app, [*verify, "--replay", str(failing)]).exit_code == 1
    write(artifact, good)
    assert invoke(app, [*verify, "--replay", str(failing)]).exit_code == 0
    before = failing.read_bytes()
    done = invoke(app, [*verify, "--failing", str(failing)])
    assert (done.exit_code, done.stderr) == (0, f"nothing failed: {failing} was not written\n")
    assert failing.read_bytes() == before


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["MODEL", "--data", "t.csv"], "is for --streaming: add it"),
        (["--self-check"], "name the artifact's model too"),
        (["MODEL", "--self-check", "--junit", "t.xml"], "takes none of --streaming, --junit"),
        (["MODEL", "--self-check", "--streaming"], "takes none of --streaming, --junit"),
    ],
)
def test_options_that_would_do_nothing_are_wrong_usage(
    model: Path, options: list[str], said: str
) -> None:
    arguments = [str(model) if option == "MODEL" else option for option in options]
    done = CliRunner().invoke(app, ["verify", str(model.with_suffix(".onnx")), *arguments])
    assert done.exit_code == 2
    assert said in done.stderr


def test_what_needs_the_model_says_so(model: Path) -> None:
    artifact = model.with_suffix(".onnx")
    _packaged(model.with_suffix(".bundle"), artifact.read_bytes())
    for arguments, said in (
        (
            [str(artifact), "--replay", "x.npz"],
            f"name its model: lstm-export verify {artifact} MODEL",
        ),
        (
            [str(model.with_suffix(".bundle")), str(model), "--self-check"],
            "is a bundle, and the self-check takes one",
        ),
    ):
        done = CliRunner().invoke(app, ["verify", *arguments])
        assert done.exit_code == 1
        assert said in done.stderr


def test_an_artifact_of_other_sizes_is_refused_in_one_line(model: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.pt"
    write_checkpoint(other, Checkpoint(CHAINS["seed"]))
    done = CliRunner().invoke(app, ["verify", str(model.with_suffix(".onnx")), str(other)])
    assert done.exit_code == 1
    assert "takes 1 features and gives 1 outputs, the model 10 and 1" in done.output
    _packaged(model.with_suffix(".bundle"), model.with_suffix(".onnx").read_bytes())
    done = CliRunner().invoke(app, ["verify", str(model.with_suffix(".bundle")), str(other)])
    assert (done.exit_code, done.stderr.count("\n")) == (1, 1)
    assert "takes 1 features and gives 1 outputs, the model 10 and 1" in done.stderr
