"""Bundles of artifacts that take the lengths of a padded batch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import lstm_export
from lstm_export.chains import Checkpoint
from lstm_export.errors import InputError, ParityError
from lstm_export.model import forward
from tests.kit.builders import drawn
from tests.kit.chains import CHAINS

torch = pytest.importorskip("torch", reason='needs torch: pip install "lstm-export[export]"')
onnx = pytest.importorskip("onnx", reason='needs onnx: pip install "lstm-export[export]"')
nn = torch.nn


def listing(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("name", ["seed", "bidirectional", "every step"])
def test_a_bundle_with_lengths_verifies_alone_and_answers_lists(name: str, tmp_path: Path) -> None:
    """On a device by its golden vectors, rows of unequal length among them."""
    model = CHAINS[name]
    path = tmp_path / "m.bundle"
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
    with pytest.raises(InputError, match="none of torchscript takes lengths; add the target onnx"):
        lstm_export.package(seed_checkpoint, path, ["torchscript"], lengths=True)


def test_an_artifact_that_ignores_lengths_is_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its graph, and by its numbers alone where the graph cannot be read."""
    from lstm_export.targets.onnx import graph

    monkeypatch.setattr(
        graph.Graph,
        "pick_last",
        lambda self, name, value, last: self.node(
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
