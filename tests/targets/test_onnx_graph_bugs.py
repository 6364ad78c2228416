"""An edited graph computes what the catalogue says of its bug."""

from __future__ import annotations

import pytest

for package in ("torch", "onnx", "onnxruntime"):
    pytest.importorskip(package, reason='needs torch and onnx: pip install "lstm-export[export]"')

from lstm_export.model.lowering import lower_projections  # noqa: E402
from lstm_export.parity import GoldenSet, catalogue, check  # noqa: E402
from lstm_export.parity.golden import trouble  # noqa: E402
from lstm_export.targets import onnx  # noqa: E402
from lstm_export.targets.onnx.graph_bugs import EDITS, broken  # noqa: E402
from lstm_export.targets.onnx.writer import to_bytes  # noqa: E402
from tests.kit.chains import CHAINS  # noqa: E402


@pytest.mark.parametrize("name", CHAINS)
def test_an_edited_graph_agrees_with_its_definition(name: str) -> None:
    model = lower_projections(CHAINS[name])
    inputs = {key: (x, None) for key, x in trouble(model).items()}
    data = to_bytes(model, onnx.DEFAULT_OPSET)
    seen = set()
    for bug in catalogue(model):
        edited = None if bug.is_model or bug.place else broken(data, bug.kind)
        if edited is None:
            continue
        golden = GoldenSet.several(bug, inputs, large=False)
        report = check(onnx.load(edited), golden, subject=bug.kind)
        answered = [result for result in report.sets if not result.reason]  # t1 has no step before
        assert len(answered) > 4
        assert all(result.verdict == "passed" for result in answered), (bug.kind, answered)
        seen.add(bug.kind)
    assert "the sequence read backwards" in seen


def test_every_edit_is_a_bug_of_the_catalogue_that_no_model_has() -> None:
    kinds = {bug.kind for model in CHAINS.values() for bug in catalogue(model) if not bug.is_model}
    assert set(EDITS) < kinds
