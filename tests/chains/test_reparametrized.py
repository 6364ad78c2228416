"""Weights in pieces: the chain computes what torch's own module does, or the pieces are named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstm_export.chains import ASSUME, from_state_dict, read_checkpoint
from lstm_export.errors import UnsupportedModel
from lstm_export.model import forward

torch = pytest.importorskip("torch", reason='needs torch: pip install "lstm-export[export]"')

from torch.nn.utils import prune  # noqa: E402

from tests.kit.checkpoint_files import LSTMModel, saved  # noqa: E402

utils = torch.nn.utils


def pruned(net: LSTMModel) -> None:
    prune.random_unstructured(net.lstm, "weight_hh_l0", 0.5)
    prune.ln_structured(net.fc, "weight", 0.5, n=2, dim=1)
    prune.l1_unstructured(net.fc, "bias", 0.5)


def by_length(net: LSTMModel, dim: int | None = 0) -> None:
    for name in ("weight_ih_l0", "weight_hh_l0"):
        utils.weight_norm(net.lstm, name, dim)
    utils.weight_norm(net.fc, "weight", dim)
    changed(net)


def parametrized(net: LSTMModel, dim: int = 0) -> None:
    for name in ("weight_ih_l0", "weight_hh_l0"):
        utils.parametrizations.weight_norm(net.lstm, name, dim)
    utils.parametrizations.weight_norm(net.fc, "weight", dim)
    changed(net)


def changed(net: LSTMModel) -> None:
    """As after training: lengths and directions are not those of the start."""
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.mul_(torch.rand_like(parameter) + 0.5)


READ: dict[str, tuple[Callable[[Any], None], str]] = {
    "pruned": (pruned, "fc.bias, fc.weight, lstm.weight_hh_l0: pruned by its mask"),
    "weight_norm": (by_length, "as weight_norm does"),
    "weight_norm of columns": (lambda net: by_length(net, 1), "as weight_norm does"),
    "weight_norm as a whole": (lambda net: by_length(net, None), "as weight_norm does"),
    "parametrized": (parametrized, "as weight_norm does"),
    "parametrized columns": (lambda net: parametrized(net, 1), "as weight_norm does"),
}


def module(change: Callable[[Any], None]) -> Any:
    torch.manual_seed(0)
    net = LSTMModel(3, 4, 2).eval()
    change(net)
    return net


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("kind", READ)
def test_the_chain_computes_what_torch_does(kind: str, tmp_path: Path) -> None:
    change, note = READ[kind]
    net = module(change)
    (tmp_path / "m.pt").write_bytes(saved(net.state_dict()))
    found = read_checkpoint(tmp_path / "m.pt")
    assert found.model.chain == "lstm, last, fc"
    assert any(note in each for each in found.notes), found.notes
    x = np.random.default_rng(0).normal(size=(2, 7, 3)).astype(np.float32)
    with torch.no_grad():
        expected = net(torch.tensor(x)).numpy()
    # torch rounds to float32 at every operation
    np.testing.assert_allclose(forward(found.model, x).y, expected, rtol=1e-5, atol=1e-6)


LIVE = {**{kind: change for kind, (change, _) in READ.items()}, "spectral_norm": None}


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("kind", LIVE)
def test_a_live_module_has_the_weights_that_it_computes_with(kind: str) -> None:
    """Also where a hook computes them, which deepcopy refuses; the module stays as it is."""
    net = module(LIVE[kind] or (lambda net: utils.spectral_norm(net.fc)))
    before = {name: value.clone() for name, value in net.state_dict().items()}
    found = from_state_dict(net.state_dict(), ASSUME, net)
    assert found.model.origin.startswith("proved")
    x = np.random.default_rng(0).normal(size=(2, 7, 3)).astype(np.float32)
    with torch.no_grad():
        expected = net(torch.tensor(x)).numpy()
    # torch rounds to float32 at every operation
    np.testing.assert_allclose(forward(found.model, x).y, expected, rtol=1e-5, atol=1e-6)
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())


def test_a_pruned_lstm_is_found_among_several_state_dicts(tmp_path: Path) -> None:
    net = module(parametrized)
    prune.l1_unstructured(net.lstm, "bias_hh_l0", 0.5)
    other = {"fc.weight": torch.zeros(3, 3)}
    (tmp_path / "m.pt").write_bytes(saved({"other": other, "net": net.state_dict()}))
    found = read_checkpoint(tmp_path / "m.pt")
    assert found.contents is not None
    assert (found.contents.key, found.model.chain) == ("net", "lstm, last, fc")


REFUSED: dict[str, tuple[Callable[[Any], Any], str]] = {
    "spectral_norm": (
        lambda net: utils.spectral_norm(net.fc),
        r'fc.weight is computed by spectral_norm.*spectral_norm\(fc, "weight"\) before saving, or',
    ),
    "parametrized spectral_norm": (
        lambda net: utils.parametrizations.spectral_norm(net.lstm, "weight_hh_l0"),
        r"lstm.weight_hh_l0 is computed by a parametrization.*remove_parametrizations\(lstm",
    ),
    "orthogonal": (
        lambda net: utils.parametrizations.orthogonal(net.fc),
        "fc.weight is computed by a parametrization.*export the live module",
    ),
}


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("kind", REFUSED)
def test_other_pieces_are_refused_by_name(kind: str, tmp_path: Path) -> None:
    change, message = REFUSED[kind]
    (tmp_path / "m.pt").write_bytes(saved(module(change).state_dict()))
    with pytest.raises(UnsupportedModel, match=message):
        read_checkpoint(tmp_path / "m.pt")


def test_a_mask_that_is_lost_is_said(tmp_path: Path) -> None:
    weights = module(pruned).state_dict()
    del weights["lstm.weight_hh_l0_mask"]
    (tmp_path / "m.pt").write_bytes(saved(weights))
    with pytest.raises(UnsupportedModel, match="lstm.weight_hh_l0 is computed by a hook"):
        read_checkpoint(tmp_path / "m.pt")
