"""The benchmark: turns, percentiles, answers judged on timed runs, deadlines, what is printed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from lstm_export import bench as library
from lstm_export import targets
from lstm_export.bench import Options, WorkResult, bench, measure, process
from lstm_export.bench.engines import Engine, Stepper, open_engines
from lstm_export.bench.process import ProcessCost
from lstm_export.bench.report import NOISY
from lstm_export.bench.timing import LEAST_BLOCKS, Timing, race
from lstm_export.bench.work import Question, Referee, Work, works
from lstm_export.bundle import open_bundle
from lstm_export.cli import app
from lstm_export.device import OnnxRunner
from lstm_export.errors import BundleError, InputError, UnsupportedModel
from lstm_export.model import Array, Model, State, forward, initial_state
from tests.kit.builders import drawn
from tests.kit.chains import CHAINS
from tests.kit.graphs import FORECASTS

BUNDLE = Path(__file__).parents[1] / "golden" / "seed-v1.bundle"
SHORT = Options(batch=3, seq=7, budget_s=0.01, warm_up_s=0.0)


@pytest.fixture
def no_process(quick_bench: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """No process is started either: what an engine costs in one is made up."""
    cost = ProcessCost(0.2, 0.01, peak_memory_bytes=2**26, python_memory_bytes=2**25)
    monkeypatch.setattr(measure, "cost_of_process", lambda *_: cost)


def invoke(*args: str | Path) -> Any:
    return CliRunner().invoke(
        app, ["bench", *map(str, args), "--seconds", "0.01", "--batch", "3", "--seq", "7"]
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [("1ms", 1e-3), ("250 us", 250e-6), ("1.5s", 1.5), ("20µs", 20e-6), ("7ns", 7e-9)],
)
def test_times_are_read(text: str, value: float) -> None:
    assert library.seconds(text) == pytest.approx(value)


@pytest.mark.parametrize("text", ["1", "ms", "-1ms", "0ms", "1 hour", "1kHz", ""])
def test_other_times_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="expected a time such as 1ms"):
        library.seconds(text)


def test_rates_are_read_and_others_refused() -> None:
    assert [library.frequency_hz(text) for text in ("48kHz", "10 hz", "1.5MHz")] == [
        48e3,
        10.0,
        1.5e6,
    ]
    with pytest.raises(InputError, match="expected a rate such as 48kHz"):
        library.frequency_hz("48k")


def test_a_timing_is_numpys_percentiles_of_all_calls() -> None:
    blocks = [np.random.default_rng(k).integers(1000, 9000, 40 + k).tolist() for k in range(9)]
    every = np.concatenate(blocks) * 1e-9
    medians = [float(np.median(block)) * 1e-9 for block in blocks]
    found = Timing.of(blocks)
    assert found.calls == every.size
    measured = (found.min_s, found.p50_s, found.p90_s, found.p99_s, found.mean_s)
    assert measured == pytest.approx(
        [every.min(), *np.percentile(every, (50, 90, 99)), every.mean()]
    )
    low, high = np.percentile(medians, (10, 90))
    assert found.spread == pytest.approx((high - low) / np.median(medians))


def test_engines_are_compared_round_by_round() -> None:
    """A machine that slows down by ten for a while slows both: their ratio stays."""
    mood = [1, 1, 10, 10, 10, 1, 1, 3]
    slow, fast = (Timing.of([[factor * 100 * k] for k in mood]) for factor in (2, 1))
    assert slow.times(fast) == pytest.approx((2, 2, 2))
    assert slow.spread > NOISY


def test_engines_take_turns_and_all_go_first_equally_often() -> None:
    order: list[str] = []

    def block(name: str, calls: int) -> list[int]:
        order.append(name)
        return [10_000_000] * calls  # two of these fill a block

    timings = race({name: lambda calls, name=name: block(name, calls) for name in "abc"}, 0.0, 0.0)
    rounds = ["".join(order[k : k + 3]) for k in range(3, len(order), 3)]  # after one warm-up each
    assert rounds == ["abc", "cba", "bca", "acb", "cab", "bac", "abc", "cba"]
    assert {timing.calls for timing in timings.values()} == {2 * LEAST_BLOCKS}


def test_each_shape_is_timed_once() -> None:
    assert [work.name for work in works(32, 100)] == ["step", "1 x 1", "1 x 100", "32 x 100"]
    assert [work.name for work in works(1, 1)] == ["step", "1 x 1"]
    assert [work.name for work in works(2, 12, least=12)] == ["step", "1 x 12", "2 x 12"]


@pytest.mark.usefixtures("quick_bench")
def test_a_bundle_is_judged_against_float64() -> None:
    report = bench([BUNDLE], SHORT)
    (engine,) = (engine for engine in report.engines if engine.target == "onnx")
    assert report.ok
    shapes = [(work.batch, work.seq) for work in engine.works if work.work != "step"]
    assert shapes == [(1, 1), (1, 7), (3, 7)]
    for work in engine.works:
        assert (work.verification.against, work.verification.verdict) == ("float64", "passed")
        assert 0 < work.timing.min_s <= work.timing.p50_s <= work.timing.p90_s <= work.timing.p99_s
    assert 0 < engine.process.load_s < engine.process.start_up_s
    memory = engine.process.peak_memory_bytes
    python = engine.process.python_memory_bytes
    assert memory is None or (python is not None and python < memory)


@pytest.mark.usefixtures("no_process")
def test_a_wrong_answer_of_a_timed_run_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    right = OnnxRunner.__call__
    monkeypatch.setattr(
        OnnxRunner, "__call__", lambda self, x: right(self, x) + np.float32(1e-5 * (len(x) == 3))
    )
    done = invoke(BUNDLE, "--engine", "onnx")
    assert done.exit_code == 1
    assert "onnx answered wrongly at 3 x 7: error " in done.stderr
    assert "failed against float64" in done.stdout


def test_whole_numbers_are_held_to_the_bit() -> None:
    question = Question(None, np.zeros((1, 3, 2), np.float32), None)
    work = Work("1 x 3", 1, 3)
    answer = np.ones((1, 2))
    referee = Referee(question, work, lambda x: answer)
    referee.judge(answer)
    assert referee.verification([]).verdict == "passed"
    for wrong in (answer + np.array([[0.0, 2.0**-20]]), answer * np.nan, answer[0]):
        referee = Referee(question, work, lambda x: answer)
        referee.judge(wrong)
        referee.judge(answer)
        assert referee.verification([]).verdict == "failed"


@pytest.mark.usefixtures("quick_bench")
def test_a_model_of_several_steps_is_asked_for_as_many(tmp_path: Path) -> None:
    """Its first answer in a process of its own, too."""
    file = tmp_path / "m.onnx"
    targets.get("onnx").export(FORECASTS["last steps"], file)
    (engine,) = bench([file], SHORT).engines
    assert [work.work for work in engine.works] == ["1 x 3", "1 x 7", "3 x 7"]
    with pytest.raises(InputError, match="--seq 2 is too short for a model that takes 3 steps"):
        bench([file], replace(SHORT, seq=2))


def test_the_worst_block_counts() -> None:
    model = CHAINS["every step"]
    (work,) = (work for work in works(2, 3) if work.name == "2 x 3")
    question = Question.of(model, model.signature, 2, 3)
    right = forward(model, question.x).y.astype(np.float32)
    for wrong in (right + np.float32(0.01), right * np.float32(np.nan), right[:, -1]):
        answers = Referee(question, work)
        for y in (right, wrong, right):
            answers.judge(y)
        assert answers.verification([]).verdict == "failed"
    good = Referee(question, work)
    good.judge(right)
    assert good.verification([]).verdict == "passed"


class Stateful:
    """The definition as a runner that hands out its state; a broken one forgets it."""

    def __init__(self, model: Model, forgets: bool) -> None:
        self.model = model
        self.forgets = forgets

    def __call__(self, x: Array) -> Array:
        return forward(self.model, x).y.astype(np.float32)

    def initial_state(self, batch: int) -> State:
        return initial_state(self.model, batch)

    def advance(self, x: Array, state: State) -> tuple[Array, State]:
        found = forward(self.model, x, state=state)
        return found.y.astype(np.float32), state if self.forgets else found.state


@pytest.mark.parametrize("chain", ["seed", "every step", "learned state"])
@pytest.mark.parametrize("forgets", [False, True])
def test_a_streamed_sequence_must_end_where_the_whole_one_does(chain: str, forgets: bool) -> None:
    model = CHAINS[chain]
    runner = Stateful(model, forgets)
    engine = Engine("twin", BUNDLE, "onnx", 1, runner, model.signature, model, Stepper(runner))
    (result,) = timed_at(Work("step", 1, 7, streaming=True), [engine])
    assert result.verification.against == "float64"
    assert result.verification.verdict == ("failed" if forgets else "passed")
    assert result.timing.calls % 7 == 0


@pytest.mark.parametrize("chain", ["learned state", "gru", "projected"])
def test_generated_c_steps_in_place_as_it_does_from_state_to_state(chain: str) -> None:
    from lstm_export.targets import c

    if reason := c.unavailable():
        pytest.skip(reason)
    model = CHAINS[chain]
    runner = c.from_model(model)
    x = drawn(model, 2, 4)
    bound = runner.bind(2)
    state = runner.initial_state(2)
    for t in range(4):
        bound.x[...] = x[:, t : t + 1]
        y, state = runner.advance(x[:, t : t + 1], state)
        np.testing.assert_array_equal(bound.run(), y)
        np.testing.assert_array_equal(
            np.concatenate(bound.state, axis=2), np.concatenate(state, axis=2)
        )
    np.testing.assert_array_equal(y, runner(x))
    for kept, initial in zip(bound.state, runner.initial_state(2), strict=True):
        kept[...] = initial
    bound.x[...] = x[:, :1]
    np.testing.assert_array_equal(bound.run(), runner(x[:, :1]))


def timed_at(work: Work, engines: list[Engine]) -> list[WorkResult]:
    return measure._timed(engines, work, SHORT, [])


@pytest.mark.usefixtures("no_process")
@pytest.mark.parametrize("ok", [True, False])
def test_engines_of_unknown_models_are_held_against_each_other(
    ok: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lstm_export.targets import onnx

    def unreadable(path: Path) -> None:
        raise UnsupportedModel("of another tool")

    paths = [tmp_path / "a.onnx", tmp_path / "b.onnx"]
    for path in paths:
        path.write_bytes(open_bundle(BUNDLE).artifacts["onnx"])
    right = OnnxRunner.__call__
    runners = []

    def one_is_wrong(self: OnnxRunner, x: Array) -> Array:
        runners.append(self)
        return right(self, x) * np.float32(1 if ok or self is runners[0] else 1.1)

    monkeypatch.setattr(onnx, "read", unreadable)
    monkeypatch.setattr(OnnxRunner, "__call__", one_is_wrong)
    report = bench(paths, SHORT)
    found = [
        work.verification
        for engine in report.engines
        for work in engine.works
        if work.work != "step"
    ]
    assert {verification.against for verification in found} == {"other engines"}
    assert report.ok == ok
    alone = bench(paths[:1], SHORT)
    assert {work.verification.against for engine in alone.engines for work in engine.works} == {
        "nothing"
    }


@pytest.mark.usefixtures("no_process")
def test_the_deadline_decides_and_the_rate_says_the_share(tmp_path: Path) -> None:
    met = invoke(BUNDLE, "--engine", "onnx", "--deadline", "10s", "--rate", "2Hz", "--json")
    assert met.exit_code == 0, met.output
    record = json.loads(met.stdout)
    (engine,) = record["engines"]
    assert (record["command"], record["ok"], record["failures"]) == ("bench", True, [])
    judged = next(work for work in engine["works"] if work["work"] in engine["deadline"]["work"])
    assert engine["deadline"]["p99_s"] == judged["timing"]["p99_s"]
    assert engine["deadline"]["core_share"] == pytest.approx(2 * judged["timing"]["mean_s"])
    assert {"onnxruntime", "numpy", "lstm-export"} <= record["machine"]["versions"].keys()
    missed = invoke(BUNDLE, "--engine", "onnx", "--deadline", "1ns", "--rate", "100MHz")
    assert missed.exit_code == 1
    assert "deadline 1 ns: failed" in missed.stdout
    assert missed.stderr.endswith(
        "error: onnx missed the deadline; onnx cannot keep up with the rate\n"
    )


@pytest.mark.usefixtures("no_process")
def test_the_chart_is_a_png(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason='needs matplotlib: pip install "lstm-export[plot]"')
    engines = ("--engine", "onnx", "--engine", "numpy")
    done = invoke(BUNDLE, *engines, "--plot", tmp_path / "chart.png")
    assert done.exit_code == 0, done.output
    data = (tmp_path / "chart.png").read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    assert data.endswith(b"IEND\xaeB`\x82")


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("absent.onnx",), "cannot read absent.onnx"),
        ((__file__,), "is no bundle and no artifact of"),
        ((str(BUNDLE), "--engine", "tflite"), "choose from "),
        ((str(BUNDLE), "--plot", "/nowhere/chart.png"), "does not exist; create it first"),
    ],
)
def test_what_cannot_be_measured_is_refused_in_one_line(args: tuple[str, ...], words: str) -> None:
    if "--plot" in args:
        pytest.importorskip(
            "matplotlib", reason='needs matplotlib: pip install "lstm-export[plot]"'
        )
    done = invoke(*args)
    assert done.exit_code == 1
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert words in done.stderr


@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [
        ("--deadline", "1", "got '1', expected a time such as 1ms or 250us"),
        ("--deadline", "", "got '', expected a time such as 1ms or 250us"),
        ("--rate", "48", "got '48', expected a rate such as 48kHz or 10Hz"),
    ],
)
def test_a_quantity_without_its_unit_is_wrong_usage(option: str, value: str, expected: str) -> None:
    done = invoke(BUNDLE, option, value)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.endswith(f"Error: Invalid value for {option}: {expected}\n")


@pytest.mark.usefixtures("quick_bench")
def test_rounded_weights_are_held_against_the_exact_ones_on_the_same_inputs(tmp_path: Path) -> None:
    from lstm_export.targets import c

    if reason := c.unavailable():
        pytest.skip(reason)
    c.export(CHAINS["scalers"], tmp_path / "rounded_c", weights="int8")
    runner = Stateful(CHAINS["scalers"], forgets=False)
    exact = Engine(
        "exact", BUNDLE, "onnx", 1, runner, runner.model.signature, runner.model, Stepper(runner)
    )
    ((rounded,), _) = open_engines([tmp_path / "rounded_c"])
    for work in works(3, 7):
        timings = timed_at(work, [rounded, exact])
        found = {timing.engine: timing.verification for timing in timings}
        assert (found["exact"].against, found["exact"].verdict) == ("float64", "passed")
        assert (found["c"].against, found["c"].verdict) == ("other engines", "passed")


def test_a_process_that_fails_says_why(tmp_path: Path) -> None:
    (tmp_path / "damaged.bundle").write_bytes(BUNDLE.read_bytes()[:-500])
    with pytest.raises(
        InputError, match="a fresh process could not run .*damaged.bundle with onnx: .*BundleError"
    ):
        process.cost_of_process(tmp_path / "damaged.bundle", "onnx", 1, 1)
    with pytest.raises(BundleError):
        bench([tmp_path / "damaged.bundle"], SHORT)


def test_a_fresh_process_asks_for_the_signature_too(tmp_path: Path) -> None:
    pytest.importorskip("cryptography", reason='needs: pip install "lstm-export[sign]"')
    key = BUNDLE.parent / "keys" / "minisign.pub"
    with pytest.raises(InputError, match="could not run .*: .*SignatureError.* is not signed by"):
        process.cost_of_process(BUNDLE, "onnx", 1, 1, key=key)
