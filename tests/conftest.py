"""Fixtures that every test can use; what they hand out is made in tests/kit."""

from __future__ import annotations

import signal
from functools import partial
from pathlib import Path

import pytest

from lstm_export.model import Model
from tests.kit.chains import CHAINS, MODELS


@pytest.fixture(scope="session", autouse=True)
def _heeds_ctrl_c() -> None:
    """Started in the background, as by nohup, the tests and their children would ignore it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(params=MODELS, ids=lambda name: name.replace(" ", "-"))
def model(request: pytest.FixtureRequest) -> Model:
    """Every chain and every graph in turn."""
    return MODELS[request.param]


@pytest.fixture
def quick_bench(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process an engine and a millisecond a block, not warmed up: enough to see that it works."""
    from lstm_export import bench
    from lstm_export.bench import process, timing

    monkeypatch.setattr(process, "STARTS", 1)
    monkeypatch.setattr(timing, "BLOCK_S", 1e-3)
    monkeypatch.setattr(bench, "Options", partial(bench.Options, warm_up_s=0.0))


@pytest.fixture
def seed_model() -> Model:
    """The chain of the README's class: LSTM(10, 50, num_layers=2), last step, Linear(50, 1)."""
    return CHAINS["seed"]


@pytest.fixture
def seed_checkpoint(tmp_path: Path, seed_model: Model) -> Path:
    """`model.pt` as a user saves it: `torch.save(model.state_dict())`."""
    torch = pytest.importorskip("torch", reason='needs torch: pip install "lstm-export[export]"')
    path = tmp_path / "model.pt"
    torch.save({name: torch.tensor(array) for name, array in seed_model.arrays.items()}, path)
    return path
