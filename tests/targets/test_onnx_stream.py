"""The ONNX graph that carries its state: its form, its inverse, proofs that catch losses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstm_export import pipeline, targets
from lstm_export.device import OnnxStreamRunner, load_onnx_stream
from lstm_export.device.numpy_engine import NumpyStreamRunner
from lstm_export.errors import BundleError, InputError, UnsupportedModel
from lstm_export.model import (
    Array,
    Concat,
    LastStep,
    Linear,
    Model,
    Pool,
    Signature,
    State,
    StatefulRunner,
    forward,
    initial_state,
    state_layout,
)
from lstm_export.model.lowering import lower_projections
from lstm_export.model.state import not_for_streams
from lstm_export.parity import GoldenSet, SetResult, check_streaming, golden_sets
from lstm_export.verification.opened_file import target_of
from tests.kit.builders import drawn, lstm
from tests.kit.chains import CHAINS, MODELS

onnx = pytest.importorskip("onnx", reason='needs onnx: pip install "lstm-export[export]"')
from lstm_export.targets.onnx import reader, writer  # noqa: E402

helper = onnx.helper
ONE_WAY = {name: model for name, model in MODELS.items() if not_for_streams(model) is None}
SEED = writer.to_bytes(CHAINS["seed"], 17, stateful=True)


@pytest.fixture(params=ONE_WAY, ids=lambda name: name.replace(" ", "-"))
def model(request: pytest.FixtureRequest) -> Model:
    """Every chain that a stream can run."""
    return ONE_WAY[request.param]


def streaming(model: Model) -> OnnxStreamRunner:
    return load_onnx_stream(writer.to_bytes(model, 17, stateful=True))


def test_the_form_that_every_runtime_takes() -> None:
    proto = onnx.load_model_from_string(SEED)
    onnx.checker.check_model(proto, full_check=True)
    assert [node.op_type for node in proto.graph.node] == [
        *(
            "Transpose",
            "Split",
            "Split",
            "LSTM",
            "Squeeze",
            "LSTM",
            "Concat",
            "Concat",
            "Squeeze",
            "Gemm",
        ),
    ]
    assert [value.name for value in proto.graph.input] == ["x", "h", "c"]
    assert [value.name for value in proto.graph.output] == ["y", "h_n", "c_n"]
    assert len(SEED) < len(writer.to_bytes(CHAINS["seed"], 17)) + 2048  # the same weights, once


def test_the_state_has_the_layout_of_the_model(model: Model) -> None:
    runner = streaming(model)
    lowered = lower_projections(model)
    assert runner.layout == state_layout(lowered)
    for got, expected in zip(runner.initial_state(3), initial_state(lowered, 3), strict=True):
        # Learned values come out of the metadata bit for bit
        np.testing.assert_array_equal(got, expected)


def test_every_proof_of_a_stream(model: Model) -> None:
    """Any chunking, a restored state, rows among strangers: answers and final state are the
    definition's.
    """
    results = check_streaming(streaming(model), golden_sets(model), lower_projections(model))
    assert [result.name for result in results] == [
        *(
            "step by step",
            "in chunks",
            "restored",
            "rows apart",
            "state, step by step",
            "state, in chunks",
        ),
    ]
    assert all(result.verdict == "passed" for result in results), results


def test_chunks_change_no_bit(model: Model) -> None:
    """Stronger than the rule asks: ONNX Runtime computes the very same numbers in any chunking."""
    runner = streaming(model)
    x = drawn(model, 3, 24)
    y, whole = runner.advance(x, runner.initial_state(3))
    state = runner.initial_state(3)
    answers = []
    for start, stop in ((0, 1), (1, 2), (2, 9), (9, 24)):
        answer, state = runner.advance(x[:, start:stop], state)
        answers.append(answer)
    np.testing.assert_array_equal(np.concatenate(answers, 1) if y.ndim == 3 else answers[-1], y)
    for got, expected in zip(state, whole, strict=True):
        np.testing.assert_array_equal(got, expected)


def test_a_longer_run_does_not_drift() -> None:
    """20,000 steps, each within the bound of ordinary sequences; scripts/study/drift.py does a
    million.
    """
    model = CHAINS["seed"]
    (nominal,) = (golden_set for golden_set in golden_sets(model) if golden_set.name == "nominal")
    runner = streaming(model)
    random = np.random.default_rng(9)
    worst = 0.0
    every = replace(model, stages=tuple(stage for stage in model.stages if stage.steps != "reduce"))
    stepper = streaming(every)
    state = stepper.initial_state(1)
    exact = initial_state(every)
    for _ in range(10):
        x = random.standard_normal((1, 2000, 10)).astype(np.float32)
        truth = forward(every, x, state=exact)
        y, state = stepper.advance(x, state)
        exact = truth.state
        worst = max(worst, float((np.abs(y - truth.y) / nominal.scale).max()))
    assert worst <= 8 * (nominal.noise_floor + 2.0**-23)
    assert runner.layout == stepper.layout


@pytest.mark.parametrize("engine", [streaming, NumpyStreamRunner])
def test_a_mean_goes_on_where_float32_could_no_longer_count(
    engine: Callable[[Model], StatefulRunner],
) -> None:
    """From 2^24 steps of 20 on, step by step and at once; scripts/study/mean_drift.py does all."""
    tiny = lstm("lstm", 1, 1, 1, np.random.default_rng(0))
    mean = Pool("mean", "mean", inputs=("x",))
    both = Concat("both", inputs=("last", "mean"))
    runner = engine(Model((tiny, LastStep("last"), mean, both), Signature(1, 2)))
    before = 2**24
    start = runner.initial_state(1)
    start[2][0] = 20 * before  # the sum
    start[3][0] = before  # the count
    x = np.full((1, 2000, 1), 60, np.float32)
    at_once, final = runner.advance(x, start)
    expected = (20 * before + 60 * 2000) / (before + 2000)
    assert at_once[0, 1] == np.float32(expected) != np.float32(20)
    state = start
    for step in range(2000):
        y, state = runner.advance(x[:, step : step + 1], state)
    assert y[0, 1] == at_once[0, 1]
    np.testing.assert_array_equal(state[2], final[2])
    assert final[3].sum(dtype=np.float64) == before + 2000


# What runtimes get wrong, and which of the proofs sees it.
Advance = Callable[[Array, State], tuple[Array, State]]


class Wrapped:
    """A runner with something broken."""

    def __init__(self, runner: OnnxStreamRunner) -> None:
        self.runner = runner
        self.layout = runner.layout
        self.last: State | None = None

    def initial_state(self, batch: int) -> State:
        return self.runner.initial_state(batch)

    def advance(self, x: Array, state: State) -> tuple[Array, State]:
        y, self.last = self.runner.advance(x, state)
        return y, self.last


class NotFedBack(Wrapped):
    def advance(self, x: Array, state: State) -> tuple[Array, State]:
        return super().advance(x, self.initial_state(len(x)))


class Swapped(Wrapped):
    def advance(self, x: Array, state: State) -> tuple[Array, State]:
        h, c, *rest = state
        return super().advance(x, (c, h, *rest))


class ResetForgotten(Wrapped):
    def initial_state(self, batch: int) -> State:
        known = self.last
        return known if known and known[0].shape[1] == batch else super().initial_state(batch)


class OneStepLate(Wrapped):
    def advance(self, x: Array, state: State) -> tuple[Array, State]:
        y, _ = super().advance(x, state)
        return y, self.runner.advance(x[:, :-1], state)[1] if x.shape[1] > 1 else state


class RowsTouch(Wrapped):
    def advance(self, x: Array, state: State) -> tuple[Array, State]:
        return super().advance(x, tuple(np.roll(tensor, 1, axis=1) for tensor in state))


class HalfPrecision(Wrapped):
    def advance(self, x: Array, state: State) -> tuple[Array, State]:
        y, final = super().advance(x, state)
        return y, tuple(tensor.astype(np.float16).astype(np.float32) for tensor in final)


@pytest.mark.parametrize(
    "broken", [NotFedBack, Swapped, ResetForgotten, OneStepLate, RowsTouch, HalfPrecision]
)
@pytest.mark.parametrize("chain", ["seed", "every step", "learned state", "two modules"])
def test_a_runtime_that_loses_the_state_is_caught(broken: type[Wrapped], chain: str) -> None:
    model = CHAINS[chain]
    results = check_streaming(broken(streaming(model)), golden_sets(model)[:5], model)
    assert "failed" in {result.verdict for result in results}


def test_the_golden_sets_alone_do_not_see_it() -> None:
    """Why whole sequences are not enough: without these proofs a lost state goes unnoticed."""
    model = CHAINS["seed"]
    golden = golden_sets(CHAINS["seed"])[:3]
    runner = NotFedBack(streaming(model))

    def whole(x: Array) -> Array:
        return runner.advance(x, runner.initial_state(len(x)))[0]

    results: list[SetResult] = [*_check(whole, golden)]
    assert {result.verdict for result in results} == {"passed"}


def _check(run: Callable[[Array], Array], golden: tuple[GoldenSet, ...]) -> tuple[SetResult, ...]:
    from lstm_export.parity import check

    return check(run, golden, subject="whole").sets


@pytest.mark.parametrize("chain", [name for name in CHAINS if name not in ONE_WAY])
def test_two_directions_are_refused_with_the_reason(chain: str, tmp_path: Path) -> None:
    with pytest.raises(
        UnsupportedModel, match=r"cannot express (lstm|rnn|gru): it is bidirectional"
    ):
        targets.get("onnx-stream").export(CHAINS[chain], tmp_path / "m")
    assert not list(tmp_path.iterdir())


def test_the_two_graphs_are_not_mistaken_for_each_other(tmp_path: Path) -> None:
    plain = writer.to_bytes(CHAINS["seed"], 17)
    assert [target_of(data) for data in (plain, SEED)] == ["onnx", "onnx-stream"]
    (tmp_path / "m").write_bytes(SEED)
    with pytest.raises(UnsupportedModel):
        targets.get("onnx").read((tmp_path / "m").read_bytes())  # type: ignore[attr-defined]
    (tmp_path / "m").write_bytes(plain)
    with pytest.raises(UnsupportedModel):
        targets.get("onnx-stream").read((tmp_path / "m").read_bytes())  # type: ignore[attr-defined]
    with pytest.raises(BundleError):
        load_onnx_stream(plain)
    with pytest.raises(BundleError):
        targets.get("onnx").load(SEED)


def test_stages_may_be_called_as_states_are() -> None:
    random = np.random.default_rng(0)
    model = CHAINS["seed"]
    head = Linear("h", random.normal(size=(1, 50)), None)
    named = replace(model, stages=(*model.stages[:2], head))
    assert [tensor.name for tensor in streaming(named).layout] == ["lstm.h", "lstm.c"]
    assert reader.from_bytes(writer.to_bytes(named, 17, stateful=True), stateful=True) == named


@pytest.mark.parametrize("opset", [13, 14, 18, 21])
def test_other_opsets(opset: int) -> None:
    data = writer.to_bytes(CHAINS["two modules"], opset, stateful=True)
    assert reader.from_bytes(data, stateful=True) == CHAINS["two modules"]
    onnx.checker.check_model(onnx.load_model_from_string(data), full_check=True)


def _rename(graph: Any, old: str, new: str) -> None:
    for node in graph.node:
        for names in (node.input, node.output):
            names[:] = [new if name == old else name for name in names]


def _swap_outputs(graph: Any, first: str, second: str) -> None:
    _rename(graph, first, "tmp")
    _rename(graph, second, first)
    _rename(graph, "tmp", second)


def _state(proto: Any, change: Callable[[str], str]) -> None:
    (entry,) = (entry for entry in proto.metadata_props if entry.key == "lstm_export.state")
    entry.value = change(entry.value)


LEARNED = writer.to_bytes(CHAINS["learned state"], 17, stateful=True)
ALTERED: dict[str, tuple[bytes, Callable[[Any], Any]]] = {
    "h and c given back in each other's place": (
        SEED,
        lambda p: _swap_outputs(p.graph, "h_n", "c_n"),
    ),
    "layers given back in each other's place": (SEED, lambda p: p.graph.node[6].input.reverse()),
    "layers taken in each other's place": (SEED, lambda p: p.graph.node[1].output.reverse()),
    "h taken for c": (SEED, lambda p: p.graph.node[2].input.__setitem__(0, "h")),
    "no initial state taken": (SEED, lambda p: p.graph.node[3].input.__delitem__(slice(5, None))),
    "the state given back unchanged": (
        SEED,
        lambda p: p.graph.node[6].input.__setitem__(0, "h/l0"),
    ),
    "outputs declared in another order": (SEED, lambda p: p.graph.output.reverse()),
    "a fixed batch": (
        SEED,
        lambda p: setattr(p.graph.input[1].type.tensor_type.shape.dim[1], "dim_value", 1),
    ),
    "another size said": (SEED, lambda p: _state(p, lambda text: text.replace("50", "51"))),
    "a tensor not said": (
        SEED,
        lambda p: _state(p, lambda text: text[: text.index("}") + 1] + "]"),
    ),
    "no list said": (SEED, lambda p: _state(p, lambda text: "{}")),
    "another initial value": (
        LEARNED,
        lambda p: _state(p, lambda text: text.replace("0.", "0.1", 1)),
    ),
    "no initial value": (
        LEARNED,
        lambda p: _state(p, lambda text: text.replace("[[", "null, [[", 1)),
    ),
}


@pytest.mark.parametrize("kind", ALTERED)
def test_an_altered_graph_is_not_the_model(kind: str) -> None:
    data, alter = ALTERED[kind]
    original = reader.from_bytes(data, stateful=True)
    proto = onnx.load_model_from_string(data)
    alter(proto)
    with pytest.raises(UnsupportedModel):
        assert reader.from_bytes(proto.SerializeToString(), stateful=True) == original


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "[1]",
        '[{"name": "h"}]',
        "[" * 99_999,
        '[{"name":"h","num_layers":-1,"size":3,"initial":0}]',
    ],
)
def test_what_a_file_says_of_its_state_is_not_trusted(text: str) -> None:
    proto = onnx.load_model_from_string(SEED)
    _state(proto, lambda _: text)
    with pytest.raises(BundleError):
        load_onnx_stream(proto.SerializeToString())


def test_a_state_of_another_shape_is_refused() -> None:
    runner = streaming(CHAINS["seed"])
    x = drawn(CHAINS["seed"], 2, 3)
    with pytest.raises(
        InputError, match=r"the state h has the shape \(2, 1, 50\), expected \(2, 2, 50\)"
    ):
        runner.advance(x, runner.initial_state(1))
    with pytest.raises(InputError, match="at least one row and one step"):
        runner.advance(x[:0], runner.initial_state(0))


def test_a_bundle_can_hold_both(seed_checkpoint: Path, tmp_path: Path) -> None:
    reports = pipeline.package(seed_checkpoint, tmp_path / "m.bundle", ("onnx", "onnx-stream"))
    assert all(report.ok for report in reports)
    assert [result.name for result in reports[1].sets][-6:-2] == [
        "step by step",
        "in chunks",
        "restored",
        "rows apart",
    ]
    on_device = pipeline.verify(tmp_path / "m.bundle")
    assert [report.subject for report in on_device] == ["onnx", "onnx-stream"]
    assert all(report.ok for report in on_device)
    assert on_device[1].sets[-1].name == "rows apart"
    report = pipeline.export(seed_checkpoint, "onnx-stream")
    assert report.ok
    assert report.structure == "identical"
    assert (tmp_path / "model.stream.onnx").is_file()
