"""Sequences of unequal length through a session: padded, bucketed, as if each were alone."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lstm_export.device import InputRangeWarning, Session
from lstm_export.device.sequences import BUCKET_ROWS, SHORTEST_SHARE, buckets
from lstm_export.errors import InputError
from lstm_export.model import Array, Model, forward
from tests.kit.builders import drawn
from tests.kit.chains import CHAINS


class Padded:
    """The definition as a runner that takes lengths; fails where something reaches it that no
    runtime should see.
    """

    takes_lengths = True

    def __init__(self, model: Model) -> None:
        self.model = model
        self.calls = list[tuple[int, ...]]()

    def __call__(self, x: Array, lengths: Array | None = None) -> Array:
        assert x.size
        assert np.isfinite(x).all()
        self.calls.append(x.shape)
        return forward(self.model, x, lengths=lengths).y.astype(np.float32)


class Plain(Padded):
    takes_lengths = False

    def __call__(self, x: Array, lengths: Array | None = None) -> Array:
        assert lengths is None
        return super().__call__(x)


def onnx_runner(model: Model, lengths: bool) -> Any:
    pytest.importorskip("onnx", reason='needs onnx: pip install "lstm-export[export]"')
    from lstm_export.device import load_onnx
    from lstm_export.targets.onnx.writer import to_bytes

    return load_onnx(to_bytes(model, 17, lengths=lengths))


ENGINES: dict[str, Callable[[Model], Any]] = {
    "definition": Padded,
    "definition without lengths": Plain,
    "onnx": lambda model: onnx_runner(model, lengths=True),
    "onnx without lengths": lambda model: onnx_runner(model, lengths=False),
}
Engine = Callable[[Model], Any]


@pytest.fixture(params=ENGINES, ids=lambda name: name.replace(" ", "-"))
def engine(request: pytest.FixtureRequest) -> Engine:
    return ENGINES[request.param]


def sequences(model: Model, count: int = 40, longest: int = 30, seed: int = 0) -> list[Array]:
    """Of every length, in no order, some of them twice."""
    lengths = np.random.default_rng(seed).integers(1, longest + 1, count)
    x = drawn(model, count, longest, seed)
    return [row[:length] for row, length in zip(x, lengths, strict=True)]


def session_of(runner: Any, model: Model, **options: Any) -> Session:
    return Session(runner, model.signature, **options)


def assert_as_alone(model: Model, x: list[Array], y: Any) -> None:
    """Every answer is the definition's for its sequence alone, within 40 roundings of the terms
    that it is made of.
    """
    assert len(y) == len(x)
    for sequence, answer in zip(x, y, strict=True):
        expected = forward(model, sequence[np.newaxis])
        scale = expected.terms.reshape(-1, expected.terms.shape[-1]).max(axis=0)
        assert answer.shape == expected.y[0].shape
        assert answer.dtype == np.float32
        assert (np.abs(answer - expected.y[0]) <= 40 * 2.0**-24 * scale).all()


@pytest.mark.parametrize(
    "name", ["seed", "bidirectional", "every step", "skip", "gru both ways", "both ends"]
)
def test_a_list_is_answered_as_each_sequence_alone(engine: Engine, name: str) -> None:
    model = CHAINS[name]
    x = sequences(model)
    y = session_of(engine(model), model)(x)
    assert isinstance(y, list if model.returns_every_step else np.ndarray)
    assert_as_alone(model, x, y)


@pytest.mark.parametrize("name", ["seed", "bidirectional", "every step", "skips"])
@pytest.mark.parametrize("padding", [0.0, np.nan, -np.inf, 1e300])
def test_padding_is_never_read(engine: Engine, name: str, padding: float) -> None:
    model = CHAINS[name]
    x = sequences(model, 9, 12)
    lengths = np.array([len(sequence) for sequence in x])
    padded = np.full((9, 15, model.signature.input_size), padding)
    for row, sequence in enumerate(x):
        padded[row, : len(sequence)] = sequence
    y = session_of(engine(model), model)(padded, lengths=lengths)
    if model.returns_every_step:
        assert y.shape == (9, 15, model.signature.output_size)
        assert not y[np.arange(15) >= lengths[:, np.newaxis]].any()
        assert_as_alone(model, x, [row[:length] for row, length in zip(y, lengths, strict=True)])
    else:
        assert_as_alone(model, x, y)


def test_rows_of_a_batch_never_touch_each_other(engine: Engine) -> None:
    """One sequence is made huge: no bit of another's answer moves."""
    model = CHAINS["seed"]
    session = session_of(engine(model), model)
    x = sequences(model)
    before = session(x)
    x[7] = x[7] * np.float32(1e6)
    after = session(x)
    np.testing.assert_array_equal(np.delete(after, 7, axis=0), np.delete(before, 7, axis=0))
    assert (after[7] != before[7]).any()


def test_the_order_of_the_callers_list_does_not_matter(engine: Engine) -> None:
    model = CHAINS["every step"]
    session = session_of(engine(model), model)
    x = sequences(model)
    order = np.random.default_rng(1).permutation(len(x))
    for got, expected in zip(
        session([x[index] for index in order]), [session(x)[index] for index in order], strict=True
    ):
        np.testing.assert_allclose(got, expected, atol=1e-6)


# Runtimes that are wrong in one way each, and must not pass for right.
class PaddingRead(Padded):
    def __call__(self, x: Array, lengths: Array | None = None) -> Array:
        return super().__call__(x, None)


class OneLengthForAll(Padded):
    def __call__(self, x: Array, lengths: Array | None = None) -> Array:
        return super().__call__(x, None if lengths is None else np.full(len(x), lengths.max()))


class OneStepShort(Padded):
    def __call__(self, x: Array, lengths: Array | None = None) -> Array:
        return super().__call__(x, None if lengths is None else np.maximum(lengths - 1, 1))


class SortedByLength(Padded):
    def __call__(self, x: Array, lengths: Array | None = None) -> Array:
        y = super().__call__(x, lengths)
        return y if lengths is None else y[np.argsort(lengths, kind="stable")]


@pytest.mark.parametrize("name", ["seed", "bidirectional", "gru both ways"])
@pytest.mark.parametrize("broken", [PaddingRead, OneLengthForAll, OneStepShort, SortedByLength])
def test_a_broken_runtime_is_seen(broken: type[Padded], name: str) -> None:
    model = CHAINS[name]
    x = sequences(model)
    with pytest.raises(AssertionError):
        assert_as_alone(model, x, session_of(broken(model), model)(x))


def test_answers_in_the_buckets_order_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The order is put right in one place; without it the answers are those of other sequences."""
    from lstm_export.device import sequences as module

    model = CHAINS["seed"]
    x = sequences(model)
    original = module.buckets

    def in_bucket_order(*args: Any, **options: Any) -> Any:
        done = 0
        for rows in original(*args, **options):
            yield np.arange(done, done + len(rows))
            done += len(rows)

    monkeypatch.setattr(module, "buckets", in_bucket_order)
    y = session_of(Padded(model), model)(sorted(x, key=len, reverse=True))
    assert_as_alone(model, sorted(x, key=len, reverse=True), y)
    with pytest.raises(AssertionError):
        assert_as_alone(model, x, y)


@pytest.mark.parametrize("padding", [True, False])
@pytest.mark.parametrize("max_steps", [50, 2**14])
def test_buckets_hold_every_row_once(padding: bool, max_steps: int) -> None:
    lengths = np.random.default_rng(3).integers(1, 101, 300)
    found = list(buckets(lengths, padding=padding, max_steps=max_steps))
    assert sorted(np.concatenate(found).tolist()) == list(range(300))
    for rows in found:
        longest = lengths[rows].max()
        shortest = lengths[rows].min()
        assert len(rows) == 1 or len(rows) * longest <= max_steps
        assert shortest == longest or (
            padding and len(rows) <= BUCKET_ROWS and shortest >= SHORTEST_SHARE * longest
        )
    assert len(found) < (len(np.unique(lengths)) if padding and max_steps > 2000 else 301)


def test_equal_lengths_share_one_call() -> None:
    runner = Padded(CHAINS["seed"])
    session_of(runner, CHAINS["seed"])(list(drawn(CHAINS["seed"], 100, 5)))
    assert runner.calls == [(100, 5, 10)]


BAD: dict[str, tuple[Any, Any, str]] = {
    "length 0": ("x", [3, 0], "lengths is 0 at row 1, expected 1 to 4"),
    "beyond seq": ("x", [3, 5], "lengths is 5 at row 1, expected 1 to 4, the steps that x has"),
    "floats": ("x", [3.0, 1.0], "lengths is of type float64, expected whole numbers"),
    "too few": ("x", [3], r"lengths has the shape \(1,\), expected \(2,\)"),
    "none": ("x", [], "lengths is of type float64|shape"),
    "text": ("x", "33", "lengths is of type str"),
    "list and lengths": (
        [np.zeros((3, 10)), np.zeros((2, 10))],
        [3, 2],
        "have their own lengths; leave lengths out",
    ),
    "rank": (np.zeros((4, 10)), [4], r"x has the shape \(4, 10\), expected \(batch, seq, 10\)"),
    "empty sequence": (
        [np.zeros((3, 10)), np.zeros((0, 10))],
        None,
        r"x\[1\] has the shape \(0, 10\)",
    ),
    "other width": (
        [np.zeros((3, 10)), np.zeros((3, 9))],
        None,
        r"x\[1\] has the shape \(3, 9\), expected \(seq, 10\)",
    ),
    "other rank": ([np.zeros((3, 10)), np.zeros(10)], None, r"x\[1\] has the shape \(10,\)"),
    "objects": ([np.zeros((3, 10)), np.full((3, 10), None)], None, "of type object"),
}


@pytest.mark.parametrize("kind", BAD)
def test_what_means_nothing_is_refused_before_any_runtime(kind: str) -> None:
    x, lengths, message = BAD[kind]
    runner = Padded(CHAINS["seed"])
    x = drawn(CHAINS["seed"], 2, 4) if isinstance(x, str) else x
    with pytest.raises(InputError, match=message):
        session_of(runner, CHAINS["seed"])(x, lengths=lengths)
    assert not runner.calls


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_refused_within_a_length_and_named(
    value: float, traffic_model: Model
) -> None:
    session = session_of(Padded(traffic_model), traffic_model)
    x = drawn(traffic_model, 3, 6)
    x[1, 2, 0] = value
    with pytest.raises(InputError, match=rf"x at row 1, step 2, feature 0 \(volume\) is {value}"):
        session(x, lengths=[6, 3, 4])
    with pytest.raises(InputError, match=r"x at row 1, step 2, feature 0 \(volume\)"):
        session([x[0], x[1, :3], x[2, :1]])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InputRangeWarning)
        assert np.isfinite(session(x, lengths=[6, 2, 4])).all()


def test_a_value_beyond_float32_is_named(traffic_model: Model) -> None:
    with pytest.raises(
        InputError, match="row 1, step 1, feature 2 .clouds. is 1e.300, more than float32 holds"
    ):
        session_of(Padded(traffic_model), traffic_model)(
            [np.zeros((1, 3)), np.array([[1.0, 1, 1], [1, 1, 1e300]])]
        )


@pytest.mark.parametrize("name", ["seed", "every step"])
def test_a_row_that_is_not_finite_is_answered_with_nan_if_asked(name: str) -> None:
    model = CHAINS[name]
    x = sequences(model, 6, 5)
    expected = session_of(Padded(model), model)(x)
    x[2] = x[2].copy()
    x[2][-1, 1] = np.nan
    y = session_of(Padded(model), model, nonfinite="propagate")(x)
    for row in range(6):
        assert np.isnan(y[row]).all() if row == 2 else np.array_equal(y[row], expected[row])


def test_ranges_are_judged_by_what_counts(traffic_model: Model) -> None:
    session = session_of(Padded(traffic_model), traffic_model)
    x = np.full((2, 4, 3), 50.0)
    x[:, :, 1] = 10.0
    x[1, 2:] = 1e6
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert session(x, lengths=[4, 2]).shape == (2, 2)
    with pytest.warns(InputRangeWarning, match="volume is 1e.06 veh/h"):
        session(x, lengths=[4, 3])


def test_no_row_at_all(every_step_model: Model) -> None:
    session = session_of(Padded(every_step_model), every_step_model)
    assert session(np.empty((0, 4, 2)), lengths=np.empty(0, int)).shape == (0, 4, 1)


def test_strict_takes_float32_alone(every_step_model: Model) -> None:
    session = session_of(Padded(every_step_model), every_step_model)
    with pytest.raises(InputError, match="expected float32"):
        session([np.zeros((3, 2))], strict=True)
    assert len(session([np.zeros((3, 2), np.float32)], strict=True)) == 1


def table_of(lengths: dict[str, int], model: Model) -> dict[str, Any]:
    """A series of each length, one behind the other."""
    x = {name: drawn(model, 1, length, seed=length)[0] for name, length in lengths.items()}
    hours = np.concatenate([np.arange(length) * 3600.0 for length in lengths.values()])
    columns = np.concatenate(list(x.values()))
    names = ("volume", "temp", "clouds")
    station = np.repeat(list(lengths), list(lengths.values()))
    return {"hour": hours, "station": station} | {
        name: columns[:, k] for k, name in enumerate(names)
    }


@pytest.mark.parametrize("kind", [Padded, Plain])
def test_a_table_answers_series_shorter_than_the_window_if_such_were_learned(
    kind: type[Padded], traffic_model: Model
) -> None:
    """Once each, as the sequences that they are; those shorter than any that was learned are left
    out.
    """
    model = replace(traffic_model, signature=replace(traffic_model.signature, shortest=2))
    table = table_of({"a": 3, "b": 7, "c": 1, "d": 4, "e": 2}, model)
    done: list[tuple[int, int]] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InputRangeWarning)
        found = session_of(kind(model), model).predict_table(
            table, lambda *counts: done.append(counts)
        )
        whole = session_of(kind(model), traffic_model).predict_table(table)
    assert found["station"].tolist() == ["a", "b", "b", "b", "d", "e"]
    assert whole["station"].tolist() == ["b", "b", "b"]
    assert done[-1] == (6, 6)
    x = np.stack([table[name] for name in ("volume", "temp", "clouds")], axis=1)
    for station, index in (("a", 0), ("d", 4), ("e", 5)):
        expected = forward(model, x[table["station"] == station][np.newaxis]).y[0]
        got = [found[column.name][index] for column in model.signature.outputs]
        np.testing.assert_allclose(got, expected, rtol=1e-5)
