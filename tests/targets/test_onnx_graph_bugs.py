"""An edited graph computes what the catalogue says of its bug."""

from __future__ import annotations

import numpy as np
import pytest

for package in ("torch", "onnx", "onnxruntime"):
    pytest.importorskip(package, reason='needs torch and onnx: pip install "lstm-export[export]"')

from lstm_export.model import Array  # noqa: E402
from lstm_export.model.lowering import lower_projections  # noqa: E402
from lstm_export.parity import GoldenSet, catalogue, check  # noqa: E402
from lstm_export.parity.golden import hard_inputs  # noqa: E402
from lstm_export.parity.noise import Input  # noqa: E402
from lstm_export.targets import onnx  # noqa: E402
from lstm_export.targets.onnx.graph_bugs import EDITS, broken  # noqa: E402
from lstm_export.targets.onnx.writer import to_bytes  # noqa: E402
from tests.kit.chains import MODELS  # noqa: E402


@pytest.mark.parametrize("name", MODELS)
def test_an_edited_graph_agrees_with_its_definition(name: str) -> None:
    model = lower_projections(MODELS[name])
    inputs: dict[str, Input] = {key: (x, None) for key, x in hard_inputs(model).items()}
    data = to_bytes(model, onnx.DEFAULT_OPSET)
    seen = set()
    for bug in catalogue(model):
        edited = None if bug.is_model or bug.place else broken(data, bug.kind)
        if edited is None:
            continue
        golden = GoldenSet.of_many(bug, inputs, large=False)
        report = check(onnx.load(edited), golden, subject=bug.kind)
        answered = [result for result in report.sets if not result.reason]  # t1 has no step before
        assert len(answered) > 4
        assert all(result.verdict == "passed" for result in answered), (bug.kind, answered)
        seen.add(bug.kind)
    assert "the sequence read backwards" in seen


@pytest.mark.parametrize("name", ["pools", "running pools", "pooled", "window"])
def test_a_pool_of_padding_agrees_with_its_definition(name: str) -> None:
    model = MODELS[name]
    inputs = _of_unequal_length(hard_inputs(model))
    data = to_bytes(model, onnx.DEFAULT_OPSET, lengths=True)
    bugs = [bug for bug in catalogue(model) if bug.kind.startswith("padding ")]
    assert bugs
    for bug in bugs:
        edited = broken(data, bug.kind)
        assert edited is not None
        report = check(onnx.load(edited), GoldenSet.of_many(bug, inputs, large=False), subject="")
        assert report.ok, report.table()


def _of_unequal_length(inputs: dict[str, Array]) -> dict[str, Input]:
    """Rows of which only the last is whole."""
    cut: dict[str, Input] = {}
    for name, x in inputs.items():
        batch, seq, _ = x.shape
        lengths = np.linspace(1, seq, batch).astype(np.int64)
        counted = np.arange(seq) < lengths[:, np.newaxis]
        cut[name] = np.where(counted[..., np.newaxis], x, 0.0), lengths
    return cut


def test_every_edit_is_a_bug_of_the_catalogue_that_no_model_has() -> None:
    kinds = {bug.kind for model in MODELS.values() for bug in catalogue(model) if not bug.is_model}
    assert set(EDITS) < kinds
