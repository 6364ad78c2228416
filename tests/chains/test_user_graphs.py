"""What people write that is no chain: right as a live module, and of its weights alone told."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from lstm_export.chains import ReadingOptions, from_state_dict, read_checkpoint
from lstm_export.errors import UnsupportedModel
from lstm_export.model import forward
from lstm_export.verification.subject import read

torch = pytest.importorskip("torch", reason='needs torch: pip install "lstm-export[export]"')

from tests.kit.user_graphs import GRAPH_MODULES, make_graph  # noqa: E402


@pytest.mark.parametrize("name", GRAPH_MODULES)
def test_a_live_module_is_proved(name: str) -> None:
    found = read(make_graph(name))
    assert found.model.origin == "proved against the module"
    assert found.forward == GRAPH_MODULES[name].forward


@pytest.mark.parametrize("name", GRAPH_MODULES)
def test_of_its_weights_alone_the_difference_is_named(name: str) -> None:
    expected = GRAPH_MODULES[name]
    try:
        found = from_state_dict(make_graph(name).state_dict())
    except UnsupportedModel as error:
        assert expected.bare
        assert re.search(expected.bare, str(error))
        return
    if not expected.bare:
        assert found.forward == expected.forward
        return
    assert found.forward != expected.forward
    assert any(re.search(expected.bare, doubt) for doubt in found.doubts), found.doubts


RECORDED = ["mean over the steps", "maximum over the steps", "cell state", "sum of the steps"]
RECORDED += ["residual LSTM", "residual in the head", "gate", "last six steps"]
RECORDED += ["last value taken off", "mean taken off", "window by its deviation"]


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_answers_tell_what_weights_do_not(name: str, tmp_path: Path) -> None:
    module = make_graph(name)
    torch.save(module.state_dict(), tmp_path / "m.pt")
    width = read(module).model.signature.input_size
    x = torch.randn(6, 12, width) + torch.randn(6, 1, width)
    with torch.no_grad():
        np.savez(tmp_path / "ref.npz", x=x.numpy(), y=module(x).numpy())
    found = read_checkpoint(tmp_path / "m.pt", ReadingOptions(reference=tmp_path / "ref.npz"))
    assert found.model.origin == "proved against ref.npz"
    told_from = GRAPH_MODULES[name].forward
    expected = read_checkpoint(tmp_path / "m.pt", ReadingOptions(forward=told_from)).model
    is_right = np.allclose(
        forward(found.model, x.numpy()).y, forward(expected, x.numpy()).y, rtol=1e-12, atol=1e-12
    )
    # Another eps of a deviation may answer alike; then the doubts have to name it.
    assert is_right or any(told_from.removeprefix("y = ") in doubt for doubt in found.doubts)
