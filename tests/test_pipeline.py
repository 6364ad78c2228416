"""The verbs: nothing is left behind that was not verified, nothing that was there is lost."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lstm_export
from lstm_export import pipeline, targets
from lstm_export.chains import Checkpoint, write_checkpoint
from lstm_export.errors import BundleError, InputError, ParityError, UnsupportedModel
from lstm_export.model import Model, forward
from lstm_export.model.gates import ONNX_GATES
from lstm_export.verification.artifact import open_file
from lstm_export.verification.endless_stream import endless_stream
from lstm_export.verification.subject import Subject, read
from tests.kit.builders import drawn
from tests.kit.chains import CHAINS

torch = pytest.importorskip("torch", reason='needs torch: pip install "lstm-export[export]"')
onnx = pytest.importorskip("onnx", reason='needs onnx: pip install "lstm-export[export]"')
nn = torch.nn


class LSTMModel(nn.Module):  # type: ignore[misc, name-defined]
    """The class of the README, with the one thing that a state_dict cannot show."""

    def __init__(self, hidden: Any = None) -> None:
        super().__init__()
        self.lstm = nn.LSTM(4, 6, 2, batch_first=True)
        self.fc = nn.Linear(6, 2)
        self.hidden = hidden or nn.Identity()

    def forward(self, x: Any) -> Any:
        return self.fc(self.hidden(self.lstm(x)[0][:, -1, :]))


def listing(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_export_verifies_and_lies_beside_the_model(seed_checkpoint: Path) -> None:
    report = lstm_export.export(seed_checkpoint, "onnx")
    assert report.ok, report.table()
    assert report.structure == "identical"
    assert listing(seed_checkpoint.parent) == ["model.onnx", "model.pt"]


def test_a_live_module_is_proved_against_its_own_forward(tmp_path: Path) -> None:
    report = lstm_export.export(LSTMModel(), "onnx", tmp_path / "m.onnx")
    assert report.ok, report.table()
    assert Subject.of(LSTMModel()).checkpoint.model.origin == "proved against the module"


@pytest.mark.parametrize("dtype", ["float64", "float16"])
def test_a_module_of_another_type_is_proved_and_left_as_it_is(tmp_path: Path, dtype: str) -> None:
    module = LSTMModel().to(getattr(torch, dtype)).train()
    report = lstm_export.export(module, "onnx", tmp_path / "m.onnx")
    assert report.ok, report.table()
    assert f"{dtype} weights were cast to float32" in report.notes
    assert module.training
    assert module.fc.weight.dtype == getattr(torch, dtype)


def test_a_state_dict_in_memory_is_a_model(tmp_path: Path) -> None:
    assert lstm_export.export(LSTMModel().state_dict(), "onnx", tmp_path / "m.onnx").ok


class Narrow(LSTMModel):
    def forward(self, x: Any) -> Any:
        return super().forward(x)[:, :1]


def test_a_module_of_another_output_shape_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(
        UnsupportedModel, match=r"getitem in Narrow at .*test_pipeline.py:\d+: takes some of"
    ):
        lstm_export.export(Narrow(), "onnx", tmp_path / "m.onnx")


@pytest.mark.parametrize(
    ("hidden", "chain"), [(nn.ReLU(), "lstm, last, relu, fc"), (nn.Tanh(), "lstm, last, tanh, fc")]
)
def test_a_hidden_activation_is_found_by_the_modules_own_forward(
    tmp_path: Path, hidden: Any, chain: str
) -> None:
    module = LSTMModel(hidden)
    assert read(module).model.chain == chain
    assert lstm_export.export(module, "onnx", tmp_path / "m.onnx").ok


def test_a_module_that_no_chain_computes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        UnsupportedModel, match=r"softmax in hidden \(Softmax\) at .*test_pipeline.py:\d+: no stage"
    ):
        lstm_export.export(LSTMModel(nn.Softmax(dim=-1)), "onnx", tmp_path / "m.onnx")
    assert not listing(tmp_path)


def _swap_two_gates(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the writer and in the reader alike, so that only the numbers can tell."""
    wrong = ("input", "forget", "output", "cell")
    assert wrong != ONNX_GATES
    monkeypatch.setattr("lstm_export.targets.onnx.recurrent_writer.ONNX_GATES", wrong)
    monkeypatch.setattr("lstm_export.targets.onnx.recurrent_reader.ONNX_GATES", wrong)


def _last_step_off_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """The step before the last, where there is one: Y without its last entry, then the last of what is left."""
    from lstm_export.targets.onnx import writer

    def last_step(stage: Any, graph: Any, following: Any) -> None:
        graph._nodes[-1].output[:] = [graph._nodes[-1].name + "/Y"]
        graph.current = graph._nodes[-1].output[0]
        graph.squeeze(f"{stage.name}/steps", axis=1)
        graph.add(
            "Gather", stage.name, graph.constant("last_index", np.array(-2, np.int64)), axis=0
        )
        graph.is_sequence = False

    written = writer.write.dispatch
    broken = {type(CHAINS["seed"].stages[1]): last_step}

    def write(stage: Any, *rest: Any) -> None:
        broken.get(type(stage), written(type(stage)))(stage, *rest)

    monkeypatch.setattr(writer, "write", write)


@pytest.mark.parametrize(
    ("break_writer", "bug"),
    [
        (_swap_two_gates, "gates stacked as input, output, cell, forget"),
        (_last_step_off_by_one, "the step before the last instead of the last"),
    ],
)
@pytest.mark.parametrize("verb", ["export", "package"])
def test_a_broken_writer_leaves_nothing_behind(
    seed_checkpoint: Path, monkeypatch: pytest.MonkeyPatch, break_writer: Any, bug: str, verb: str
) -> None:
    break_writer(monkeypatch)
    output = seed_checkpoint.parent / "out"
    output.write_bytes(b"the old file")
    with pytest.raises(ParityError) as caught:
        if verb == "export":
            lstm_export.export(seed_checkpoint, "onnx", output)
        else:
            lstm_export.package(seed_checkpoint, output)
    assert caught.value.report.verdict == "failed"
    remarks = caught.value.report.remarks
    assert any(told.startswith("it behaves like: ") and bug in told for told in remarks), remarks
    assert any(result.verdict == "failed" for result in caught.value.report.sets)
    assert listing(seed_checkpoint.parent) == ["model.pt", "out"]
    assert output.read_bytes() == b"the old file"


def test_verify_tells_a_foreign_artifact(seed_checkpoint: Path, tmp_path: Path) -> None:
    lstm_export.export(seed_checkpoint, "onnx")
    arrays = {**CHAINS["seed"].arrays}
    arrays["fc.weight"] = arrays["fc.weight"].copy()
    arrays["fc.weight"].view(np.uint32)[0, 7] ^= 1
    other = Model.from_record(CHAINS["seed"].chain_record(), arrays, CHAINS["seed"].signature)
    write_checkpoint(tmp_path / "other.pt", Checkpoint(other))
    (report,) = lstm_export.verify(tmp_path / "model.onnx", tmp_path / "other.pt")
    assert report.verdict == "failed"
    assert report.structure == "fc.weight differs in 1 of 50 values"


def test_a_model_of_another_width_is_told(seed_checkpoint: Path, tmp_path: Path) -> None:
    lstm_export.export(seed_checkpoint, "onnx")
    write_checkpoint(tmp_path / "other.pt", Checkpoint(CHAINS["every step"]))
    with pytest.raises(
        InputError,
        match="takes 10 features and gives 1 outputs, the model 5 and 2: .* another model",
    ):
        lstm_export.verify(tmp_path / "model.onnx", tmp_path / "other.pt")


def test_package_holds_every_target_and_verifies_alone(seed_checkpoint: Path) -> None:
    bundle = seed_checkpoint.parent / "m.bundle"
    names = ["onnx", "torchscript"] if sys.version_info < (3, 14) else ["onnx"]
    assert all(report.ok for report in lstm_export.package(seed_checkpoint, bundle, names))
    reports = lstm_export.verify(bundle, seed_checkpoint)
    assert [report.subject for report in reports] == names
    assert all(report.ok and report.structure == "as packaged" for report in reports)
    alone = {report.subject: report for report in lstm_export.verify(bundle)}
    assert alone["onnx"].ok
    # A TorchScript archive is code: out of a bundle it is run only beside the model that it was made from.
    assert all(
        "opening it runs code" in report.notes[0]
        for name, report in alone.items()
        if name != "onnx"
    )
    for name in names:
        x = drawn(CHAINS["seed"], 3, 9)
        y = lstm_export.load(bundle, engine=name, trust=True)(x)
        # 20 roundings of outputs below 1
        np.testing.assert_allclose(y, forward(CHAINS["seed"], x).y, rtol=0, atol=20 * 2.0**-24)


def test_the_same_model_gives_the_same_bundle(seed_checkpoint: Path) -> None:
    one, two = (seed_checkpoint.parent / name for name in ("one.bundle", "two.bundle"))
    for path in (one, two):
        lstm_export.package(seed_checkpoint, path)
    assert one.read_bytes() == two.read_bytes()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: lstm_export.export(m, "onnx", m), "is the input itself"),
        (
            lambda m: lstm_export.export(m, "onnx", m.parent / "no" / "m.onnx"),
            "no does not exist; create it first",
        ),
        (lambda m: lstm_export.export(m, "onnx", m.parent), "it is a folder"),
        (lambda m: lstm_export.export(3, "onnx"), "a int is no model"),
        (
            lambda m: lstm_export.export(m, "tflite"),
            "known targets: c, onnx, onnx-stream, torchscript",
        ),
        (lambda m: lstm_export.package(m, m), "is the input itself"),
        (lambda m: lstm_export.package(m, m.parent / "b", ["tflite"]), "known targets"),
        (lambda m: lstm_export.verify(m, m), "is no bundle and no artifact"),
        (lambda m: lstm_export.verify(m.parent / "missing"), "cannot read .*missing"),
        (lstm_export.load, "is no bundle and no artifact"),
    ],
)
def test_bad_requests_write_nothing(seed_checkpoint: Path, call: Any, message: str) -> None:
    before = seed_checkpoint.read_bytes()
    with pytest.raises(InputError, match=message):
        call(seed_checkpoint)
    assert listing(seed_checkpoint.parent) == ["model.pt"]
    assert seed_checkpoint.read_bytes() == before


def test_an_artifact_without_its_model_says_what_to_name(seed_checkpoint: Path) -> None:
    lstm_export.export(seed_checkpoint, "onnx")
    with pytest.raises(InputError, match="name its model"):
        lstm_export.verify(seed_checkpoint.with_suffix(".onnx"))


def test_a_bundle_without_the_engine_lists_its_own(seed_checkpoint: Path) -> None:
    bundle = seed_checkpoint.with_suffix(".bundle")
    lstm_export.package(seed_checkpoint, bundle)
    with pytest.raises(
        InputError, match="holds no artifact for 'torchscript'; it runs with onnx, c"
    ):
        lstm_export.load(bundle, engine="torchscript")


def test_a_bundle_of_another_model_is_told(seed_checkpoint: Path, tmp_path: Path) -> None:
    lstm_export.package(seed_checkpoint, tmp_path / "m.bundle")
    write_checkpoint(tmp_path / "other.pt", Checkpoint(CHAINS["no head"]))
    with pytest.raises(
        InputError, match="takes 10 features and gives 1 outputs, the model 2 and 9: .*another"
    ):
        lstm_export.verify(tmp_path / "m.bundle", tmp_path / "other.pt")


def test_a_bundle_is_judged_against_the_modules_own_forward(tmp_path: Path) -> None:
    """The weights are the same; the ReLU is not in them."""
    module = LSTMModel(nn.ReLU())
    lstm_export.package(module.state_dict(), tmp_path / "m.bundle")
    (report,) = lstm_export.verify(tmp_path / "m.bundle", module)
    assert report.verdict == "failed"
    assert (
        report.structure
        == "the chain is 'lstm LSTM(4, 6, num_layers=2) -> last LastStep -> fc Linear(6, 2)', "
        + (
            "expected 'lstm LSTM(4, 6, num_layers=2) -> last LastStep -> relu Activation(relu) -> fc Linear(6, 2)'"
        )
    )


def test_a_bundle_with_a_target_of_a_later_version_still_verifies(
    seed_checkpoint: Path, tmp_path: Path
) -> None:
    from lstm_export.bundle import Artifact, make_bundle, write_bundle
    from lstm_export.parity import all_ok, golden_sets

    lstm_export.export(seed_checkpoint, "onnx")
    artifacts = [
        Artifact("onnx", ".onnx", (tmp_path / "model.onnx").read_bytes()),
        Artifact("later", ".x", b"x"),
    ]
    write_bundle(
        tmp_path / "m.bundle", make_bundle(CHAINS["seed"], golden_sets(CHAINS["seed"]), artifacts)
    )
    reports = lstm_export.verify(tmp_path / "m.bundle")
    assert all_ok(reports)
    assert {report.subject: bool(report.sets) for report in reports} == {
        "onnx": True,
        "later": False,
    }


class Odd(nn.Module):  # type: ignore[misc, name-defined]
    """Answers of a tuple, and state of a fixed batch."""

    def __init__(self, answer: str) -> None:
        super().__init__()
        self.lstm, self.fc, self.answer = nn.LSTM(4, 6, batch_first=True), nn.Linear(6, 2), answer

    def forward(self, x: Any) -> Any:
        zeros = torch.zeros(1, 1, 6)
        y = self.fc(
            self.lstm(x, (zeros, zeros) if self.answer == "fixed batch" else None)[0][:, -1]
        )
        return (y, None) if self.answer == "tuple" else y


def test_a_module_that_cannot_be_compared_is_told_why(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedModel, match="refused x"):
        lstm_export.export(Odd("fixed batch"), "onnx", tmp_path / "m.onnx")


def test_a_module_that_answers_with_a_tuple_is_compared_by_its_first_tensor(tmp_path: Path) -> None:
    assert lstm_export.export(Odd("tuple"), "onnx", tmp_path / "m.onnx").ok


def test_a_flipped_bit_in_a_bundle_is_told(seed_checkpoint: Path, tmp_path: Path) -> None:
    lstm_export.package(seed_checkpoint, tmp_path / "m.bundle")
    data = bytearray((tmp_path / "m.bundle").read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "m.bundle").write_bytes(data)
    with pytest.raises(BundleError):
        lstm_export.verify(tmp_path / "m.bundle")


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
    """The system's answer is put in its mouth: root, as which tests often run, may write anywhere."""

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


def test_every_target_is_offered() -> None:
    assert targets.names() == ("c", "onnx", "onnx-stream", "torchscript")
    assert pipeline.DEFAULT_TARGETS == ("onnx",)


def test_a_bidirectional_chain_is_no_stream(tmp_path: Path) -> None:
    checkpoint = Checkpoint(CHAINS["bidirectional"])
    with pytest.raises(InputError, match="mode state: lstm is bidirectional"):
        lstm_export.package(checkpoint, tmp_path / "m.bundle", mode="state")
    assert not listing(tmp_path)


@pytest.mark.parametrize("name", ["seed", "bidirectional", "every step"])
def test_a_bundle_with_lengths_verifies_alone_and_answers_lists(name: str, tmp_path: Path) -> None:
    """On a device by its golden vectors, rows of unequal length among them."""
    model, path = CHAINS[name], tmp_path / "m.bundle"
    (report,) = lstm_export.package(Checkpoint(model), path, lengths=True)
    assert report.ok, report.table()
    assert "unequal lengths" in {result.name for result in report.sets}
    (alone,) = lstm_export.verify(path)
    assert [result.name for result in alone.sets] == [result.name for result in report.sets]
    assert alone.ok, alone.table()
    assert lstm_export.verify(path, Checkpoint(model))[0].ok
    x = drawn(model, 2, 5)
    y = lstm_export.load(path)([x[0, :3], x[1]])
    assert y[0].shape == forward(model, x[:1, :3]).y[0].shape


def test_lengths_reach_only_targets_that_take_them(seed_checkpoint: Path) -> None:
    path = seed_checkpoint.parent / "m.bundle"
    reports = lstm_export.package(seed_checkpoint, path, ["torchscript", "onnx"], lengths=True)
    judged = {
        report.subject: "unequal lengths" in {result.name for result in report.sets}
        for report in reports
    }
    assert judged == {"torchscript": False, "onnx": True}
    with pytest.raises(
        InputError, match="none of torchscript can take lengths; add the target onnx"
    ):
        lstm_export.package(seed_checkpoint, path, ["torchscript"], lengths=True)


def test_an_artifact_that_ignores_lengths_is_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its graph, and by its numbers alone where the graph cannot be read."""
    from lstm_export.targets.onnx import graph

    monkeypatch.setattr(
        graph.Graph,
        "pick_last",
        lambda self, name, value: self.node(
            "Gather", name, value, self.constant("last_index", np.array(-1, np.int64)), axis=1
        ),
    )
    with pytest.raises(ParityError) as caught:
        lstm_export.export(
            Checkpoint(CHAINS["bidirectional"]), "onnx", tmp_path / "m.onnx", lengths=True
        )
    failed = {result.name for result in caught.value.report.sets if result.verdict == "failed"}
    assert failed == {"unequal lengths"}
    assert not listing(tmp_path)


def test_an_artifact_asked_for_lengths_must_take_them(
    seed_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lstm_export.targets.onnx import writer

    original = writer.to_bytes
    monkeypatch.setattr(writer, "to_bytes", lambda model, opset, **_: original(model, opset))
    with pytest.raises(ParityError, match="was to take lengths, and does not"):
        lstm_export.export(seed_checkpoint, "onnx", lengths=True)
    assert listing(seed_checkpoint.parent) == ["model.pt"]


def test_the_endless_stream_is_measured_from_a_bundle_and_a_checkpoint(tmp_path: Path) -> None:
    model, windows = CHAINS["seed"], drawn(CHAINS["seed"], 4, 6)
    lstm_export.package(Checkpoint(model, windows), tmp_path / "m.bundle")
    opened = open_file(tmp_path / "m.bundle")
    found = endless_stream(opened)
    assert found == endless_stream(opened, Checkpoint(model, windows))
    with pytest.raises(InputError, match="no real windows are stored"):
        endless_stream(opened, Checkpoint(model))
