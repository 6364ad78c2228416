"""Weights that are no tensors, or have no names: each is read with the right values, or named."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstm_export.errors import CheckpointError
from lstm_export.reading import read_contents

torch = pytest.importorskip("torch", reason='needs torch: pip install "lstm-export[export]"')

from tests.kit.checkpoint_files import foreign, joblib_dump, saved, state  # noqa: E402

nn = torch.nn
ARRAYS = {name: tensor.numpy() for name, tensor in state().items()}
LISTS = {name: array.tolist() for name, array in ARRAYS.items()}
FORTRAN = {name: np.asfortranarray(array) for name, array in ARRAYS.items()}
BIG_ENDIAN = {name: array.astype(">f8") for name, array in ARRAYS.items()}

READ: dict[str, Callable[[], bytes]] = {
    "a pickled dict of arrays": lambda: pickle.dumps(ARRAYS),
    "the same in protocol 2": lambda: pickle.dumps(ARRAYS, 2),
    "the same, big-endian": lambda: pickle.dumps(BIG_ENDIAN),
    "a dict of arrays by torch.save": lambda: saved(ARRAYS),
    "a pickled dict of lists": lambda: pickle.dumps(LISTS),
    "pairs of names and tensors": lambda: saved(list(state().items())),
    "a joblib dump": lambda: joblib_dump(ARRAYS),
    "a joblib dump of columns": lambda: joblib_dump(FORTRAN),
    "JSON": lambda: json.dumps(LISTS).encode(),
    "JSON within GuitarML's": lambda: json.dumps(
        {"model_data": {"skip": 1}, "state_dict": LISTS}
    ).encode(),
    "JSON, indented, after a byte order mark": lambda: (
        b"\xef\xbb\xbf \n" + json.dumps({"epoch": 3, "weights": LISTS}, indent=1).encode()
    ),
    "a list of parameters": lambda: saved(list(state().values())),
    "a pickled list of arrays": lambda: pickle.dumps(list(ARRAYS.values())),
}


def read(data: bytes, folder: Path) -> Any:
    (folder / "m.pt").write_bytes(data)
    return read_contents(folder / "m.pt")


@pytest.mark.parametrize("kind", READ)
def test_every_value_is_read(kind: str, tmp_path: Path) -> None:
    found = read(READ[kind](), tmp_path)
    assert list(found.arrays) == list(ARRAYS)
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(found.arrays[name], array)


@pytest.mark.parametrize(
    "modules",
    [
        [nn.LSTM(3, 4, 2, bidirectional=True), nn.Linear(8, 5), nn.Linear(5, 1, bias=False)],
        [nn.LSTM(4, 4, 2, batch_first=True), nn.Linear(4, 1)],
        [nn.LSTM(4, 4, 1, bidirectional=True), nn.Linear(8, 1)],
        [nn.GRU(3, 4, 3)],
        [nn.LSTM(3, 4, bias=False), nn.Linear(4, 2)],
    ],
)
def test_parameters_without_names_get_torchs(modules: list[Any], tmp_path: Path) -> None:
    found = read(saved([p for module in modules for p in module.parameters()]), tmp_path)
    rnn, *linears = modules
    names = ["fc"] if len(linears) == 1 else [f"fc{index + 1}" for index in range(len(linears))]
    expected = {f"lstm.{name}": value for name, value in rnn.state_dict().items()}
    for name, linear in zip(names, linears, strict=True):
        expected |= {f"{name}.{key}": value for key, value in linear.state_dict().items()}
    assert list(found.arrays) == list(expected)
    for name, value in expected.items():
        np.testing.assert_array_equal(found.arrays[name], value.numpy())
    assert found.notes[0].startswith("a list of parameters without names")


def test_whose_json_it_is_and_what_it_leaves_out_is_noted(tmp_path: Path) -> None:
    found = read(READ["JSON within GuitarML's"](), tmp_path)
    assert "comes from GuitarML and keeps its state between calls" in found.notes[-1]
    assert found.facts["model_data"] == {"skip": 1}
    assert found.how == "JSON, state_dict under 'state_dict'"


@pytest.mark.parametrize(
    ("beside", "name"),
    [
        ({"dataset_parameters": {"a": 1}}, "pytorch-forecasting"),
        ({"hyper_parameters": {"input_chunk_length": 24, "output_chunk_length": 6}}, "darts"),
        (
            {"hyper_parameters": {"h": 6, "input_size": 24, "scaler_type": "robust"}},
            "neuralforecast",
        ),
        ({"hyper_parameters": {"model_kwargs": {}, "lr": 0.1, "patience": 3}}, "GluonTS"),
    ],
)
def test_a_lightning_file_of_a_framework_says_what_it_leaves_out(
    beside: dict[str, Any], name: str, tmp_path: Path
) -> None:
    whole = {"pytorch-lightning_version": "2.5", "state_dict": state(), **beside}
    found = read(saved(whole), tmp_path)
    assert f"the file comes from {name} and leaves out" in found.notes[-1]


def test_a_file_of_darts_without_weights_names_the_one_beside_it(tmp_path: Path) -> None:
    of_darts = foreign("darts.models.forecasting.block_rnn_model.BlockRNNModel")
    (tmp_path / "m.pt").write_bytes(b"\x80\x02" + of_darts + b".")
    with pytest.raises(CheckpointError, match=r"give that .ckpt file$"):
        read_contents(tmp_path / "m.pt")
    (tmp_path / "m.pt.ckpt").write_bytes(b"")
    with pytest.raises(CheckpointError, match=r"give that .ckpt file; beside it lies .*m.pt.ckpt$"):
        read_contents(tmp_path / "m.pt")


def a_list_in_itself() -> bytes:
    rows: list[Any] = []
    rows.append(rows)
    return pickle.dumps({"lstm.weight_ih_l0": rows})


def many_numbers() -> bytes:
    """Few bytes that claim 4,000,000 numbers under each of 20 names."""
    row = [0.5] * 2000
    return pickle.dumps({f"a{index}.weight_ih_l0": [row] * 2000 for index in range(20)})


REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "ragged rows": (
        lambda: json.dumps({"lstm.weight_ih_l0": [[1.0, 2.0], [3.0]]}).encode(),
        "is JSON, such as a configuration",
    ),
    "text among numbers": (
        lambda: json.dumps({"lstm.weight_ih_l0": [[1.0, "2"]]}).encode(),
        "is JSON, such as a configuration",
    ),
    "NaN": (
        lambda: json.dumps({**LISTS, "fc.bias": [0.5, float("nan")]}).encode(),
        r"fc.bias\[1\] is nan",
    ),
    "cut JSON": (lambda: json.dumps(LISTS).encode()[:-9], "it is damaged; copy or save it again"),
    "nested JSON": (lambda: b"{" + b'"a":{' * 100_000, "it is damaged"),
    "JSON that is too large": (lambda: b"{" + b" " * 2**24, "JSON of more than 16,777,216 bytes"),
    "a number that no float holds": (
        lambda: json.dumps({"lstm.weight_ih_l0": [[10**400]]}).encode(),
        "is JSON, such as a configuration",
    ),
    "a list in itself": (a_list_in_itself, "expected a state_dict"),
    "the same rows again and again": (many_numbers, "more than 8,000,000 numbers"),
    "a joblib dump, cut": (lambda: joblib_dump(ARRAYS)[:-40], "ends too soon"),
    "parameters of no known module": (
        lambda: saved([torch.zeros(5, 3), torch.zeros(7, 2)]),
        "a list without tensors",
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_read_gets_its_sentence(kind: str, tmp_path: Path) -> None:
    make, message = REFUSED[kind]
    with pytest.raises(CheckpointError, match=message):
        read(make(), tmp_path)
