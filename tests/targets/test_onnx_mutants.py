"""An edited graph computes what the catalogue says of its bug."""

from __future__ import annotations

import pytest

for package in ("torch", "onnx", "onnxruntime"):
    pytest.importorskip(package, reason='needs torch and onnx: pip install "lstm-export[export]"')

from lstm_export.model.lowering import lower_projections  # noqa: E402
from lstm_export.parity import GoldenSet, catalogue, check  # noqa: E402
from lstm_export.parity.golden import trouble  # noqa: E402
from lstm_export.targets import onnx  # noqa: E402
from lstm_export.targets.onnx.mutants import broken  # noqa: E402
from lstm_export.targets.onnx.writer import to_bytes  # noqa: E402
from tests.kit.chains import CHAINS  # noqa: E402


@pytest.mark.parametrize("name", CHAINS)
def test_an_edited_graph_agrees_with_its_definition(name: str) -> None:
    model, seen = lower_projections(CHAINS[name]), set()
    inputs = {key: (x, None) for key, x in trouble(model).items()}
    data = to_bytes(model, onnx.DEFAULT_OPSET)
    for bug in catalogue(model):
        edited = None if bug.is_model or bug.place else broken(data, bug.kind)
        if edited is not None:
            golden = GoldenSet.several(bug, inputs, large=False)
            sets = check(onnx.load(edited), golden, subject=bug.kind).sets
            answered = [one for one in sets if not one.reason]  # of one step there is no step before the last
            assert len(answered) > 4
            assert all(one.verdict == "passed" for one in answered), (bug.kind, answered)
            seen.add(bug.kind)
    assert "the sequence read backwards" in seen
