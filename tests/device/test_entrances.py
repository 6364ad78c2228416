"""Every way into a model refuses the same: masked values, and what changes while it is read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lstm_export.device import Session
from lstm_export.errors import InputError
from lstm_export.model import Array, Model, forward

MASK = [False, True, False]


def masked(array: Any) -> Any:
    """The same numbers, the second feature of every step hidden."""
    array = np.asarray(array, np.float32)
    return np.ma.masked_array(array, mask=np.broadcast_to(MASK, array.shape))


@pytest.fixture
def session(traffic_model: Model) -> Session:
    def runner(x: Array) -> Array:
        return forward(traffic_model, x).y.astype(np.float32)

    return Session(runner, traffic_model.signature)


STEP = np.array([3000.0, 9.0, 50.0], np.float32)


def table_of(columns: dict[str, Any]) -> dict[str, Any]:
    times = np.datetime64("2026-01-01T00", "s") + 3600 * np.arange(6)
    whole = {"hour": times, "station": ["a"] * 6}
    return whole | {name: np.full(6, 1.0) for name in ("volume", "temp", "clouds")} | columns


ENTRANCES: dict[str, Callable[[Session, Any], Any]] = {
    "session(x)": lambda session, hide: session(hide(np.tile(STEP, (1, 6, 1)))),
    "rows in lists": lambda session, hide: session([[hide(STEP)] * 6]),
    "lengths": lambda session, hide: session(hide(np.tile(STEP, (2, 6, 1))), lengths=[6, 2]),
    "a list of sequences": lambda session, hide: session([hide(np.tile(STEP, (6, 1)))]),
    "slide": lambda session, hide: session.slide(hide(np.tile(STEP, (6, 1)))),
    "step": lambda session, hide: session.stream().step(hide(STEP)),
    "step of a list": lambda session, hide: session.stream(2).step([hide(STEP), STEP]),
    "push": lambda session, hide: session.stream().push(hide(np.tile(STEP, (6, 1)))),
    "pool": lambda session, hide: pool_of(session).step(hide(np.tile(STEP, (2, 1)))),
    "some of a pool": lambda session, hide: pool_of(session).step(hide([STEP]), ["b"]),
}


def pool_of(session: Session) -> Any:
    pool = session.pool()
    pool.add("a")
    pool.add("b")
    return pool


@pytest.mark.parametrize("entrance", ENTRANCES)
def test_masked_values_are_refused(entrance: str, session: Session) -> None:
    with pytest.raises(InputError, match="is a masked array with masked values; fill them first"):
        ENTRANCES[entrance](session, masked)
    ENTRANCES[entrance](session, np.asarray)


@pytest.mark.parametrize("entrance", ENTRANCES)
def test_a_masked_array_that_hides_nothing_is_an_array(entrance: str, session: Session) -> None:
    def unmasked(array: Any) -> Any:
        return np.ma.masked_array(np.asarray(array, np.float32))

    hidden_nothing = ENTRANCES[entrance](session, unmasked)
    plain = ENTRANCES[entrance](session, np.asarray)
    np.testing.assert_array_equal(hidden_nothing, plain)


def test_masked_lengths_and_columns_are_refused(session: Session) -> None:
    lengths = np.ma.masked_array([6, 2], mask=[False, True])
    with pytest.raises(InputError, match="lengths is a masked array"):
        session(np.tile(STEP, (2, 6, 1)), lengths=lengths)
    temp = np.ma.masked_array(np.full(6, 1.0), mask=[True] + [False] * 5)
    with pytest.raises(InputError, match="a column is a masked array with masked values"):
        session.predict_table(table_of({"temp": temp}))
    assert len(session.predict_table(table_of({}))) == 2


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_what_is_answered_is_what_was_checked(
    dtype: str, session: Session, traffic_model: Model
) -> None:
    """The runner writes NaN into the caller's own array before it computes, as a thread might."""
    x = np.tile(STEP, (1, 6, 1)).astype(dtype)
    expected = session(x.copy())

    def runner(given: Array) -> Array:
        x[...] = np.nan
        return forward(traffic_model, given).y.astype(np.float32)

    np.testing.assert_array_equal(Session(runner, traffic_model.signature)(x), expected)


def test_a_sample_that_changes_during_its_check_is_answered_as_it_was(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The guard of the short way compares twice; between them another thread writes into x_t."""
    expected = [session.stream(window=1).step(STEP.copy()) for _ in range(2)]
    x_t = STEP.copy()
    less_equal = np.less_equal

    def writing(*args: Any) -> Any:
        result = less_equal(*args)
        x_t[...] = np.nan
        return result

    monkeypatch.setattr(np, "less_equal", writing)
    np.testing.assert_array_equal(session.stream(window=1).step(x_t), expected[0])
