"""A pool is many streams, stepped in one call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lstm_export.device import (
    Stream,
    StreamPool,
)
from lstm_export.errors import InputError
from lstm_export.model import Model

pytest.importorskip("onnx", reason='needs onnx: pip install "lstm-export[export]"')
pytest.importorskip("onnxruntime")
from tests.device.streams import inputs, session_of


@pytest.mark.parametrize("mode", ["state", "window"])
def test_a_pool_is_many_streams(traffic_model: Model, mode: Any) -> None:
    """Streams come and go at any time, all or some are stepped: each as if it were alone."""
    session = session_of(traffic_model)
    random = np.random.default_rng(3)
    pool = session.pool(mode=mode)
    alone = dict[object, Stream]()
    for turn in range(40):
        if turn % 3 == 0:
            pool.add(turn)
            alone[turn] = session.stream(mode=mode)
        if turn % 7 == 6:
            gone = pool.keys[int(random.integers(len(pool)))]
            pool.remove(gone)
            del alone[gone]
        keys = list(pool.keys)
        if turn % 2:
            random.shuffle(keys)
            keys = keys[: max(1, len(keys) // 2)]
        x = inputs(traffic_model, len(keys))
        y = pool.step(x, keys if turn % 2 else None)
        np.testing.assert_array_equal(
            y, np.stack([alone[key].step(row) for key, row in zip(keys, x, strict=True)])
        )
    key = pool.keys[0]
    state = pool.state(key)
    moved = session.stream(mode=mode)
    moved.restore(state)  # out of the pool
    pool.add("copy", state)  # and into it
    pool.reset(key)
    pool.restore(key, state)
    y = pool.step(np.stack([x[0]] * 2), [key, "copy"])
    np.testing.assert_array_equal(y, np.stack([moved.step(x[0])] * 2))


def test_a_pool_refuses_in_words_and_changes_nothing(traffic_model: Model) -> None:
    pool = session_of(traffic_model).pool(mode="state", nonfinite="skip")
    x = inputs(traffic_model, 2)
    with pytest.raises(InputError, match="holds no stream; add one"):
        pool.step(x)
    pool.add("a")
    pool.add("b")
    pool.step(x)
    state = pool.state("b")
    uses: list[Callable[[], object]] = [
        lambda: pool.add("a"),
        lambda: pool.remove("c"),
        lambda: pool.step(x, ["a", "a"]),
        lambda: pool.step(x, ["a", "c"]),
        lambda: pool.step(x, []),
        lambda: pool.step(x[:1]),
        lambda: pool.step(x, ["a"]),
        lambda: pool.add("c", b"nonsense"),
        lambda: pool.restore("b", b"nonsense"),
    ]
    for use in uses:
        with pytest.raises(InputError):
            use()
    assert pool.state("b") == state
    assert pool.keys == ("a", "b")
    x[0, 0] = np.nan
    y = pool.step(x)
    assert np.isnan(y[0]).all()
    assert np.isfinite(y[1]).all()
    assert pool.nonfinite_count == 1
    pool.remove("a")
    assert pool.nonfinite_count == 1
    pool.close()
    with pytest.raises(InputError, match="the pool is closed"):
        pool.step(x)
    assert isinstance(pool, StreamPool)
