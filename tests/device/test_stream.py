"""Streams: the same numbers however samples come, whatever is wrong with them, and wherever the state has been."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstm_export.device import (
    InputRangeWarning,
    OnnxStreamRunner,
    Session,
    Stream,
    StreamPool,
    load_onnx_stream,
)
from lstm_export.device.bound_state import BoundState
from lstm_export.errors import InputError
from lstm_export.model import Array, Model, forward
from lstm_export.parity import check, golden_sets
from tests.kit.builders import drawn
from tests.kit.chains import CHAINS

pytest.importorskip("onnx", reason='needs onnx: pip install "lstm-export[export]"')
pytest.importorskip("onnxruntime")
from lstm_export.targets.onnx.writer import to_bytes

ONE_WAY = {
    name: model
    for name, model in CHAINS.items()
    if not any(stage.bidirectional for stage in model.recurrent)
}


def streaming(model: Model) -> OnnxStreamRunner:
    return load_onnx_stream(to_bytes(model, 17, stateful=True))


def session_of(model: Model) -> Session:
    """As a bundle with both artifacts is opened."""
    from lstm_export.device import load_onnx

    return Session(load_onnx(to_bytes(model, 17)), model.signature, twin=lambda: streaming(model))


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
        self.layout, self.initial_state, self.advance = (
            runner.layout,
            runner.initial_state,
            runner.advance,
        )

    def __call__(self, x: Array) -> Array:
        return self.advance(x, self.initial_state(len(x)))[0]


@pytest.mark.parametrize("chain", ["seed", "every step", "learned state"])
def test_any_stateful_runner_can_stream(chain: str) -> None:
    model = ONE_WAY[chain]
    stream, bound = (
        Session(Plain(streaming(model)), model.signature).stream(2),
        session_of(model).stream(2, mode="state"),
    )
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
    session, x = session_of(model), drawn(model, batch, 23)
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
    session, x = session_of(traffic_model), inputs(traffic_model, 30)
    stream = session.stream()
    assert stream.mode == "window"  # the model was trained on windows
    y = np.stack([stream.step(x_t) for x_t in x])
    assert np.isnan(y[:4]).all()  # the window of 5 is not full
    np.testing.assert_array_equal(y[4:], session.slide(x))


def test_the_state_remembers_more_than_a_window(traffic_model: Model) -> None:
    session, x = session_of(traffic_model), inputs(traffic_model, 30)
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
    x, stream = inputs(traffic_model, 6), session_of(traffic_model).stream(mode="state")
    first = [stream.step(x_t) for x_t in x]
    stream.reset()
    np.testing.assert_array_equal([stream.step(x_t) for x_t in x], first)
    assert stream.state() != session_of(traffic_model).stream(mode="state").state()


def inputs(model: Model, *shape: int) -> Array:
    """Inputs within the training ranges."""
    columns = model.signature.features
    low, high = ([getattr(column, end) for column in columns] for end in ("low", "high"))
    return np.random.default_rng(2).uniform(low, high, (*shape, len(columns))).astype(np.float32)


@pytest.mark.parametrize("mode", ["state", "window"])
def test_what_is_not_finite_never_reaches_the_state(traffic_model: Model, mode: Any) -> None:
    session, x = session_of(traffic_model), inputs(traffic_model, 12)
    bad = x.copy()
    bad[5, 1], bad[6, 0], bad[6, 2] = np.nan, np.inf, -np.inf
    refusing, holding, skipping = (
        session.stream(mode=mode, nonfinite=how) for how in ("refuse", "hold", "skip")
    )
    for x_t in bad[:5]:
        refusing.step(x_t)
    state = refusing.state()
    for x_t in bad[5:7]:
        with pytest.raises(InputError, match=r"feature [01] \((volume|temp)\) is not finite"):
            refusing.step(x_t)
    with pytest.raises(InputError, match=r"row 0, step 2, feature 1"):
        refusing.push(bad[3:9])
    clean = session.stream(mode=mode)
    clean.restore(state)
    rest = [clean.step(x_t) for x_t in x[7:]]
    np.testing.assert_array_equal([refusing.step(x_t) for x_t in bad[7:]], rest)
    assert refusing.nonfinite_count == 4

    held = x.copy()
    held[5, 1], held[6, 0], held[6, 2] = x[4, 1], x[5, 0], x[5, 2]
    clean.reset()
    expected = [clean.step(x_t) for x_t in held]
    np.testing.assert_array_equal([holding.step(x_t) for x_t in bad], expected)
    holding.reset()
    np.testing.assert_array_equal(holding.push(bad), expected[-1])
    assert holding.nonfinite_count == 4
    holding.reset()
    with pytest.raises(InputError, match="no good value came before"):
        holding.step(bad[5])

    clean.reset()
    expected = [clean.step(x_t) for x_t in np.delete(x, [5, 6], axis=0)]
    got = np.stack([skipping.step(x_t) for x_t in bad])
    assert np.isnan(got[5:7]).all()
    np.testing.assert_array_equal(np.delete(got, [5, 6], axis=0), expected)
    skipping.reset()
    np.testing.assert_array_equal(skipping.push(bad), expected[-1])
    assert np.isnan(skipping.push(bad[4:7])).all()  # as the last step of it would be answered
    assert skipping.nonfinite_count == 6


def test_a_bad_row_of_a_batch_leaves_the_others_alone() -> None:
    model = CHAINS["every step"]
    session, x = session_of(model), drawn(model, 3, 10)
    bad = x.copy()
    bad[1, 4, 2] = np.nan
    stream = session.stream(3, nonfinite="skip")
    y = stream.push(bad)
    np.testing.assert_array_equal(y[::2], session.stream(2).push(x[::2]))
    assert np.isnan(y[1, 4]).all()
    alone = session.stream().push(np.delete(x[1], 4, axis=0))
    np.testing.assert_array_equal(np.delete(y[1], 4, axis=0), alone)


def test_warns_when_a_feature_leaves_its_range_and_not_again(traffic_model: Model) -> None:
    x, stream = inputs(traffic_model, 8), session_of(traffic_model).stream(mode="state")
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


@pytest.mark.parametrize("kind", [list, np.float64, np.float16, ">f4", "strided", "readonly"])
def test_takes_what_a_device_has(kind: Any, traffic_model: Model) -> None:
    x, session = (
        np.rint(inputs(traffic_model, 5)).astype(np.float16).astype(np.float32),
        session_of(traffic_model),
    )
    expected = [session.stream(mode="state").push(x)]
    stream = session.stream(mode="state")
    for x_t in x:
        if kind is list:
            y = stream.step(x_t.tolist())
        elif kind == "strided":
            y = stream.step(np.repeat(x_t, 2)[::2])
        elif kind == "readonly":
            y = stream.step(np.frombuffer(x_t.tobytes(), np.float32))
        else:
            y = stream.step(x_t.astype(kind))
    np.testing.assert_array_equal(y, expected[0])


def test_bad_samples_are_refused_and_change_nothing(traffic_model: Model) -> None:
    stream, x = session_of(traffic_model).stream(mode="state"), inputs(traffic_model, 4)
    stream.push(x)
    state = stream.state()
    for bad in (
        x[0, :2],
        x,
        x[0, 0],
        None,
        "text",
        ["a", "b", "c"],
        [[1, 2], [3]],
        [None] * 3,
        {},
        x[0] * 1j,
    ):
        with pytest.raises(InputError) as error:
            stream.step(bad)
        assert "\n" not in str(error.value)
    with pytest.raises(InputError, match=r"x_t has the shape \(2,\), expected \(3,\)"):
        stream.step(x[0, :2])
    with pytest.raises(InputError, match=r"chunk has the shape \(4, 2\), expected \(seq, 3\)"):
        stream.push(x[:, :2])
    for bad in (x[:0], x[0], np.stack([x, x])):
        with pytest.raises(InputError):
            stream.push(bad)
    with pytest.raises(InputError, match="not finite"):
        stream.step(np.array([1e300, 0, 0]))
    assert stream.nonfinite_count == 1
    stream.nonfinite_count = 0  # which is all that has changed
    assert stream.state() == state


def test_states_of_others_are_refused_and_change_nothing(traffic_model: Model) -> None:
    session, x = session_of(traffic_model), inputs(traffic_model, 4)
    stream = session.stream(mode="state")
    stream.push(x)
    state = stream.state()
    other = replace(
        traffic_model, stages=tuple(reversed_bias(stage) for stage in traffic_model.stages)
    )
    strangers = {
        "another model": session_of(other).stream(mode="state").state(),
        "the other mode": session.stream(mode="window").state(),
        "batch of 2, expected 1": session.stream(2, mode="state").state(),
        "no saved state": b"PK\x03\x04 text",
        "is no zip archive": state[5:],
        "damaged": state[:-30],
    }
    for reason, bad in strangers.items():
        with pytest.raises(InputError, match=reason):
            stream.restore(bad)
    with pytest.raises(InputError, match="not finite"):
        stream.restore(poisoned(state))
    with pytest.raises(InputError, match="cannot read"):
        stream.restore(Path("/nowhere/state.npz"))
    assert stream.state() == state


def reversed_bias(stage: Any) -> Any:
    return (
        replace(stage, bias=stage.bias[::-1])
        if hasattr(stage, "bias") and stage.name == "fc"
        else stage
    )


def poisoned(state: bytes) -> bytes:
    from lstm_export.bundle.arrays import pack_arrays, unpack_arrays

    arrays = dict(unpack_arrays(state))
    arrays["kept0"] = arrays["kept0"] * np.float32(np.nan)
    return pack_arrays(arrays)


def test_a_closed_stream_says_so(traffic_model: Model) -> None:
    x = inputs(traffic_model, 2)
    with session_of(traffic_model).stream(mode="state") as stream:
        state, held = stream.state(), stream.step
    for use in (
        lambda: stream.step(x[0]),
        lambda: held(x[0]),
        lambda: stream.push(x),
        stream.reset,
        stream.state,
        stream.copy,
    ):
        with pytest.raises(InputError, match="the stream is closed"):
            use()
    with pytest.raises(InputError, match="the stream is closed"):
        stream.restore(state)
    stream.close()


def test_a_stream_needs_what_its_mode_keeps(traffic_model: Model) -> None:
    from lstm_export.device import load_onnx

    plain = Session(load_onnx(to_bytes(traffic_model, 17)), traffic_model.signature)
    assert plain.stream().mode == "window"
    with pytest.raises(InputError, match="no artifact that carries the state.* -t onnx-stream"):
        plain.stream(mode="state")
    seed = CHAINS["seed"]
    assert session_of(seed).stream().mode == "state"
    with pytest.raises(InputError, match="the window is None"):
        session_of(seed).stream(mode="window")
    alone = Session(streaming(seed), seed.signature)
    assert alone.stream().mode == "state"
    for options in ({"mode": "x"}, {"nonfinite": "x"}, {"batch": 0}, {"batch": 1.5}):
        with pytest.raises(InputError):
            alone.stream(**options)  # type: ignore[arg-type]


@pytest.mark.parametrize("mode", ["state", "window"])
def test_a_pool_is_many_streams(traffic_model: Model, mode: Any) -> None:
    """Streams that come and go at any time, all or some of them stepped: each as if it were alone."""
    session, random = session_of(traffic_model), np.random.default_rng(3)
    pool, alone = session.pool(mode=mode), dict[object, Stream]()
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
    pool, x = (
        session_of(traffic_model).pool(mode="state", nonfinite="skip"),
        inputs(traffic_model, 2),
    )
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


def test_memory_stays(traffic_model: Model) -> None:
    """Nothing is made anew in a step: 3,000 of them leave the traced memory as it was."""
    import tracemalloc

    stream, x = session_of(traffic_model).stream(mode="state"), inputs(traffic_model, 1)[0]
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
