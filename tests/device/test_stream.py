"""Streams: the same numbers however samples come and wherever the state has been."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstm_export.device import (
    InputRangeWarning,
    OnnxStreamRunner,
    Session,
    Stream,
)
from lstm_export.device.bound_state import BoundState
from lstm_export.errors import InputError
from lstm_export.model import Array, Flatten, LastSteps, Linear, Model, Signature, forward
from lstm_export.model.state import not_for_streams
from lstm_export.parity import check, golden_sets
from tests.kit.builders import drawn, lstm
from tests.kit.chains import CHAINS, MODELS

pytest.importorskip("onnx", reason='needs onnx: pip install "lstm-export[export]"')
pytest.importorskip("onnxruntime")
from tests.device.streams import inputs, session_of, streaming

ONE_WAY = {name: model for name, model in MODELS.items() if not_for_streams(model) is None}


def as_runner(stream: Stream) -> Callable[[Array], Array]:
    """A stream as a runner: every row from before the first sample, sample by sample."""

    def run(x: Array) -> Array:
        rows = []
        for row in x:
            stream.reset()
            rows.append(np.stack([stream.step(x_t) for x_t in row]))
        return np.stack(rows) if stream._context.every_step else np.stack(rows)[:, -1]

    return run


@pytest.mark.parametrize("chain", ONE_WAY)
def test_passes_the_rule_sample_by_sample(chain: str) -> None:
    model = ONE_WAY[chain]
    report = check(
        as_runner(session_of(model).stream(mode="state")), golden_sets(model), subject="stream"
    )
    assert report.ok, report.table()


class Plain:
    """A StatefulRunner of another runtime: nothing of ONNX Runtime's bindings."""

    def __init__(self, runner: OnnxStreamRunner) -> None:
        self.layout = runner.layout
        self.initial_state = runner.initial_state
        self.advance = runner.advance

    def __call__(self, x: Array) -> Array:
        return self.advance(x, self.initial_state(len(x)))[0]


@pytest.mark.parametrize("chain", ["seed", "every step", "learned state"])
def test_any_stateful_runner_can_stream(chain: str) -> None:
    model = ONE_WAY[chain]
    stream = Session(Plain(streaming(model)), model.signature).stream(2)
    bound = session_of(model).stream(2, mode="state")
    x = drawn(model, 2, 9)
    for part in (x[:, :4], x[:, 4:5], x[:, 5:]):
        np.testing.assert_array_equal(stream.push(part), bound.push(part))
    np.testing.assert_array_equal(stream.step(x[:, 0]), bound.step(x[:, 0]))


class Broken(BoundState):
    """A binding whose state goes wrong after every step."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        run = self.run

        def broken() -> Array:
            before = [tensor.copy() for tensor in self.state]
            y = run()
            for tensor, wrong in zip(self.state, self.spoiled(before), strict=True):
                tensor[...] = wrong
            return y

        self.run = broken

    def spoiled(self, before: list[Array]) -> list[Array]:
        raise NotImplementedError


class NotFedBack(Broken):
    def spoiled(self, before: list[Array]) -> list[Array]:
        return before


class Swapped(Broken):
    def spoiled(self, before: list[Array]) -> list[Array]:
        h, c = (tensor.copy() for tensor in self.state)
        return [c, h]


class LayersSwapped(Broken):
    def spoiled(self, before: list[Array]) -> list[Array]:
        return [tensor[::-1].copy() for tensor in self.state]


class ResetForgotten(Stream):
    def reset(self) -> None:
        pass


@pytest.mark.parametrize("broken", [NotFedBack, Swapped, LayersSwapped])
def test_a_broken_binding_is_caught(
    broken: type[BoundState], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = CHAINS["seed"]
    monkeypatch.setattr("lstm_export.device.onnx_stream_runner.BoundState", broken)
    report = check(
        as_runner(session_of(model).stream(mode="state")), golden_sets(model), subject="broken"
    )
    assert report.verdict == "failed"
    one_step = {result.name: result.verdict for result in report.sets}
    assert one_step["t1"] == "passed"  # a step alone shows nothing
    assert one_step["t2"] == "failed"


def test_a_forgotten_reset_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    model = CHAINS["seed"]
    monkeypatch.setattr("lstm_export.device.stream_modes.Stream", ResetForgotten)
    report = check(
        as_runner(session_of(model).stream(mode="state")), golden_sets(model), subject="broken"
    )
    assert report.verdict == "failed"


@pytest.mark.parametrize("mode", ["state", "window"])
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("chain", ["seed", "every step", "learned state", "gru"])
def test_any_chunking_is_the_same(chain: str, batch: int, mode: Any) -> None:
    model = ONE_WAY[chain]
    session = session_of(model)
    x = drawn(model, batch, 23)
    streams = [session.stream(batch, mode=mode, window=6) for _ in range(3)]
    by_step = np.stack(
        [streams[0].step(x[0, t] if batch == 1 else x[:, t]) for t in range(23)], axis=-2
    )
    at_once = streams[1].push(x)
    chunks = [streams[2].push(x[:, start:stop]) for start, stop in ((0, 4), (4, 5), (5, 23))]
    if at_once.ndim == 3:
        np.testing.assert_array_equal(at_once.reshape(by_step.shape), by_step)
        np.testing.assert_array_equal(np.concatenate(chunks, axis=1), at_once)
    else:
        np.testing.assert_array_equal(
            at_once.reshape(by_step[..., -1, :].shape), by_step[..., -1, :]
        )
        np.testing.assert_array_equal(chunks[-1], at_once)
    assert streams[0].state() == streams[1].state() == streams[2].state()


def test_a_window_gives_what_training_saw(traffic_model: Model) -> None:
    """Bit for bit what the session gives when it slides over the whole series."""
    session = session_of(traffic_model)
    x = inputs(traffic_model, 30)
    stream = session.stream()
    assert stream.mode == "window"  # the model was trained on windows
    y = np.stack([stream.step(x_t) for x_t in x])
    assert np.isnan(y[:4]).all()  # the window of 5 is not full
    np.testing.assert_array_equal(y[4:], session.slide(x))


def test_a_forecast_from_its_last_steps_is_streamed_on_windows() -> None:
    """Such a model has no answer to a single step, which a stream must not ask for."""
    random = np.random.default_rng(7)
    last = LastSteps("last", 3)
    fc = Linear("fc", random.normal(size=(1, 4)), np.zeros(1))
    stages = (lstm("lstm", 2, 4, 1, random), last, fc, Flatten("flat"))
    model = Model(stages, Signature(2, 3, window=5))
    x = random.normal(size=(12, 2)).astype(np.float32)
    stream = session_of(model).stream()
    y = np.stack([stream.step(x_t) for x_t in x])
    windows = np.stack([x[start : start + 5] for start in range(8)])
    assert np.isnan(y[:4]).all()
    np.testing.assert_allclose(y[4:], forward(model, windows).y, rtol=1e-5, atol=1e-6)
    with pytest.raises(InputError, match="the window is 2, expected at least 3 samples"):
        session_of(model).slide(x, window=2)


def test_the_state_remembers_more_than_a_window(traffic_model: Model) -> None:
    session = session_of(traffic_model)
    x = inputs(traffic_model, 30)
    stream = session.stream(mode="state")
    y = np.stack([stream.step(x_t) for x_t in x])
    np.testing.assert_allclose(y[-1], forward(traffic_model, x[np.newaxis]).y[0], rtol=1e-5)
    assert (y[-1] != session.slide(x)[-1]).all()


@pytest.mark.parametrize("mode", ["state", "window"])
def test_restored_is_as_never_interrupted(traffic_model: Model, mode: Any, tmp_path: Path) -> None:
    x = inputs(traffic_model, 20)
    whole, before, after = (session_of(traffic_model).stream(mode=mode) for _ in range(3))
    expected = [whole.step(x_t) for x_t in x]
    for x_t in x[:9]:
        before.step(x_t)
    other = before.copy()
    (tmp_path / "state.npz").write_bytes(before.state())
    before.step(x[0])
    before.close()
    after.restore(tmp_path / "state.npz")
    for stream in (after, other):
        np.testing.assert_array_equal([stream.step(x_t) for x_t in x[9:]], expected[9:])
    assert after.state() == other.state() == whole.state()
    with np.load(io.BytesIO(after.state())) as arrays:
        assert all(array.dtype.kind in "fi" for array in arrays.values())


def test_reset_is_as_new(traffic_model: Model) -> None:
    x = inputs(traffic_model, 6)
    stream = session_of(traffic_model).stream(mode="state")
    first = [stream.step(x_t) for x_t in x]
    stream.reset()
    np.testing.assert_array_equal([stream.step(x_t) for x_t in x], first)
    assert stream.state() != session_of(traffic_model).stream(mode="state").state()


def test_warns_when_a_feature_leaves_its_range_and_not_again(traffic_model: Model) -> None:
    x = inputs(traffic_model, 8)
    stream = session_of(traffic_model).stream(mode="state")
    x[2:5, 1] = 55.5
    x[7, 1] = 60.0
    with pytest.warns(
        InputRangeWarning, match=r"temp is 55\.5 °C, outside the training range -20 to 38$"
    ) as caught:
        for x_t in x[:7]:
            stream.step(x_t)
    assert [warning.filename for warning in caught] == [__file__]
    with pytest.warns(InputRangeWarning, match="temp is 60") as caught:
        stream.push(x[6:])
    assert [warning.filename for warning in caught] == [__file__]
    assert stream.out_of_range_count == 4
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fresh = session_of(traffic_model).stream(mode="state")
        for x_t in inputs(traffic_model, 8):
            fresh.step(x_t)


def test_memory_stays(traffic_model: Model) -> None:
    """Nothing is made anew in a step: 3,000 of them leave the traced memory as it was."""
    import tracemalloc

    stream = session_of(traffic_model).stream(mode="state")
    x = inputs(traffic_model, 1)[0]
    for _ in range(100):
        stream.step(x)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(3000):
            stream.step(x)
        assert tracemalloc.get_traced_memory()[0] - before < 4096
    finally:
        tracemalloc.stop()
