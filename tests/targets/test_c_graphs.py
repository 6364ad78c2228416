"""Models that are no chains, in C: random graphs, what is held meanwhile, pools of long streams."""

from __future__ import annotations

import ctypes
from pathlib import Path

import numpy as np
import pytest

from lstm_export import targets
from lstm_export.errors import InputError
from lstm_export.model import (
    Add,
    Concat,
    LastStep,
    Linear,
    Model,
    Pool,
    Signature,
    Stage,
    Subtract,
)
from lstm_export.parity import check, golden_sets
from lstm_export.targets.c.emit.chain import walk
from lstm_export.targets.c.emit.constants import arrays_of
from lstm_export.targets.c.emit.names import Prefix
from lstm_export.targets.c.emit.plan import looks_ahead
from lstm_export.targets.c.host import compiler
from lstm_export.targets.c.host.runner import CStream
from lstm_export.targets.c.integer.joins import MOST_STEPS
from tests.kit.builders import drawn, linear, lstm
from tests.kit.compiled_c import QUICK, SHAPES, assert_one_answer, compile_with, needs_compiler
from tests.kit.graphs import FORECASTS
from tests.kit.integer_models import UNTRAINED
from tests.kit.random_graphs import random_graph

C = targets.get("c")
SEED = 20261128


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    compile_with(QUICK, monkeypatch)


def model_of(input_size: int, output_size: int, *stages: Stage) -> Model:
    return Model(stages, Signature(input_size, output_size))


def windowed(*, at_the_end: bool) -> Model:
    """An LSTM on x less its first step; its mean is added to its last step, or to every step."""
    random = np.random.default_rng(3)
    last = (LastStep("last", inputs=("lstm",)),) if at_the_end else ()
    return model_of(
        2,
        2,
        Pool("first", "first"),
        Subtract("less", inputs=("x", "first")),
        lstm("lstm", 2, 3, 1, random, learned=True),
        Pool("mean", "mean"),
        *last,
        Add("both", inputs=("last" if at_the_end else "lstm", "mean")),
        linear("fc", 3, 2, random),
    )


@needs_compiler
@pytest.mark.parametrize("index", range(8))
def test_a_random_graph_is_one_answer_however_it_is_asked(index: int) -> None:
    model, _ = random_graph(SEED, index, largest_hidden=24)
    runner = C.from_model(model)
    report = check(runner, golden_sets(model), subject="c")
    assert report.ok, report.table()
    for batch, seq in SHAPES:
        assert_one_answer(runner, drawn(model, batch, max(seq, model.least_steps)))


@needs_compiler
def test_a_row_that_the_first_step_makes_is_streamed_and_one_of_all_steps_is_not(
    tmp_path: Path,
) -> None:
    streamed = windowed(at_the_end=True)
    whole = windowed(at_the_end=False)
    assert looks_ahead(streamed) is None
    assert looks_ahead(whole) is whole.stages[4]
    for model in (streamed, whole):
        runner = C.from_model(model)
        assert isinstance(runner, CStream) == (model is streamed)
        report = check(runner, golden_sets(model), subject="c")
        assert report.ok, report.table()
        assert_one_answer(runner, drawn(model, 33, 130))
    C.export(whole, tmp_path / "m_c")
    page = (tmp_path / "m_c" / "README.md").read_text()
    assert "`both` takes at every step what only all steps together give" in page


def taken_twice() -> Model:
    """A Linear whose last step, mean and largest values are taken, and a row added twice."""
    random = np.random.default_rng(7)
    return model_of(
        2,
        6,
        lstm("lstm", 2, 3, 1, random),
        linear("fc", 3, 3, random),
        LastStep("last"),
        Pool("mean", "mean", inputs=("fc",)),
        Pool("max", "max", inputs=("fc",)),
        Add("three", inputs=("mean", "last", "mean")),
        Concat("all", inputs=("three", "max")),
    )


@needs_compiler
def test_a_value_may_be_taken_twice() -> None:
    model = taken_twice()
    runner = C.from_model(model)
    report = check(runner, golden_sets(model), subject="c")
    assert report.ok, report.table()
    assert_one_answer(runner, drawn(model, 33, 5))


@needs_compiler
@pytest.mark.parametrize("name", FORECASTS)
def test_the_last_steps_are_one_answer_and_fewer_are_none(name: str, tmp_path: Path) -> None:
    model = FORECASTS[name]
    assert looks_ahead(model) is not None
    runner = C.from_model(model)
    for batch, seq in ((33, 5), (2, 130)):
        assert_one_answer(runner, drawn(model, batch, seq))
    least = model.least_steps
    short = drawn(model, 2, least - 1)
    with pytest.raises(InputError, match=f"with {least} steps at least"):
        runner(short)
    C.export(model, tmp_path / "m_c", self_test=True)
    files = {file: (tmp_path / "m_c" / file).read_text() for file in ("model.c", "model.h")}
    functions = ctypes.CDLL(str(compiler.library(files)))
    assert functions.model_self_test() == 0
    y = np.full((2, model.signature.output_size), 7, np.float32)
    places = [ctypes.c_void_p(array.ctypes.data) for array in (short, y, np.empty(10_000))]
    counts = (ctypes.c_size_t(2), ctypes.c_size_t(least - 1))
    functions.model_run_batch(places[0], *counts, places[1], places[2])
    assert (y == 7).all()


@needs_compiler
def test_nan_stays_in_every_pool() -> None:
    x = drawn(taken_twice(), 1, 9)
    x[0, 3] = np.nan
    stream = C.from_model(taken_twice())
    assert isinstance(stream, CStream)
    state = stream.initial_state(1)
    for t in range(9):
        y, state = stream.advance(x[:, t : t + 1], state)
        assert np.isnan(y).all() if t >= 3 else np.isfinite(y).all()


@needs_compiler
def test_a_mean_of_a_million_steps_keeps_its_digits() -> None:
    """One float32 sum is up to 1 % off; a compensated one is within a few roundings."""
    random = np.random.default_rng(4)
    model = model_of(
        1,
        3,
        lstm("lstm", 1, 1, 1, random),
        LastStep("last"),
        Pool("mean", "mean", inputs=("x",)),
        Pool("max", "max", inputs=("x",)),
        Concat("all", inputs=("mean", "last", "max")),
    )
    x = random.uniform(0.05, 0.15, (1, 1_000_000, 1)).astype(np.float32)
    y = C.from_model(model)(x)[0]
    mean = x.mean(dtype=np.float64)
    assert abs(y[0] - mean) <= 2 * 2.0**-24 * mean
    assert y[2] == x.max()


@needs_compiler
def test_a_whole_sum_leaves_out_steps_after_those_that_fit(tmp_path: Path) -> None:
    """The README says so: a stream that is never reset would wait for a change in vain."""
    random = np.random.default_rng(4)
    recurrent = lstm("lstm", 1, 1, 1, random)
    model = model_of(1, 1, recurrent, Pool("mean", "mean"))
    C.export(model, tmp_path / "m_c", **UNTRAINED)
    runner = C.load((tmp_path / "m_c" / "model.c").read_bytes())
    x = random.normal(size=(3, MOST_STEPS + 9, 1))
    x[1] = x[0]
    x[1, MOST_STEPS:] = 30.0
    x[2] = x[0]
    x[2, MOST_STEPS - 9 :] = 30.0
    usual, changed_behind, changed = runner(x)
    assert usual == changed_behind != changed
    page = (tmp_path / "m_c" / "README.md").read_text()
    assert "first 65,535 steps after a reset" in page


def test_no_more_is_held_than_later_stages_take() -> None:
    """However many residual blocks there are, two buffers do: a sum takes the place of a term."""
    widths = {blocks: residual(blocks) for blocks in (2, 6)}
    assert widths[2] == widths[6] == {"a": 4, "b": 4}


def residual(blocks: int) -> dict[str, int]:
    """The buffers of an LSTM and blocks that each add their input to a Linear of it."""
    random = np.random.default_rng(5)
    stages: list[Stage] = [lstm("lstm", 4, 4, 1, random)]
    for block in range(blocks):
        before = stages[-1].name
        head: Linear = linear(f"fc{block}", 4, 4, random)
        stages += [head, Add(f"add{block}", inputs=(head.name, before))]
    stages.append(lstm("lstm2", 4, 4, 1, random))
    model = model_of(4, 4, *stages)
    prefix = Prefix("model")
    run = walk(model, arrays_of(model, prefix, "float32").names, prefix, step=False)
    return {name: buffer.width for name, buffer in run.buffers.by_name.items()}


def test_hostile_names_stay_out_of_a_graph(tmp_path: Path) -> None:
    """Stages, and what they say they take, are called in C by names of our own making."""
    hostile = {name: f'*/ "{name}"\n?>' for name in ("mean", "last", "lstm", "all")}
    random = np.random.default_rng(6)
    model = model_of(
        2,
        4,
        lstm(hostile["lstm"], 2, 2, 1, random),
        Pool(hostile["mean"], "mean"),
        LastStep(hostile["last"], inputs=(hostile["lstm"],)),
        Concat(hostile["all"], inputs=(hostile["mean"], hostile["last"])),
    )
    C.export(model, tmp_path / "m_c")
    source = (tmp_path / "m_c" / "model.c").read_text()
    assert "all Concat(4) of mean, last" in source
    assert '*/ "' not in source
    assert "?>" not in source
