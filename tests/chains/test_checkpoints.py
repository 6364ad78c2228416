"""Checkpoints: what is read, and the one sentence for each file that is not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstm_export.chains import Checkpoint, from_state_dict, read_checkpoint, write_checkpoint
from lstm_export.errors import CheckpointError, LstmExportError
from lstm_export.model import Column, Model, Signature
from tests.kit.chains import CHAINS
from tests.kit.checkpoint_files import LSTMModel, saved, state

torch = pytest.importorskip("torch", reason='needs torch: pip install "lstm-export[export]"')
nn = torch.nn


def renamed(**prefixes: str) -> dict[str, Any]:
    return {
        prefixes[key.split(".")[0]] + key.split(".", 1)[1]: tensor
        for key, tensor in state().items()
    }


def test_reads_a_bare_state_dict(seed_checkpoint: Path, seed_model: Model) -> None:
    found = read_checkpoint(seed_checkpoint).model
    assert found == seed_model
    assert (found.origin, found.chain) == ("assumed", "lstm, last, fc")


@pytest.mark.parametrize(
    ("lstm", "fc", "chain"),
    [
        ("lstm.", "fc.", "lstm, last, fc"),
        ("model.lstm.", "model.linear.", "model.lstm, last, model.linear"),
        ("module.rnn.", "module.out.", "module.rnn, last, module.out"),
        ("", "fc.", "lstm, last, fc"),
    ],
)
def test_reads_any_prefix(tmp_path: Path, lstm: str, fc: str, chain: str) -> None:
    (tmp_path / "m.pt").write_bytes(saved(renamed(lstm=lstm, fc=fc)))
    assert read_checkpoint(tmp_path / "m.pt").model.chain == chain


@pytest.mark.parametrize(
    "names", [("lstm", "last"), ("last", "fc"), ("lstm", "type"), ("a.b", "a_b")]
)
def test_names_that_mean_something_else_elsewhere(tmp_path: Path, names: tuple[str, str]) -> None:
    from lstm_export import export

    (tmp_path / "m.pt").write_bytes(saved(renamed(lstm=f"{names[0]}.", fc=f"{names[1]}.")))
    assert export(tmp_path / "m.pt", "onnx").ok


def own(**changes: Any) -> bytes:
    """Our own format with some fields changed."""
    model = CHAINS["scalers"]
    content = {
        "format_version": 1,
        "state_dict": {name: torch.tensor(array) for name, array in model.arrays.items()},
        "chain": model.chain_record(),
        "signature": model.signature.to_record(),
        "facts": {},
        "windows": None,
    }
    return saved({**content, **changes})


@pytest.mark.parametrize(
    "changes",
    [
        {"chain": 5},
        {"chain": [5]},
        {"state_dict": 5},
        {"format_version": torch.tensor([1, 2])},
        {"facts": 5},
        {"signature": 5},
        {"windows": torch.zeros(0, 4, 3)},
        {"windows": torch.zeros(2, 0, 3)},
        {"windows": torch.full((1, 1, 3), float("nan"))},
    ],
)
def test_fields_of_another_kind_are_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    (tmp_path / "m.pt").write_bytes(own())
    read_checkpoint(tmp_path / "m.pt")
    (tmp_path / "m.pt").write_bytes(own(**changes))
    with pytest.raises(LstmExportError):
        read_checkpoint(tmp_path / "m.pt")


@pytest.mark.parametrize("dtype", ["float64", "float16", "bfloat16"])
def test_casts_other_floats_and_says_so(tmp_path: Path, dtype: str) -> None:
    (tmp_path / "m.pt").write_bytes(
        saved({k: v.to(getattr(torch, dtype)) for k, v in state().items()})
    )
    assert read_checkpoint(tmp_path / "m.pt").notes == (f"{dtype} weights were cast to float32",)


def test_a_live_module_gives_the_same_model() -> None:
    torch.manual_seed(0)
    module = LSTMModel(3, 4, 2)
    assert (
        from_state_dict(module.state_dict()).model.arrays["fc.bias"].tolist()
        == module.fc.bias.tolist()
    )


def test_our_own_checkpoint_comes_back_whole(tmp_path: Path) -> None:
    model = CHAINS["scalers"]
    columns = tuple(Column(name, "K", 0.0, 1.5) for name in "abc")
    signature = Signature(3, 6, columns, (Column("y", "m"),), window=4, horizon=6)
    model = Model(model.stages, signature, "stored")
    windows = np.random.default_rng(0).normal(size=(2, 4, 3)).astype(np.float32)
    facts = {"seed": 3, "metrics": [{"rmse": 1.25}], "versions": {"torch": "2"}}
    write_checkpoint(tmp_path / "m.pt", Checkpoint(model, windows, facts))
    found = read_checkpoint(tmp_path / "m.pt")
    assert found.model == model
    assert found.model.origin == "stored"
    assert (found.facts, found.source) == (facts, tmp_path / "m.pt")
    assert found.windows is not None
    np.testing.assert_array_equal(found.windows, windows)
    plain = torch.load(tmp_path / "m.pt", weights_only=True)
    assert {"lstm.weight_ih_l0", "fc.weight", "fc.bias"} <= set(plain["state_dict"])


CHAINS_REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "two heads": (
        lambda: saved(state(**{"b.weight": torch.zeros(1, 4)})),
        "fc and b are two heads",
    ),
    "unknown keys": (lambda: saved(state(**{"norm.running_mean": torch.zeros(4)})), "running_mean"),
    "no LSTM": (lambda: saved({"fc.weight": torch.zeros(1, 4)}), "no LSTM, GRU or RNN in it"),
    "two LSTMs": (
        lambda: saved(
            {f"{name}.{k}": v for name in "ab" for k, v in nn.LSTM(3, 4).state_dict().items()}
        ),
        "a and b both take 3: they stand side by side",
    ),
    "a model and its average": (
        lambda: saved(
            {f"{copy}.{k}": v for copy in ("model", "ema_model") for k, v in state().items()}
        ),
        'hold the same modules.*--key ema_model or --forward "ema_model.lstm, last, ema_model.fc"',
    ),
    "an average deeper down": (
        lambda: saved(
            {f"{copy}.{k}": v for copy in ("net", "ema.ema_model") for k, v in state().items()}
        ),
        "net and ema.ema_model hold the same modules.*--key ema.ema_model or --forward",
    ),
    "missing recurrent weight": (
        lambda: saved({k: v for k, v in state().items() if "weight_hh" not in k}),
        "expected weight_ih_l0 and weight_hh_l0",
    ),
    "wrong size": (
        lambda: saved(state(**{"fc.weight": torch.zeros(2, 5)})),
        "fc takes 5, which none of the others yields",
    ),
    "cut layer": (lambda: saved(state(**{"lstm.weight_hh_l1": torch.zeros(16, 4)})), "lstm"),
}


@pytest.mark.parametrize("kind", CHAINS_REFUSED)
def test_what_is_no_known_chain_gets_its_sentence(kind: str, tmp_path: Path) -> None:
    make, message = CHAINS_REFUSED[kind]
    path = tmp_path / "model.pt"
    path.write_bytes(make())
    with pytest.raises(LstmExportError, match=message) as caught:
        read_checkpoint(path)
    text = str(caught.value)
    assert text.startswith(f"{path}: ")
    assert "\n" not in text


def test_a_path_may_be_text(seed_checkpoint: Path, seed_model: Model) -> None:
    found = read_checkpoint(str(seed_checkpoint))
    assert (found.model, found.source) == (seed_model, seed_checkpoint)


@pytest.mark.parametrize("name", ["missing.pt", "."])
def test_unreadable_paths(tmp_path: Path, name: str) -> None:
    with pytest.raises(CheckpointError, match="name a checkpoint"):
        read_checkpoint(tmp_path / name)


def test_mutated_files_end_in_words(tmp_path: Path) -> None:
    """Any byte changed anywhere: the same model, or one sentence."""
    data = saved(state())
    path = tmp_path / "m.pt"
    path.write_bytes(data)
    good = read_checkpoint(path).model
    random = np.random.default_rng(0)
    for _ in range(300):
        changed = bytearray(data)
        for place in random.integers(0, len(data), int(random.integers(1, 4))):
            changed[place] = random.integers(0, 256)
        path.write_bytes(bytes(changed))
        try:
            assert read_checkpoint(path).model == good
        except LstmExportError as error:
            assert "\n" not in str(error)
