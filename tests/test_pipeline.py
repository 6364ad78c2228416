"""The verbs: nothing is left behind that was not verified, nothing that was there is lost."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lstm_export
from lstm_export import pipeline, targets
from lstm_export.chains import Checkpoint, write_checkpoint
from lstm_export.errors import BundleError, InputError, ParityError
from lstm_export.model import Model, forward
from lstm_export.model.gates import ONNX_GATES, ONNX_ORDERS
from lstm_export.verification.endless_stream import endless_stream
from lstm_export.verification.opened_file import open_file
from tests.kit.builders import drawn
from tests.kit.chains import CHAINS
from tests.kit.graphs import FORECASTS

torch = pytest.importorskip("torch", reason='needs torch: pip install "lstm-export[export]"')
onnx = pytest.importorskip("onnx", reason='needs onnx: pip install "lstm-export[export]"')

nn = torch.nn


def listing(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_export_verifies_and_lies_beside_the_model(seed_checkpoint: Path) -> None:
    report = lstm_export.export(seed_checkpoint, "onnx")
    assert report.ok, report.table()
    assert report.structure == "identical"
    assert listing(seed_checkpoint.parent) == ["model.onnx", "model.pt"]


def _swap_two_gates(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the writer and in the reader alike, so that only the numbers can tell."""
    wrong = ("input", "forget", "output", "cell")
    assert wrong != ONNX_GATES
    monkeypatch.setitem(ONNX_ORDERS, "LSTM", wrong)


def _last_step_off_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """The step before the last, where there is one: Y without its last entry, then the last of what
    is left.
    """
    from lstm_export.targets.onnx import writer
    from lstm_export.targets.onnx.graph import as_row

    def last_step(stage: Any, graph: Any, around: Any) -> None:
        recurrent = graph._nodes[-1]
        recurrent.output[:] = [f"{recurrent.name}/Y"]
        graph.value = replace(graph.value, name=recurrent.output[0])
        graph.squeeze(f"{stage.name}/steps", axis=1)
        graph.add("Gather", stage.name, graph.integer("last_index", -2), axis=0)
        graph.value = as_row(graph.value)

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
    assert report.structure == (
        "fc.weight differs in 1 of 50 values; the largest: "
        "fc.weight[0, 7] is 0.109853052, the model's is 0.109853044"
    )


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
    # A TorchScript archive is code: out of a bundle it is run only beside the model that it was
    # made from.
    assert all(
        "opening it runs the code in it; name the model" in report.notes[0]
        for name, report in alone.items()
        if name != "onnx"
    )
    for name in names:
        x = drawn(CHAINS["seed"], 3, 9)
        y = lstm_export.load(bundle, engine=name, trust=True)(x)
        # 20 roundings of outputs below 1
        np.testing.assert_allclose(y, forward(CHAINS["seed"], x).y, rtol=0, atol=20 * 2.0**-24)


def test_the_same_model_gives_the_same_bundle(seed_checkpoint: Path) -> None:
    paths = [seed_checkpoint.parent / f"{name}.bundle" for name in ("first", "second")]
    for path in paths:
        lstm_export.package(seed_checkpoint, path)
    assert paths[0].read_bytes() == paths[1].read_bytes()


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
        (lambda m: lstm_export.export(m, "tflite"), "known targets: c, "),
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
        InputError, match="for 'torchscript'; it runs with onnx, c, numpy: name .* with --engine"
    ):
        lstm_export.load(bundle, engine="torchscript")


@pytest.mark.parametrize("engine", ["onnx", "numpy", None])
def test_a_sequence_shorter_than_a_forecast_is_refused_in_the_same_words(
    engine: str | None, tmp_path: Path
) -> None:
    """By every engine of a bundle and, with None, by a lone artifact."""
    model = FORECASTS["last steps"]
    path = tmp_path / ("m.bundle" if engine else "m.onnx")
    if engine:
        lstm_export.package(Checkpoint(model), path)
    else:
        lstm_export.export(Checkpoint(model), "onnx", path)
    session = lstm_export.load(path, engine)
    x = drawn(model, 2, 5)
    said = "length 2, expected at least 3 steps"
    for short, lengths in ((x[:, :2], None), ([x[0], x[1, :2]], None), (x, [5, 2])):
        with pytest.raises(InputError, match=said):
            session(short, lengths=lengths)
    with pytest.raises(InputError, match="window is 2, expected at least 3 samples"):
        session.stream(window=2)
    assert session([]).shape == (0, 6)
    np.testing.assert_allclose(session(x[:, :3]), forward(model, x[:, :3]).y, rtol=1e-4, atol=1e-5)


def test_a_bundle_of_another_model_is_told(seed_checkpoint: Path, tmp_path: Path) -> None:
    lstm_export.package(seed_checkpoint, tmp_path / "m.bundle")
    write_checkpoint(tmp_path / "other.pt", Checkpoint(CHAINS["no head"]))
    with pytest.raises(
        InputError, match="takes 10 features and gives 1 outputs, the model 2 and 9: .*another"
    ):
        lstm_export.verify(tmp_path / "m.bundle", tmp_path / "other.pt")


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


def test_a_flipped_bit_in_a_bundle_is_told(seed_checkpoint: Path, tmp_path: Path) -> None:
    lstm_export.package(seed_checkpoint, tmp_path / "m.bundle")
    data = bytearray((tmp_path / "m.bundle").read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "m.bundle").write_bytes(data)
    with pytest.raises(BundleError):
        lstm_export.verify(tmp_path / "m.bundle")


def test_every_target_is_offered() -> None:
    assert set(targets.names()) >= {"c", "onnx", "onnx-stream", "torchscript"}
    assert pipeline.DEFAULT_TARGETS == ("onnx",)


def test_a_bidirectional_chain_is_no_stream(tmp_path: Path) -> None:
    checkpoint = Checkpoint(CHAINS["bidirectional"])
    with pytest.raises(InputError, match="mode state: lstm is bidirectional"):
        lstm_export.package(checkpoint, tmp_path / "m.bundle", mode="state")
    assert not listing(tmp_path)


def test_the_endless_stream_is_measured_from_a_bundle_and_a_checkpoint(tmp_path: Path) -> None:
    model = CHAINS["seed"]
    windows = drawn(CHAINS["seed"], 4, 6)
    lstm_export.package(Checkpoint(model, windows), tmp_path / "m.bundle")
    opened = open_file(tmp_path / "m.bundle")
    found = endless_stream(opened)
    assert found == endless_stream(opened, Checkpoint(model, windows))
    with pytest.raises(InputError, match="no real windows are stored"):
        endless_stream(opened, Checkpoint(model))
