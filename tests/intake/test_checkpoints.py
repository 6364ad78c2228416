"""Checkpoints: what is read, and the one sentence for each file that is not."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstm_export.errors import CheckpointError, LstmExportError
from lstm_export.intake import Checkpoint, from_state_dict, read_checkpoint, write_checkpoint
from lstm_export.model import Column, Model, Signature
from tests.conftest import CHAINS

torch = pytest.importorskip("torch", reason='needs torch: pip install "lstm-export[export]"')
nn = torch.nn


class LSTMModel(nn.Module):  # type: ignore[misc, name-defined]
    """The class of the README, as its user wrote it."""

    def __init__(self, input_size: int, hidden_size: int, output_size: int, num_layers: int = 1) -> None:
        super().__init__()
        self.lstm = nn.LSTM(input_size, hidden_size, num_layers, batch_first=True)
        self.fc = nn.Linear(hidden_size, output_size)

    def forward(self, x: Any) -> Any:
        return self.fc(self.lstm(x)[0][:, -1, :])


def saved(value: Any) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer)
    return buffer.getvalue()


def state(**changes: Any) -> dict[str, Any]:
    torch.manual_seed(0)
    return {**LSTMModel(3, 4, 2).state_dict(), **changes}


def renamed(**prefixes: str) -> dict[str, Any]:
    return {prefixes[key.split(".")[0]] + key.split(".", 1)[1]: tensor for key, tensor in state().items()}


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


@pytest.mark.parametrize("names", [("lstm", "last"), ("last", "fc"), ("lstm", "type"), ("a.b", "a_b")])
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


def pickled(opcodes: bytes) -> bytes:
    """A checkpoint whose data.pkl is just these opcodes."""

    def change(files: dict[str, bytes]) -> None:
        (name,) = (name for name in files if name.endswith("data.pkl"))
        files[name] = opcodes

    return rezipped(saved(state()), change)


# A tuple of twice the tuple before, 40 times, as the key of a dict: hashing it takes 2**40 steps.
HASH_BOMB = b"\x80\x02}(K\x01\x85q\x00" + b"".join(b"h%ch%c\x86q%c" % (i, i, i + 1) for i in range(40)) + b"K\x01u."


@pytest.mark.parametrize("dtype", ["float64", "float16", "bfloat16"])
def test_casts_other_floats_and_says_so(tmp_path: Path, dtype: str) -> None:
    (tmp_path / "m.pt").write_bytes(saved({k: v.to(getattr(torch, dtype)) for k, v in state().items()}))
    assert read_checkpoint(tmp_path / "m.pt").notes == (f"{dtype} weights were cast to float32",)


def test_a_live_module_gives_the_same_model() -> None:
    torch.manual_seed(0)
    module = LSTMModel(3, 4, 2)
    assert from_state_dict(module.state_dict()).model.arrays["fc.bias"].tolist() == module.fc.bias.tolist()


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


def rezipped(data: bytes, change: Callable[[dict[str, bytes]], None], method: int = zipfile.ZIP_STORED) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    change(files)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def _pickle_too_large(files: dict[str, bytes]) -> None:
    (name,) = (name for name in files if name.endswith("data.pkl"))
    files[name] += bytes(2**20)


def flipped(data: bytes) -> bytes:
    """One bit of a weight, as a bad disk or cable flips it."""
    weight = state()["fc.weight"].numpy().tobytes()
    place = data.index(weight)
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


class Payload:
    def __reduce__(self) -> Any:
        return (print, ("ran",))


FILES: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "the file is empty"),
    "text": (lambda: b"epoch,loss\n1,0.5\n", "the file is text"),
    "unknown bytes": (lambda: bytes(range(256)) * 4, "of an unknown kind"),
    "LFS pointer": (lambda: b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
    "Keras": (lambda: b"\x89HDF\r\n\x1a\n" + bytes(64), "HDF5"),
    "safetensors": (lambda: struct.pack("<Q", 2) + b"{}" + bytes(8), "safetensors"),
    "bare pickle": (lambda: b"\x80\x04N.", "bare pickle"),
    "cut": (lambda: saved(state())[:-200], "cut short or damaged"),
    "cut in half": (lambda: saved(state())[:900], "cut short or damaged"),
    "flipped bit": (lambda: flipped(saved(state())), "checksum of .* does not fit"),
    "compressed": (lambda: rezipped(saved(state()), lambda f: None, zipfile.ZIP_DEFLATED), "compressed zip"),
    "plain zip": (lambda: rezipped(saved(state()), lambda f: f.clear() or f.update(a=b"")), "without a data.pkl"),
    "pickle too large": (lambda: rezipped(saved(state()), _pickle_too_large), "data.pkl is .* expected at most"),
    "whole module": (lambda: saved(LSTMModel(3, 4, 2)), "LSTMModel"),
    "payload": (lambda: saved({"a": Payload()}), "print.* would run its code"),
    "numpy scalar": (lambda: saved({**state(), "best": np.float64(1)}), "numpy.* would run its code"),
    "a tensor": (lambda: saved(torch.zeros(3)), "holds a Tensor, expected a state_dict"),
    "a list": (lambda: saved([1, 2]), "holds a list"),
    "number keys": (lambda: saved({1: torch.zeros(3)}), "holds a dict"),
    "nothing": (lambda: saved({}), "no LSTM in it"),
    "nested": (lambda: saved({"model_state_dict": state(), "epoch": 3}), "under 'model_state_dict'; save that part"),
    "other values": (lambda: saved(state(epoch=3)), "'epoch' is a int"),
    "NaN": (lambda: saved(state(**{"fc.bias": torch.tensor([1.0, float("nan")])})), r"fc.bias\[1\] is nan"),
    "int weights": (lambda: saved(state(**{"fc.bias": torch.zeros(2, dtype=torch.int64)})), "dense float"),
    "sparse": (lambda: saved(state(**{"fc.weight": torch.eye(2, 4).to_sparse()})), "sparse|would run"),
    "expanded": (lambda: saved(state(**{"fc.weight": torch.zeros(1).expand(2, 4)})), "claims 8 values"),
    "hash bomb": (lambda: pickled(HASH_BOMB), "data.pkl is damaged .tuples within tuples"),
    "empty stack": (lambda: pickled(b"\x80\x02\x85."), "damaged or altered"),
    "bad persistent id": (lambda: pickled(b"\x80\x02K\x01Q."), "damaged or altered"),
    "one storage, many names": (
        lambda: saved({f"w{i}": tensor for tensor in [torch.zeros(2**20)] for i in range(600)}),
        "hold more than",
    ),
    "no head": (lambda: saved({k: v for k, v in state().items() if "lstm" in k}), "expected one Linear.*nothing"),
    "two heads": (lambda: saved(state(**{"b.weight": torch.zeros(1, 4)})), "expected one Linear.*b.weight"),
    "unknown keys": (lambda: saved(state(**{"norm.running_mean": torch.zeros(4)})), "running_mean"),
    "no LSTM": (lambda: saved({"fc.weight": torch.zeros(1, 4)}), "no LSTM in it"),
    "GRU": (lambda: saved({"gru." + k: v for k, v in nn.GRU(3, 4).state_dict().items()}), "gru is a GRU"),
    "RNN": (lambda: saved({"rnn." + k: v for k, v in nn.RNN(3, 4).state_dict().items()}), "a plain RNN"),
    "bidirectional": (
        lambda: saved({"lstm." + k: v for k, v in nn.LSTM(3, 4, bidirectional=True).state_dict().items()}),
        "lstm is bidirectional",
    ),
    "projections": (
        lambda: saved({"lstm." + k: v for k, v in nn.LSTM(3, 4, proj_size=2).state_dict().items()}),
        "proj_size",
    ),
    "two LSTMs": (
        lambda: saved({f"{name}.{k}": v for name in "ab" for k, v in nn.LSTM(3, 4).state_dict().items()}),
        "2 recurrent modules",
    ),
    "missing recurrent weight": (
        lambda: saved({k: v for k, v in state().items() if "weight_hh" not in k}),
        "expected weight_ih_l0 and weight_hh_l0",
    ),
    "wrong size": (
        lambda: saved(state(**{"fc.weight": torch.zeros(2, 5)})),
        r"fc.weight is \(2, 5\), expected \(2, 4\)",
    ),
    "cut layer": (lambda: saved(state(**{"lstm.weight_hh_l1": torch.zeros(16, 4)})), "lstm"),
    "newer format": (lambda: saved({"format_version": 99}), "format version is 99"),
    "half a checkpoint": (lambda: saved({"format_version": 1, "state_dict": {}}), "lacks chain"),
}


@pytest.mark.parametrize("kind", FILES)
def test_every_bad_file_gets_its_sentence(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make, message = FILES[kind]
    path = tmp_path / "model.pt"
    path.write_bytes(make())
    with pytest.raises(LstmExportError, match=message) as caught:
        read_checkpoint(path)
    text = str(caught.value)
    assert text.startswith(f"{path}: ")
    assert "\n" not in text
    assert "weights_only" not in text
    assert "ran" not in capsys.readouterr().out


def test_torchscript_is_named(tmp_path: Path) -> None:
    from lstm_export import targets

    targets.get("torchscript").export(CHAINS["seed"], tmp_path / "m.pt")
    with pytest.raises(CheckpointError, match="TorchScript archive, not a checkpoint"):
        read_checkpoint(tmp_path / "m.pt")


@pytest.mark.parametrize("name", ["missing.pt", "."])
def test_unreadable_paths(tmp_path: Path, name: str) -> None:
    with pytest.raises(CheckpointError, match="name a checkpoint"):
        read_checkpoint(tmp_path / name)


def test_mutated_files_end_in_words(tmp_path: Path) -> None:
    """Any byte changed anywhere: the same model, or one sentence."""
    data, path = saved(state()), tmp_path / "m.pt"
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
