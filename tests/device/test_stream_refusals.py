"""What a stream does not take: bad samples, states of others, and calls after its end."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstm_export.bundle.archive import pack, unpack
from lstm_export.device import RowStream, Session, numpy_runner
from lstm_export.errors import InputError
from lstm_export.model import Array, Model
from tests.kit.builders import drawn
from tests.kit.chains import CHAINS

pytest.importorskip("onnx", reason='needs onnx: pip install "lstm-export[export]"')
pytest.importorskip("onnxruntime")
from lstm_export.targets.onnx.writer import to_bytes
from tests.device.streams import inputs, session_of, streaming

MODES = pytest.mark.parametrize("mode", ["state", "window"])


def with_bad_samples(x: Array) -> Array:
    """Two samples in a row with values that are not finite, the sixth and the seventh."""
    bad = x.copy()
    bad[5, 1] = np.nan
    bad[6, 0] = np.inf
    bad[6, 2] = -np.inf
    return bad


@MODES
def test_a_refused_sample_never_reaches_the_state(traffic_model: Model, mode: Any) -> None:
    session = session_of(traffic_model)
    x = inputs(traffic_model, 12)
    bad = with_bad_samples(x)
    stream = session.stream(mode=mode)
    for x_t in bad[:5]:
        stream.step(x_t)
    state = stream.state()
    for x_t in bad[5:7]:
        with pytest.raises(InputError, match=r"feature [01] \((volume|temp)\) is not finite"):
            stream.step(x_t)
    with pytest.raises(InputError, match=r"row 0, step 2, feature 1"):
        stream.push(bad[3:9])
    clean = session.stream(mode=mode)
    clean.restore(state)
    rest = [clean.step(x_t) for x_t in x[7:]]
    np.testing.assert_array_equal([stream.step(x_t) for x_t in bad[7:]], rest)
    assert stream.nonfinite_count == 4


@MODES
def test_held_values_are_the_last_good_ones(traffic_model: Model, mode: Any) -> None:
    session = session_of(traffic_model)
    x = inputs(traffic_model, 12)
    bad = with_bad_samples(x)
    held = x.copy()
    held[5, 1] = x[4, 1]
    held[6, 0] = x[5, 0]
    held[6, 2] = x[5, 2]
    clean = session.stream(mode=mode)
    expected = [clean.step(x_t) for x_t in held]
    stream = session.stream(mode=mode, nonfinite="hold")
    np.testing.assert_array_equal([stream.step(x_t) for x_t in bad], expected)
    stream.reset()
    np.testing.assert_array_equal(stream.push(bad), expected[-1])
    assert stream.nonfinite_count == 4
    stream.reset()
    with pytest.raises(InputError, match="no good value came before"):
        stream.step(bad[5])


@MODES
def test_skipped_samples_leave_no_trace(traffic_model: Model, mode: Any) -> None:
    session = session_of(traffic_model)
    x = inputs(traffic_model, 12)
    bad = with_bad_samples(x)
    clean = session.stream(mode=mode)
    expected = [clean.step(x_t) for x_t in np.delete(x, [5, 6], axis=0)]
    stream = session.stream(mode=mode, nonfinite="skip")
    got = np.stack([stream.step(x_t) for x_t in bad])
    assert np.isnan(got[5:7]).all()
    np.testing.assert_array_equal(np.delete(got, [5, 6], axis=0), expected)
    stream.reset()
    np.testing.assert_array_equal(stream.push(bad), expected[-1])
    assert np.isnan(stream.push(bad[4:7])).all()  # as the last step of it would be answered
    assert stream.nonfinite_count == 6


def test_a_bad_row_of_a_batch_leaves_the_others_alone() -> None:
    model = CHAINS["every step"]
    session = session_of(model)
    x = drawn(model, 3, 10)
    bad = x.copy()
    bad[1, 4, 2] = np.nan
    stream = session.stream(3, nonfinite="skip")
    y = stream.push(bad)
    np.testing.assert_array_equal(y[::2], session.stream(2).push(x[::2]))
    assert np.isnan(y[1, 4]).all()
    alone = session.stream().push(np.delete(x[1], 4, axis=0))
    np.testing.assert_array_equal(np.delete(y[1], 4, axis=0), alone)


@pytest.mark.parametrize("kind", [list, np.float64, np.float16, ">f4", "strided", "readonly"])
def test_takes_what_a_device_has(kind: Any, traffic_model: Model) -> None:
    x = np.rint(inputs(traffic_model, 5)).astype(np.float16).astype(np.float32)
    session = session_of(traffic_model)
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
    stream = session_of(traffic_model).stream(mode="state")
    x = inputs(traffic_model, 4)
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
    session = session_of(traffic_model)
    x = inputs(traffic_model, 4)
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


@pytest.mark.parametrize(
    "change",
    [
        {"times": ["no time"]},
        {"times": ["NaT"]},
        {"times": [float("inf")]},
        {"times": [10**400]},
        {"times": []},
        {"times": [[1]]},
        {"row": float("inf")},
        {"row": None},
        {"series": [1]},
        {"series": ["a", "b"]},
    ],
    ids=str,
)
def test_forged_times_and_series_are_refused_and_change_nothing(change: dict[str, Any]) -> None:
    model = CHAINS["smallest"]
    rows = RowStream(Session(numpy_runner(model), model.signature), mode="state")
    rows.begin(["0.5"])
    rows.answer(["0.5"], 1)
    state = rows.state()
    files = unpack(state)
    index = {**json.loads(files["series.json"]), **change}
    files["series.json"] = json.dumps(index).encode()
    with pytest.raises(InputError, match="this is no saved state of a stream of rows"):
        rows.restore(pack(files))
    assert rows.state() == state


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
        state = stream.state()
        held = stream.step
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
    with pytest.raises(InputError, match="the window is not stored"):
        session_of(seed).stream(mode="window")
    alone = Session(streaming(seed), seed.signature)
    assert alone.stream().mode == "state"
    for options in ({"mode": "x"}, {"nonfinite": "x"}, {"batch": 0}, {"batch": 1.5}):
        with pytest.raises(InputError):
            alone.stream(**options)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="'x' is unknown; choose one of refuse, propagate"):
        Session(streaming(seed), seed.signature, nonfinite="x")  # type: ignore[arg-type]
