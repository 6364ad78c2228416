"""The session: checks, splits, warns, and slides over tables."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstm_export.device import InputRangeWarning, Session, guarded_runner, predict_file
from lstm_export.errors import InputError
from lstm_export.model import (
    LSTM,
    Array,
    Column,
    Flatten,
    LastSteps,
    Linear,
    Model,
    Signature,
    forward,
)
from lstm_export.series import read_table


def numpy_runner(model: Model) -> Callable[[Array], Array]:
    """The definition as a runner; fails where no runtime may be asked."""

    def run(x: Array) -> Array:
        assert x.size, "an empty batch reached the runtime"
        assert x.dtype == np.float32
        assert np.isfinite(x).all()
        return forward(model, x).y.astype(np.float32)

    return run


def inputs(model: Model, *shape: int) -> Array:
    """Inputs within the training ranges."""
    random = np.random.default_rng(2)
    low = np.array([column.low for column in model.signature.features] or [-1.0], np.float64)
    high = np.array([column.high for column in model.signature.features] or [1.0], np.float64)
    return random.uniform(low, high, (*shape, model.signature.input_size)).astype(np.float32)


@pytest.fixture(params=["numpy", "onnx"])
def engine(request: pytest.FixtureRequest) -> Callable[[Model], Callable[[Array], Array]]:
    if request.param == "numpy":
        return numpy_runner
    pytest.importorskip("onnx", reason='needs onnx: pip install "lstm-export[export]"')
    from lstm_export.device import load_onnx
    from lstm_export.targets.onnx.writer import to_bytes

    return lambda model: load_onnx(to_bytes(model, 17))


Engine = Callable[[Model], Callable[[Array], Array]]


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (3, 5), (2, 50), (700, 1)])
def test_answers_as_the_definition_does(
    engine: Engine, traffic_model: Model, shape: tuple[int, int]
) -> None:
    x = inputs(traffic_model, *shape)
    y = Session(engine(traffic_model), traffic_model.signature)(x)
    assert y.shape == (shape[0], 2)
    assert y.dtype == np.float32
    # float32 against float64 in units of vehicles an hour, values of some thousands
    np.testing.assert_allclose(y, forward(traffic_model, x).y, rtol=1e-5)


def test_a_chain_that_answers_at_every_step_keeps_its_steps(
    engine: Engine, every_step_model: Model
) -> None:
    session = Session(engine(every_step_model), every_step_model.signature)
    x = inputs(every_step_model, 3, 5)
    assert session(x).shape == (3, 5, 1)
    assert session(x[:0]).shape == (0, 5, 1)
    np.testing.assert_allclose(session(x), forward(every_step_model, x).y, atol=1e-6)


def test_an_empty_batch_gives_an_empty_answer(engine: Engine, traffic_model: Model) -> None:
    y = Session(engine(traffic_model), traffic_model.signature)(np.empty((0, 5, 3)))
    assert y.shape == (0, 2)
    assert y.dtype == np.float32


@pytest.mark.parametrize("none", [[], ()])
def test_no_sequences_give_no_answers(
    engine: Engine, traffic_model: Model, every_step_model: Model, none: Any
) -> None:
    y = Session(engine(traffic_model), traffic_model.signature)(none)
    assert (y.shape, y.dtype) == ((0, 2), np.float32)
    assert Session(engine(every_step_model), every_step_model.signature)(none) == []


def test_a_large_batch_is_split(traffic_model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    x = inputs(traffic_model, 23, 4)
    seen = []
    run = numpy_runner(traffic_model)
    whole = run(x)
    monkeypatch.setattr(guarded_runner, "MAX_STEPS", 20)
    session = Session(lambda part: (seen.append(part.shape), run(part))[1], traffic_model.signature)
    np.testing.assert_array_equal(session(x), whole)
    assert [rows for rows, _, _ in seen] == [5, 5, 5, 5, 3]
    assert session(inputs(traffic_model, 2, 100)).shape == (2, 2)  # a single row is never split


def test_not_finite_is_refused_by_name_or_becomes_nan(engine: Engine, traffic_model: Model) -> None:
    x = inputs(traffic_model, 4, 5)
    good = Session(engine(traffic_model), traffic_model.signature)(x)
    x[1, 3, 1] = np.nan
    x[3, 0, 2] = np.inf
    with pytest.raises(InputError, match=r"row 1, step 3, feature 1 \(temp\) is nan"):
        Session(engine(traffic_model), traffic_model.signature)(x)
    y = Session(engine(traffic_model), traffic_model.signature, nonfinite="propagate")(x)
    assert np.isnan(y[[1, 3]]).all()
    np.testing.assert_array_equal(y[[0, 2]], good[[0, 2]])


def test_warns_once_a_call_of_the_training_range(traffic_model: Model) -> None:
    session = Session(numpy_runner(traffic_model), traffic_model.signature)
    x = inputs(traffic_model, 3, 5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        session(x)
        edge = np.array([7000.0, 38.0, 100.0])
        session(np.broadcast_to(edge, (1, 2, 3)))  # the ranges themselves are inside
    x[2, 4, 1] = 55.5
    with pytest.warns(
        InputRangeWarning, match=r"temp is 55\.5 °C, outside the training range -20 to 38$"
    ) as caught:
        session(x)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    x[0, 0, 2] = -1
    with pytest.warns(InputRangeWarning, match=r"temp is 55\.5 .* to 38, and 1 other feature too$"):
        session(x)


def test_a_range_bound_that_float32_cannot_hold_is_inside(traffic_model: Model) -> None:
    features = tuple(
        replace(column, low=0.1, high=0.1) for column in traffic_model.signature.features
    )
    session = Session(
        numpy_runner(traffic_model), replace(traffic_model.signature, features=features)
    )
    # 0.1 is rounded up in float32; a warning would be an error here
    assert session(np.full((1, 1, 3), 0.1)).shape == (1, 2)


def test_an_answer_of_another_shape_is_refused(traffic_model: Model) -> None:
    for wrong in ((4, 1), (1, 2), (4,), (4, 3, 2)):
        session = Session(
            lambda x, wrong=wrong: np.zeros(wrong, np.float32), traffic_model.signature
        )
        with pytest.raises(InputError, match="answered with the shape"):
            session(inputs(traffic_model, 4, 5))


HOURS = np.arange("2020-01-01T00", "2020-01-02T06", dtype="M8[h]")  # 30 hours


def traffic_table(model: Model) -> dict[str, Array]:
    """Two stations of 15 hours; an hour is missing after the ninth of the second."""
    x = inputs(model, 30)
    table = dict(zip(("volume", "temp", "clouds"), x.T.astype(float), strict=True))
    table |= {
        "hour": np.concatenate([HOURS[:15], HOURS[:15]]),
        "station": np.repeat(["north", "south"], 15),
    }
    return {name: np.delete(column, 24) for name, column in table.items()}


def test_slides_over_every_unbroken_run_of_a_table(engine: Engine, traffic_model: Model) -> None:
    table = traffic_table(traffic_model)
    calls = []
    session = Session(engine(traffic_model), traffic_model.signature)
    found = session.predict_table(table, lambda done, total: calls.append((done, total)))
    assert found.names == ("hour", "station", "volume[t+1]", "volume[t+2]")
    # runs of 15, 9 and 5 rows with windows of 5: the last row of each window names the prediction
    ends = [*range(4, 15), *range(15 + 4, 15 + 9), 28]
    np.testing.assert_array_equal(found["hour"].astype("M8[h]"), table["hour"][ends])
    assert list(found.text("station")) == list(table["station"][ends])
    x = np.stack([table[name] for name in ("volume", "temp", "clouds")], axis=1).astype(np.float32)
    windows = np.stack([x[end - 4 : end + 1] for end in ends])
    y = np.stack([found.numbers("volume[t+1]"), found.numbers("volume[t+2]")], axis=1)
    np.testing.assert_array_equal(y, session(windows))
    assert calls[-1] == (len(ends), len(ends))
    assert [done for done, _ in calls] == sorted({done for done, _ in calls})


def test_a_table_in_small_chunks_gives_the_same(
    traffic_model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = traffic_table(traffic_model)
    session = Session(numpy_runner(traffic_model), traffic_model.signature)
    whole = session.predict_table(table).columns
    monkeypatch.setattr(guarded_runner, "MAX_STEPS", 15)
    for name, column in session.predict_table(table).columns.items():
        np.testing.assert_array_equal(column, whole[name])


def test_runs_shorter_than_the_steps_that_a_model_takes_at_once_have_no_answer() -> None:
    """Without a window a run is one sequence; its runtime would refuse a shorter one in words of
    its own."""
    ones = np.ones((4, 1), np.float32)
    lstm = LSTM("lstm", {"weight_ih_l0": ones, "weight_hh_l0": ones})
    linear = Linear("fc", np.ones((1, 3), np.float32), None)
    stages = (lstm, LastSteps("steps", 3), Flatten("flat"), linear)
    model = Model(stages, Signature(1, 1, (Column("v"),), group="unit"), origin="given")
    session = Session(numpy_runner(model), model.signature, least_steps=model.least_steps)
    table = {"unit": ["a", "a", "b", "b", "b", "b"], "v": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]}
    answers = session.predict_table(table)
    x = np.array([3.0, 4.0, 5.0, 6.0]).reshape(1, 4, 1)
    expected = forward(model, x).y[0].astype(np.float32)
    np.testing.assert_array_equal(answers.numbers(answers.names[-1]), expected)
    with pytest.raises(
        InputError, match="no window of 3 rows; its longest run without a gap has 2"
    ):
        session.predict_table({"unit": ["a", "a"], "v": [1.0, 2.0]})


def test_a_window_can_be_given(traffic_model: Model) -> None:
    session = Session(numpy_runner(traffic_model), traffic_model.signature)
    assert len(session.predict_table(traffic_table(traffic_model), window=9)) == 7 + 1 + 0
    with pytest.raises(
        InputError, match=r"no window of 16 rows; its longest run without a gap has 15"
    ):
        session.predict_table(traffic_table(traffic_model), window=16)
    with pytest.raises(InputError, match="window is 0"):
        session.predict_table(traffic_table(traffic_model), window=0)


def test_slides_over_one_sequence(traffic_model: Model) -> None:
    session = Session(numpy_runner(traffic_model), traffic_model.signature)
    x = inputs(traffic_model, 9)
    expected = session(np.stack([x[k : k + 5] for k in range(5)]))
    np.testing.assert_array_equal(session.slide(x), expected)
    np.testing.assert_array_equal(session.slide(x.tolist()), expected)
    for bad in (
        x[:4],
        x[0],
        x[:, :2],
        None,
        np.ma.masked_array(x, mask=x > 0),
        [[1.0], [1.0, 2.0]],
    ):
        with pytest.raises(InputError) as error, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # numpy 1.23 warns of ragged lists
            session.slide(bad)
        assert "\n" not in str(error.value)


def test_a_table_warns_once_and_tells_missing_cells(traffic_model: Model) -> None:
    table = traffic_table(traffic_model)
    session = Session(numpy_runner(traffic_model), traffic_model.signature)
    table["temp"][3] = 99.0
    with pytest.warns(InputRangeWarning, match="temp is 99") as caught:
        session.predict_table(table)
    assert len(caught) == 1
    table["temp"][3] = np.nan
    with pytest.raises(InputError, match="temp"):
        session.predict_table(table)
    assert len(session.predict_table(table, missing="drop")) == 7 + 5 + 1
    del table["temp"]
    with pytest.raises(InputError, match="temp"):
        session.predict_table(table)


def test_without_names_the_columns_count(every_step_model: Model) -> None:
    session = Session(numpy_runner(every_step_model), every_step_model.signature)
    x = inputs(every_step_model, 6)
    table = {"a": x[:, 0], "b": x[:, 1]}
    with pytest.warns(UserWarning, match="by place: x0 is a, x1 is b"):
        found = session.predict_table(table)
    assert found.names == ("row", "y0")
    np.testing.assert_array_equal(found["row"], np.arange(6))  # every step is answered
    np.testing.assert_array_equal(found["y0"], session(x[np.newaxis])[0, :, 0])
    with pytest.warns(UserWarning, match="by place"):
        windowed = session.predict_table(table, window=4)
    np.testing.assert_array_equal(windowed["row"], [3, 4, 5])
    np.testing.assert_array_equal(
        windowed["y0"], [session(x[np.newaxis, k : k + 4])[0, -1, 0] for k in range(3)]
    )
    with pytest.raises(InputError, match="has 3 columns, expected 2"):
        session.predict_table(table | {"c": x[:, 0]})


def test_predicts_from_files(traffic_model: Model, tmp_path: Path) -> None:
    session = Session(numpy_runner(traffic_model), traffic_model.signature)
    x = inputs(traffic_model, 3, 8)
    np.save(tmp_path / "batch.npy", x)
    batch = predict_file(session, tmp_path / "batch.npy")
    np.testing.assert_array_equal(batch.y, session(x))
    assert batch.table.names == ("row", "volume[t+1]", "volume[t+2]")
    np.save(tmp_path / "one.npy", x[0])
    sequence = predict_file(session, tmp_path / "one.npy")
    np.testing.assert_array_equal(
        sequence.y, session(np.stack([x[0, k : k + 5] for k in range(4)]))
    )
    batch.write(tmp_path / "y.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), batch.y)
    batch.write(tmp_path / "y.csv")
    back = read_table(tmp_path / "y.csv")
    np.testing.assert_array_equal(back.numbers("volume[t+2]").astype(np.float32), batch.y[:, 1])


def test_every_step_of_a_batch_gets_a_row(every_step_model: Model, tmp_path: Path) -> None:
    session = Session(numpy_runner(every_step_model), every_step_model.signature)
    x = inputs(every_step_model, 2, 3)
    np.save(tmp_path / "x.npy", x)
    found = predict_file(session, tmp_path / "x.npy")
    assert found.y.shape == (2, 3, 1)
    np.testing.assert_array_equal(found.table["row"], [0, 0, 0, 1, 1, 1])
    np.testing.assert_array_equal(found.table["step"], [0, 1, 2, 0, 1, 2])
    np.testing.assert_array_equal(found.table["y0"], found.y.ravel())


@pytest.mark.parametrize("content", [b"", b"text", b"\x93NUMPY", b"\x80\x04N."])
def test_a_file_that_is_no_array_is_refused(
    content: bytes, traffic_model: Model, tmp_path: Path
) -> None:
    (tmp_path / "x.npy").write_bytes(content)
    with pytest.raises(InputError) as error:
        predict_file(
            Session(numpy_runner(traffic_model), traffic_model.signature), tmp_path / "x.npy"
        )
    assert "\n" not in str(error.value)


def test_an_array_of_objects_is_never_unpickled(traffic_model: Model, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.array([{}], object), allow_pickle=True)
    with pytest.raises(InputError):
        predict_file(
            Session(numpy_runner(traffic_model), traffic_model.signature), tmp_path / "x.npy"
        )
