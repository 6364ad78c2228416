"""What may enter a runner, what may not, and what is said of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lstm_export.device import checked_input
from lstm_export.device.guards import checked_lengths
from lstm_export.errors import InputError

X = np.arange(24, dtype=np.float32).reshape(2, 4, 3)


def with_value(value: float, dtype: str = "f4") -> Any:
    x = X.astype(dtype)
    x[1, 2, 0] = value
    return x


ACCEPTED = {
    "float32": X,
    "float64": X.astype("f8"),
    "float16": X.astype("f2"),
    "integers": X.astype("i8"),
    "big-endian": X.astype(">f4"),
    "big-endian float64": X.astype(">f8"),
    "Fortran order": np.asfortranarray(X),
    "strided": np.repeat(X, 2, axis=1)[:, ::2],
    "negative stride": X[:, ::-1][:, ::-1],
    "lists": X.tolist(),
    "not masked": np.ma.masked_array(X, mask=False),
}


@pytest.mark.parametrize("kind", ACCEPTED)
def test_accepts(kind: str) -> None:
    x = checked_input(ACCEPTED[kind], 3)
    np.testing.assert_array_equal(x, X)
    assert x.dtype == np.dtype("<f4")
    assert x.flags.c_contiguous


def test_accepts_read_only_and_extreme_and_empty() -> None:
    x = np.array([[[3e38, -1e-45, 0.0]]], np.float32)
    x.setflags(write=False)
    np.testing.assert_array_equal(checked_input(x, 3), x)
    assert checked_input(np.empty((0, 4, 3)), 3).shape == (0, 4, 3)
    assert checked_input(np.zeros((1, 1, 3), bool), 3).dtype == np.float32


REFUSED: dict[str, tuple[Any, str]] = {
    "None": (None, "x is None"),
    "text": ("abc", "x is of type str"),
    "objects": (X.astype(object), "x is of type object"),
    "complex": (X.astype(complex), "x is of type complex"),
    "times": (X.astype("i8").astype("M8[s]"), "x is of type datetime64"),
    "ragged": ([[[1.0, 2.0, 3.0]], [[1.0, 2.0]]], "x is no array|of type object"),
    "masked": (np.ma.masked_array(X, mask=X > 20), "masked"),
    "rank 1": (X[0, 0], r"\(3,\), expected \(batch, seq, 3\)"),
    "rank 2": (X[0], r"\(4, 3\), expected \(batch, seq, 3\).*newaxis"),
    "rank 4": (X[np.newaxis], r"\(1, 2, 4, 3\), expected"),
    "too narrow": (X[:, :, :2], r"2 features, shape \(2, 4, 2\), expected \(batch, seq, 3\)"),
    "too wide": (np.concatenate([X, X], axis=2), "6 features"),
    "no steps": (X[:, :0], r"no time steps, shape \(2, 0, 3\)"),
    "no rows and no steps": (X[:0, :0], "no time steps"),
    "NaN": (with_value(np.nan), r"row 1, step 2, feature 0 \(volume\) is nan"),
    "inf": (with_value(np.inf), r"row 1, step 2, feature 0 \(volume\) is inf"),
    "-inf": (with_value(-np.inf, "f8"), r"row 1, step 2, feature 0 \(volume\) is -inf"),
    "cast gives inf": (
        with_value(1e300, "f8"),
        r"feature 0 \(volume\) is 1e\+300, more than float32 holds",
    ),
}


# What numpy 1.23 says before it is refused
@pytest.mark.filterwarnings("ignore:Creating an ndarray from ragged")
@pytest.mark.parametrize("kind", REFUSED)
def test_refuses(kind: str) -> None:
    x, message = REFUSED[kind]
    with pytest.raises(InputError, match=message) as error:
        checked_input(x, 3, names=("volume", "temp", "clouds"))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "kind",
    [kind for kind in ACCEPTED if kind.startswith(("float64", "float16", "int", "big", "li"))],
)
def test_strict_refuses_casts(kind: str) -> None:
    with pytest.raises(InputError, match="strict"):
        checked_input(ACCEPTED[kind], 3, strict=True)


def test_strict_takes_float32() -> None:
    np.testing.assert_array_equal(checked_input(X, 3, strict=True), X)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_propagate_lets_through_what_is_not_finite(value: float) -> None:
    np.testing.assert_array_equal(
        checked_input(with_value(value), 3, nonfinite="propagate"), with_value(value)
    )


def test_propagate_still_refuses_what_the_cast_breaks() -> None:
    with pytest.raises(InputError, match="more than float32 holds"):
        checked_input(with_value(1e300, "f8"), 3, nonfinite="propagate")


def test_without_names_the_message_has_the_index_alone() -> None:
    with pytest.raises(InputError, match="feature 0 is nan"):
        checked_input(with_value(np.nan), 3)


def test_what_was_checked_is_no_memory_of_the_caller() -> None:
    """Another thread may write into x after the check: what was checked must be answered."""
    lengths = np.array([4, 2])
    for array in (X, X.astype("f8"), X.astype("i4"), X[:, ::2]):
        assert not np.shares_memory(checked_input(array, 3), array)
    assert not np.shares_memory(checked_lengths(lengths, 2, 4), lengths)
