"""assert_parity: quiet where all is well, else an AssertionError that holds the report."""

from __future__ import annotations

from pathlib import Path

import pytest

import lstm_export
from lstm_export.chains import Checkpoint, write_checkpoint
from lstm_export.model import forward
from lstm_export.testing import assert_parity
from tests.kit.builders import redrawn
from tests.kit.chains import CHAINS

torch = pytest.importorskip("torch", reason='needs torch: pip install "lstm-export[export]"')
pytest.importorskip("onnx", reason='needs onnx: pip install "lstm-export[export]"')
from lstm_export.model.torch_module import to_module  # noqa: E402


def test_what_agrees_passes(seed_checkpoint: Path) -> None:
    lstm_export.export(seed_checkpoint, "onnx")
    lstm_export.package(seed_checkpoint, seed_checkpoint.with_suffix(".bundle"))
    assert_parity(seed_checkpoint.with_suffix(".onnx"), seed_checkpoint)
    assert_parity(seed_checkpoint.with_suffix(".bundle"), seed_checkpoint)
    assert_parity(to_module(CHAINS["seed"]), seed_checkpoint)
    assert_parity(lambda x: forward(CHAINS["seed"], x).y, seed_checkpoint)


def test_what_differs_is_an_assertion_error(seed_checkpoint: Path, tmp_path: Path) -> None:
    lstm_export.export(seed_checkpoint, "onnx")
    write_checkpoint(tmp_path / "other.pt", Checkpoint(redrawn(CHAINS["seed"])))
    with pytest.raises(AssertionError, match=r"(?s)onnx: failed.*golden set"):
        assert_parity(seed_checkpoint.with_suffix(".onnx"), tmp_path / "other.pt")
    module = to_module(CHAINS["seed"])
    with torch.no_grad():
        module[-1].weight[0, 0] += 1e-3
    with pytest.raises(AssertionError, match="failed"):
        assert_parity(module, seed_checkpoint)
    with pytest.raises(AssertionError, match="failed"):
        assert_parity(lambda x: 0 * forward(CHAINS["seed"], x).y, seed_checkpoint)
