"""Fitted scalers as scikit-learn and joblib write them: the right numbers, or why none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lstm_export.errors import CheckpointError, InputError
from lstm_export.reading import read_scalers, scaler_in_memory
from lstm_export.reading.pickle_machine import interpret
from lstm_export.reading.stored_tensors import as_numpy

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "scalers.joblib"
SCALERS = {scaler.name.removeprefix("scalers."): scaler for scaler in read_scalers(GOLDEN)}
COLUMNS = ("temperature", "pressure", "flow")


@pytest.mark.parametrize("name", ["robust", "robust, no center", "largest", "one after another"])
def test_a_scaler_has_the_numbers_of_scikit_learn(name: str) -> None:
    """The file holds what scikit-learn's own `transform` made of x."""
    content = interpret(GOLDEN.read_bytes()).value
    x = as_numpy(content["x"])
    expected = as_numpy(content["scaled"][name])
    assert x is not None
    assert expected is not None
    scaler = SCALERS[name]
    # a few roundings of float64, and the cancellation of x - offset
    np.testing.assert_allclose((x - scaler.offset) / scaler.scale, expected, rtol=1e-11, atol=1e-12)
    assert scaler.columns == COLUMNS


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("powers", "takes powers of its columns"),
        ("powers first", "holds a PowerTransformer, which takes powers of its columns"),
        ("clipped", "clips what lies outside"),
        ("unfitted", "was not fitted"),
    ],
)
def test_what_no_stage_does_is_named(name: str, fault: str) -> None:
    assert fault in SCALERS[name].fault
    assert not SCALERS[name].offset.size


def test_a_pair_of_arrays_is_a_scaler() -> None:
    scaler = scaler_in_memory((np.array([1, 2]), 4))
    assert scaler.offset.tolist() == [1.0, 2.0]
    assert scaler.scale.tolist() == [4.0, 4.0]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ((np.zeros(2), np.zeros(2)), "a scale of 0"),
        ((np.zeros(2), np.ones(3)), "no two arrays"),
        (("a", "b"), "no two arrays"),
        ((np.array([np.nan]), 1), "a finite number"),
        (object(), "a object is no scaler"),
    ],
)
def test_what_is_no_scaler_is_refused(value: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        scaler_in_memory(value)


def test_a_pipeline_that_holds_itself_ends(tmp_path: Path) -> None:
    """Only a damaged file says so; it has to end all the same."""
    path = tmp_path / "s.pkl"
    steps = b"(X\x05\0\0\0steps](X\x01\0\0\0ah\x00ta"
    path.write_bytes(b"\x80\x02csklearn.pipeline\nPipeline\n)\x81q\x00}" + steps + b"ub.")
    assert read_scalers(path) == ()


def test_an_object_array_that_ends_too_soon_is_damage(tmp_path: Path) -> None:
    data = GOLDEN.read_bytes()
    cut = data.index(b"temperature")
    (tmp_path / "s.joblib").write_bytes(data[:cut])
    with pytest.raises(CheckpointError, match=r"s\.joblib: .*ends too soon"):
        read_scalers(tmp_path / "s.joblib")
