"""Every way of saving weights: torch's own arrays, bit for bit, and the rest is said."""

from __future__ import annotations

import argparse
import collections
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstm_export.errors import CheckpointError
from lstm_export.reading import Contents, read_contents
from tests.kit.chains import CHAINS
from tests.kit.checkpoint_files import (
    LSTMModel,
    Rebuilt,
    model,
    old,
    rezipped,
    safetensors,
    saved,
    state,
    torch,
)

GOLDEN = Path(__file__).parents[1] / "golden"


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Contents]:
    def read_bytes(data: bytes, key: str | None = None) -> Contents:
        (tmp_path / "model.pt").write_bytes(data)
        return read_contents(tmp_path / "model.pt", key)

    return read_bytes


def assert_arrays(contents: Contents, expected: dict[str, Any]) -> None:
    assert list(contents.arrays) == list(expected)
    for name, tensor in expected.items():
        array = contents.arrays[name]
        assert array.dtype == np.float32
        assert array.shape == tuple(tensor.shape)
        assert array.tobytes() == tensor.float().contiguous().numpy().tobytes(), name
        assert not array.flags.writeable


def trained() -> dict[str, Any]:
    """What a training script keeps: optimizer, scheduler, losses, configuration."""
    net = model()
    optimizer = torch.optim.Adam(net.parameters())
    net(torch.zeros(1, 5, 3)).sum().backward()
    optimizer.step()
    return {
        "epoch": 3,
        "optimizer": optimizer.state_dict(),
        "losses": [0.5, 0.25],
        "config": {"hidden_size": 4, "features": ["a", "b", "c"], "lr": 1e-3, "tags": None},
        "rng": torch.zeros(7, dtype=torch.uint8),
    }


WAYS: dict[str, tuple[Callable[[dict[str, Any]], bytes], str]] = {
    "bare": (saved, "bare state_dict"),
    "plain dict": (lambda weights: saved(dict(weights)), "bare state_dict"),
    "old format": (old, "bare state_dict"),
    "protocol 4": (lambda weights: saved(weights, pickle_protocol=4), "bare state_dict"),
    "old format, protocol 4": (
        lambda weights: saved(weights, pickle_protocol=4, _use_new_zipfile_serialization=False),
        "bare state_dict",
    ),
    **{
        f"pickle.dump {n}": (lambda weights, n=n: pickle.dumps(weights, n), "bare state_dict")
        for n in (3, 4, 5)
    },
    **{
        f"under {key}": (
            lambda weights, key=key: saved({**trained(), key: weights}),
            f"state_dict under '{key}'",
        )
        for key in ("state_dict", "model_state_dict", "model", "net", "params")
    },
    "two levels down": (
        lambda weights: saved({"ckpt": {"net": weights}}),
        "state_dict under 'ckpt.net'",
    ),
    "in a list": (lambda weights: saved([{"epoch": 3}, weights]), "state_dict under '1'"),
    "beside a number": (lambda weights: saved({**weights, "epoch": 3}), "bare state_dict"),
    "beside a loss": (
        lambda weights: saved({"loss": torch.tensor(0.5), "net": weights}),
        "state_dict under 'net'",
    ),
    "under two names": (
        lambda weights: saved({"net": weights, "best": weights}),
        "state_dict under 'net'",
    ),
    "Lightning": (
        lambda weights: saved(
            {"pytorch-lightning_version": "2.4", "state_dict": weights, "optimizer_states": []}
        ),
        "Lightning checkpoint",
    ),
    "defaultdict": (
        lambda weights: saved(collections.defaultdict(list, weights)),
        "bare state_dict",
    ),
    "big-endian": (lambda weights: rezipped(saved(weights), big_endian), "bare state_dict"),
}


def big_endian(files: dict[str, bytes]) -> None:
    """As a machine of the other byte order writes it; all values here are float32."""
    for name, data in files.items():
        if "/data/" in name:
            files[name] = np.frombuffer(data, "<f4").astype(">f4").tobytes()
        elif name.endswith("/byteorder"):
            files[name] = b"big"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod.module.model."])
def test_reads_what_torch_reads(way: str, prefix: str, read: Callable[..., Contents]) -> None:
    save, how = WAYS[way]
    weights = {f"{prefix}{name}": tensor for name, tensor in state().items()}
    contents = read(save(weights))
    assert_arrays(contents, weights)
    assert contents.how == how


@pytest.mark.parametrize("dtype", ["float64", "float16", "bfloat16"])
@pytest.mark.parametrize("save", [saved, old, pickle.dumps])
def test_casts_other_floats_and_says_so(
    dtype: str, save: Any, read: Callable[..., Contents]
) -> None:
    weights = {name: tensor.to(getattr(torch, dtype)) for name, tensor in state().items()}
    contents = read(save(weights))
    assert_arrays(contents, weights)
    assert f"{dtype} weights were cast to float32" in contents.notes


VIEWS: dict[str, Callable[[], Any]] = {
    "flat": lambda: torch.arange(40.0)[8:16].view(
        2, 4
    ),  # as cuDNN's LSTMs are saved: views of one storage
    "transposed": lambda: torch.arange(8.0).view(4, 2).T,
    "strided": lambda: torch.arange(32.0).view(4, 8)[::2, ::2],
    "number": lambda: torch.tensor(2.5),
    "empty": lambda: torch.zeros(0, 4),
    "one": lambda: torch.ones(1, 1, 1),
    "parameter": lambda: torch.nn.Parameter(torch.arange(8.0)),
}


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("save", [saved, old, pickle.dumps])
def test_views_of_a_storage(view: str, save: Any, read: Callable[..., Contents]) -> None:
    weights = {
        "a": VIEWS[view]().detach() if view != "parameter" else VIEWS[view](),
        "b": torch.zeros(3),
    }
    contents = read(save(weights))
    assert_arrays(contents, {name: tensor.detach() for name, tensor in weights.items()})


def test_what_lies_beside_is_kept_or_named(read: Callable[..., Contents]) -> None:
    options = argparse.Namespace(hidden=4, path=Path("/data"))
    scalar = np._core.multiarray.scalar  # type: ignore[attr-defined]
    best = Rebuilt(scalar, np.dtype("f8"), np.float64(0.5).tobytes())
    contents = read(
        saved(
            {
                "net": state(),
                "args": options,
                "best": best,
                "metric": LSTMModel(1, 1, 1),
                **trained(),
            }
        )
    )
    assert contents.facts["config"] == {
        "hidden_size": 4,
        "features": ["a", "b", "c"],
        "lr": 1e-3,
        "tags": None,
    }
    assert (contents.facts["epoch"], contents.facts["losses"], contents.facts["best"]) == (
        3,
        [0.5, 0.25],
        0.5,
    )
    assert contents.facts["args"] == {"hidden": 4}
    assert set(contents.ignored) == {
        "a pathlib.PosixPath under 'args.path'",
        "a whole pickled module (tests.kit.checkpoint_files.LSTMModel) under 'metric'",
        "the state of an optimizer under 'optimizer'",
        "a tensor under 'rng'",
    } or "pathlib" in str(contents.ignored)  # the class of a path is the system's


def test_buffers_are_apart(read: Callable[..., Contents]) -> None:
    counted = state(
        **{"norm.num_batches_tracked": torch.tensor(7), "mask": torch.tensor([True, False])}
    )
    contents = read(saved(counted))
    assert {name: array.tolist() for name, array in contents.buffers.items()} == {
        "norm.num_batches_tracked": 7,
        "mask": [True, False],
    }
    assert "mask" not in contents.arrays


def test_several_state_dicts(read: Callable[..., Contents]) -> None:
    other = {name: tensor + 1 for name, tensor in state().items()}
    data = saved({"g": state(), "d": other, "epoch": 3})
    assert_arrays(read(data, "d"), other)
    contents = read(data, "g")
    assert (contents.keys, contents.key) == (("g", "d"), "g")
    assert contents.ignored == ("the 6 tensors under 'd'",)
    joined = read(data, ".")
    assert_arrays(
        joined,
        {
            f"{key}.{name}": value
            for key, part in (("g", state()), ("d", other))
            for name, value in part.items()
        },
    )
    with pytest.raises(
        CheckpointError, match="no state_dict under 'x'; there are 'g' .6 tensors., 'd'"
    ):
        read(data, "x")


def test_an_lstm_apart_from_its_head_is_joined(read: Callable[..., Contents]) -> None:
    data = saved({"lstm": model().lstm.state_dict(), "fc": model().fc.state_dict()})
    assert_arrays(read(data, "."), state())


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="torch has no TorchScript on Python 3.14")
@pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::torch.jit.TracerWarning"
)
@pytest.mark.parametrize("make", ["trace", "script"])
def test_torchscript_without_running_it(make: str, tmp_path: Path) -> None:
    net = torch.nn.Sequential(collections.OrderedDict(body=model(), act=torch.nn.ReLU()))
    net.register_buffer("count", torch.tensor(3))
    module = (
        torch.jit.trace(net, torch.zeros(1, 5, 3)) if make == "trace" else torch.jit.script(net)
    )
    module.save(str(tmp_path / "m.pt"))
    contents = read_contents(tmp_path / "m.pt")
    expected = {name: tensor for name, tensor in module.state_dict().items() if name != "count"}
    assert set(contents.arrays) == set(expected)
    assert_arrays(contents, {name: expected[name] for name in contents.arrays})
    assert contents.how == "TorchScript archive"
    assert {
        "body": "LSTMModel",
        "body.lstm": "LSTM",
        "act": "ReLU",
    }.items() <= contents.modules.items()
    assert contents.buffers["count"] == 3


def test_safetensors(read: Callable[..., Contents]) -> None:
    weights = {
        "lstm.weight_ih_l0": torch.arange(6.0).view(2, 3),
        "fc.bias": torch.arange(2.0).bfloat16(),
    }
    header = {
        "__metadata__": {"format": "pt"},
        "lstm.weight_ih_l0": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
        "fc.bias": {"dtype": "BF16", "shape": [2], "data_offsets": [24, 28]},
    }
    values = (
        weights["lstm.weight_ih_l0"].numpy().tobytes()
        + weights["fc.bias"].view(torch.int16).numpy().tobytes()
    )
    contents = read(safetensors(header, values))
    assert_arrays(contents, weights)
    assert (contents.how, contents.facts) == ("safetensors", {"format": "pt"})
    assert contents.notes == ("bfloat16 weights were cast to float32",)


@pytest.mark.parametrize("copy", ["online_model", "ema_model"])
def test_a_copy_inside_a_state_dict_is_chosen(copy: str, read: Callable[..., Contents]) -> None:
    """As ema_pytorch keeps them: two copies and two counters in the state_dict of one module."""
    copies = {
        "online_model": state(),
        "ema_model": {name: tensor / 2 for name, tensor in state().items()},
    }
    both = {f"{at}.{name}": value for at, net in copies.items() for name, value in net.items()}
    counted = both | {"initted": torch.tensor(True), "step": torch.tensor(5)}
    for data, key in (
        (saved(counted), copy),
        (saved({"ema": counted, "epoch": 3}), f"ema.{copy}"),
        (saved({"ema": counted, "net": state()}), copy),
    ):
        contents = read(data, key)
        assert_arrays(contents, copies[copy])
        assert contents.key == key
    expected = {name: copies[copy][name] for name in sorted(copies[copy])}
    assert_arrays(read(tied_file(both, {}), copy), expected)
    with pytest.raises(CheckpointError, match="no tensors under 'other'; leave out --key"):
        read(tied_file(both, {}), "other")


class Tied(torch.nn.Module):  # type: ignore[misc]
    """Two LSTMs that share their recurrent weights, and a head."""

    def __init__(self) -> None:
        super().__init__()
        self.enc = torch.nn.LSTM(3, 3, batch_first=True)
        self.body = torch.nn.LSTM(3, 3, batch_first=True)
        self.enc.weight_hh_l0 = self.body.weight_hh_l0
        self.fc = torch.nn.Linear(3, 1)


def tied_file(weights: dict[str, Any], shared: dict[str, str]) -> bytes:
    """As `safetensors.torch.save_model` writes it: sorted, a shared weight under one name."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt", **shared}}
    values = b""
    for name in sorted(set(weights) - set(shared)):
        data = weights[name].numpy().tobytes()
        shape = list(weights[name].shape)
        places = [len(values), len(values) + len(data)]
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": places}
        values += data
    return safetensors(header, values)


def test_shared_weights_of_safetensors_have_all_their_names(
    read: Callable[..., Contents],
) -> None:
    weights = Tied().state_dict()
    shared = {"enc.weight_hh_l0": "body.weight_hh_l0", "author": "enc"}
    contents = read(tied_file(weights, shared))
    assert_arrays(contents, {name: weights[name] for name in sorted(weights)})
    said = "enc.weight_hh_l0 is stored once, as body.weight_hh_l0, which shares its values"
    assert contents.notes == (said,)


def test_our_own_files_bring_their_chain(tmp_path: Path) -> None:
    from lstm_export import targets
    from lstm_export.chains import Checkpoint, write_checkpoint

    expected = CHAINS["scalers"]
    write_checkpoint(tmp_path / "m.pt", Checkpoint(expected))
    targets.get("onnx").export(expected, tmp_path / "m.onnx")
    targets.get("onnx-stream").export(expected, tmp_path / "m.stream.onnx")
    for name in ("m.pt", "m.onnx", "m.stream.onnx"):
        contents = read_contents(tmp_path / name)
        how = "ONNX" if name.endswith(".onnx") else "own checkpoint"
        assert (contents.model, contents.how) == (expected, how)


def test_scalers_and_objects_of_other_packages() -> None:
    """The file holds what scikit-learn's own `transform` made of `x`."""
    contents = read_contents(GOLDEN / "foreign.pt")
    x = np.array(contents.facts["x"])
    assert {scaler.name: scaler.kind for scaler in contents.scalers} == {
        "scalers.standard": "StandardScaler",
        "scalers.no mean": "StandardScaler",
        "scalers.no std": "StandardScaler",
        "scalers.minmax": "MinMaxScaler",
        "clipped": "MinMaxScaler",
    }
    *scalers, clipped = contents.scalers
    assert clipped.fault == "clips what lies outside of its range (clip=True)"
    for scaler in scalers:
        expected = contents.facts["scaled"][scaler.name.removeprefix("scalers.")]
        # a few roundings of float64, and the cancellation of x - offset
        np.testing.assert_allclose(
            (x - scaler.offset) / scaler.scale, expected, rtol=1e-12, atol=1e-13
        )
    assert contents.facts["config"] == {"model": {"hidden": 2, "layers": [1, 2]}, "lr": 1e-3}
    assert (contents.facts["best"], contents.facts["epochs"]) == (0.25, 3)
    assert contents.ignored == ("a numpy array under 'history'",)


def test_safetensors_of_the_original_package() -> None:
    contents = read_contents(GOLDEN / "foreign.safetensors")
    same = read_contents(GOLDEN / "foreign.pt")
    assert contents.arrays.keys() - {"h"} == same.arrays.keys()
    assert all(
        contents.arrays[name].tobytes() == same.arrays[name].tobytes() for name in same.arrays
    )
    assert contents.arrays["h"].tolist() == [[0, 1], [2, 3]]
    assert contents.buffers["i"].tolist() == [0, 1, 2]
    assert contents.facts == {"made": "for tests"}
