"""Names are labels, never the decision: what sounds like a loss, and the order of the file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstm_export.chains import ReadingOptions, from_state_dict, read_checkpoint
from lstm_export.model import forward

torch = pytest.importorskip("torch", reason='needs torch: pip install "lstm-export[export]"')
nn = torch.nn

NAMES = ("path_loss", "loss_head", "metric", "metric_fc", "criterion_proj", "loss", "criterion")


def state(name: str, module: Any, **others: Any) -> dict[str, Any]:
    """An LSTM(3, 8) and a module of this name; `others` are modules after it."""
    torch.manual_seed(0)
    modules = {"lstm": nn.LSTM(3, 8, batch_first=True), name: module, **others}
    return nn.ModuleDict(modules).state_dict()


def said(doubts: tuple[str, ...], name: str) -> list[str]:
    return [doubt for doubt in doubts if f"`{name}`" in doubt]


@pytest.mark.parametrize("name", NAMES)
def test_the_only_head_is_taken_whatever_its_name(name: str, tmp_path: Path) -> None:
    weights = state(name, nn.Linear(8, 2))
    found = from_state_dict(weights)
    assert found.forward == f"lstm, last, {name}"
    assert (
        "may belong to a loss or metric; the widths also allow lstm" in said(found.doubts, name)[0]
    )
    torch.save(weights, tmp_path / "m.pt")
    given = read_checkpoint(tmp_path / "m.pt", ReadingOptions(forward=f"lstm, last, {name}"))
    x = np.random.default_rng(0).normal(size=(2, 5, 3)).astype(np.float32)
    assert np.allclose(forward(given.model, x)[0], true_answer(weights, name, x), atol=1e-6)


def true_answer(weights: Mapping[str, Any], name: str, x: Any) -> Any:
    """torch's own answer at the last step."""
    lstm = nn.LSTM(3, 8, batch_first=True)
    lstm.load_state_dict({key[5:]: value for key, value in weights.items() if "lstm." in key})
    last = lstm(torch.from_numpy(x))[0][:, -1]
    return (last @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]).detach().numpy()


@pytest.mark.parametrize("name", NAMES)
def test_beside_a_head_it_is_left_out_and_said(name: str, tmp_path: Path) -> None:
    weights = state(name, nn.Linear(8, 2), head=nn.Linear(8, 4))
    found = from_state_dict(weights)
    assert found.forward == "lstm, last, head"
    assert "Linear(8, 2), is left out as part of a loss" in said(found.doubts, name)[0]
    given = from_state_dict(weights, ReadingOptions(forward=f"lstm, last, {name}"))
    assert given.forward == f"lstm, last, {name}"
    assert given.notes == ("not in the chain: head",)


def test_weights_of_classes_are_left_out_and_can_be_given() -> None:
    weights = state("fc", nn.Linear(8, 2)) | {"loss.weight": torch.ones(2)}
    found = from_state_dict(weights)
    assert found.forward == "lstm, last, fc"
    assert "is left out as part of a loss or metric" in said(found.doubts, "loss")[0]
    given = from_state_dict(weights, ReadingOptions(forward="lstm, last, fc, loss"))
    assert given.forward == "lstm, last, fc, loss"


@pytest.mark.parametrize("name", ["scale", "train_metrics.total", "temperature"])
def test_a_single_value_is_not_in_the_way_and_said(name: str) -> None:
    found = from_state_dict(state("fc", nn.Linear(8, 2)) | {name: torch.tensor(2.5)})
    assert found.forward == "lstm, last, fc"
    assert "a single value, 2.5, is left out" in said(found.doubts, name)[0]
    assert "a forward that uses it computes something else" in said(found.doubts, name)[0]


def test_what_a_loss_alone_would_hold_is_not_in_the_way() -> None:
    weights = state("fc", nn.Linear(8, 2), perceptual_loss=nn.Conv1d(2, 3, 5))
    found = from_state_dict(weights)
    assert found.forward == "lstm, last, fc"
    assert "a Conv1d" in said(found.doubts, "perceptual_loss")[0]


def test_every_order_that_widths_allow_is_doubted() -> None:
    modules = {"lstm": nn.LSTM(8, 8), "mid": nn.Linear(8, 8), "out": nn.Linear(8, 2)}
    found = from_state_dict(nn.ModuleDict(modules).state_dict())
    assert found.forward == "lstm, last, mid, relu, out"
    said = "the order lstm, mid, out is the file's; the widths also allow mid, lstm, out"
    assert found.doubts[0] == said
