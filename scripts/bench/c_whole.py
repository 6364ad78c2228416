"""Time generated C in whole numbers against ONNX Runtime with an LSTM in int8, in turns.

Two models with random weights, on one thread. C must give the bits of its definition before it is
timed, in a loop in C. Times are the processor's, the shortest of many short turns, which other work
on the machine disturbs least; errors are against float64, of every output in units of its own
spread. Formats are chosen on random inputs of the kind that is timed. Beside each time stands its
share of the nearer of two limits of the core: multiply-adds from registers, and reading the weights
(c_limits.py). GRU and RNN, for which ONNX Runtime has no int8, are timed beside their plain C99.
Writes the tables of docs/c_integer.md.

    python -m scripts.bench.c_whole [--json FILE]
"""

from __future__ import annotations

import ctypes
import itertools
import logging
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import nn

from lstm_export.bench.machine import machine_text
from lstm_export.model import GRU, RNN, Array, LastStep, Linear, Model, Signature, forward
from lstm_export.targets.c.emit.interface import Interface
from lstm_export.targets.c.host.compiler import library
from lstm_export.targets.c.host.integer_runner import IntegerRunner
from lstm_export.targets.c.integer.facts import IntegerFacts
from lstm_export.targets.c.integer.source import Written, write
from lstm_export.targets.c.integer.weight_rounding import fitted
from scripts.bench.c_latency import loops, micro, table, work_text
from scripts.bench.c_limits import whole_limits
from scripts.bench.c_peers import ORT_INT8, STEP, Case, Shape, Work, drawn, peers
from scripts.bench.timing import alternate, machine, options, report
from scripts.docs.block import write_block

PAGE = Path(__file__).resolve().parents[2] / "docs" / "c_integer.md"
ROUNDS: Mapping[Shape, int] = {STEP: 200, (1, 100): 200, (32, 100): 60}
STEPS = 200  # in a turn: at its end an engine has long had its own weights in the caches
MODELS = ("C", "E")
SHAPES: tuple[Shape, ...] = (STEP, (1, 100), (32, 100))
COLUMNS = [
    "work",
    "model",
    "engine",
    "microseconds",
    "of the limit",
    "times faster",
    "aim",
    "largest error",
]
WHOLE = {"C whole int16": 16, "C whole int8": 8}
OTHERS: Mapping[str, tuple[type[GRU | RNN], Callable[..., nn.Module]]] = {
    "GRU": (GRU, nn.GRU),
    "RNN": (RNN, nn.RNN),
}
OTHER_ROUNDS = 20
OTHER_COLUMNS = ["work", "model", "engine", "microseconds", "plain C99", "times faster"]
PLAIN = "#define MODEL_PLAIN_LOOPS\n"
# At least this many times faster than ONNX Runtime int8, with VNNI.
GOALS: Mapping[Shape, Mapping[str, float]] = {
    STEP: {"C": 4.4, "E": 2.4},
    (1, 100): {"C": 1.3, "E": 1.1},
    (32, 100): {"C": 1.0, "E": 1.0},
}


def in_whole(model: Model, bits: int) -> Written:
    """The model in whole numbers."""
    seen = np.random.default_rng(3).standard_normal((64, 100, model.signature.input_size))
    formats, whole = fitted(model, [seen], bits)
    facts = IntegerFacts.of(whole, formats, floats=False)
    return Written(model, whole, Interface.of(model, "model", self_test=False), facts)


def in_c(case: Case, written: Written, loop: ctypes.CDLL, defined: str = "") -> Work:
    """Whole numbers, called from a loop in C, compiled with such lines before it.

    Raises:
        SystemExit: they are not those of the definition.
    """
    source = write(written)
    files = {"model.c": f"#define MODEL_BATCHES\n{defined}{source.c}", "model.h": source.h}
    place = library(files)
    runner = IntegerRunner(place, written.interface, written.facts, case.model.signature)
    x = written.whole.counts(case.x).astype(np.int16)
    if not np.array_equal(runner.answers(x), written.whole.answers(x)):
        raise SystemExit("C in whole numbers: not the bits of the definition")
    return Work(_repeated(case, written.facts, x, place, loop), runner)


def _repeated(
    case: Case, facts: IntegerFacts, x: Array, place: Path, loop: ctypes.CDLL
) -> Callable[[int], object]:
    """The function that does the work so many times."""
    functions = ctypes.CDLL(str(place))
    signature = case.model.signature
    batch, seq = x.shape[:2]
    state = np.zeros(facts.wide_size + facts.narrow_size, np.int32)
    y = np.zeros((batch, signature.output_size), np.int32)
    sizes = (ctypes.c_size_t(batch), ctypes.c_size_t(seq))
    functions.model_reset(_at(state))

    def step(calls: int) -> None:
        many = [ctypes.c_size_t(number) for number in (signature.input_size, batch, calls)]
        loop.repeat_whole_step(functions.model_step_q, _at(state), _at(x), _at(y), *many)

    def run(calls: int) -> None:
        work = (_at(x), *sizes, _at(y), ctypes.c_size_t(calls))
        loop.repeat_whole_batch(functions.model_run_batch_q, *work)

    return step if case.shape == STEP else run


def _at(array: Array) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)


def error(model: Model, shape: Shape, work: Work) -> float:
    """The largest against float64, of every output in units of its own spread."""
    seq = 50 if shape == STEP else shape[1]
    x = np.random.default_rng(2).standard_normal((64, seq, model.signature.input_size))
    exact = forward(model, x.astype(np.float32)).y
    found = work.answers(x.astype(np.float32))
    return float((np.abs(found - exact) / exact.std(axis=0)).max())


def measured(case: Case, loop: ctypes.CDLL) -> tuple[list[list[str]], dict[str, float]]:
    """Rows of the table for one model at one shape, and seconds by engine."""
    works = {name: in_c(case, in_whole(case.model, bits), loop) for name, bits in WHOLE.items()}
    works[ORT_INT8] = peers(case)[ORT_INT8]
    shortest, allowed = times_of(case, works, loop)
    rows = []
    for name, work in works.items():
        share = f"{100 * allowed[name] / shortest[name]:.0f} %" if name in allowed else "-"
        ratio = f"{shortest[ORT_INT8] / shortest[name]:.2f}"
        goal = f"{GOALS[case.shape][case.name]}" if name in WHOLE else "-"
        lost = f"{error(case.model, case.shape, work):.1e}"
        shown = micro(shortest[name])
        rows.append([work_text(case.shape), case.name, name, shown, share, ratio, goal, lost])
    return rows, shortest


def times_of(
    case: Case, works: Mapping[str, Work], loop: ctypes.CDLL
) -> tuple[dict[str, float], dict[str, float]]:
    """The shortest seconds of every engine, and what the core allows ours, in the same rounds."""
    calls = STEPS if case.shape == STEP else 1
    turns = {name: partial(work.repeat, calls) for name, work in works.items()}
    limits_of: dict[str, list[str]] = {}
    for name, bits in WHOLE.items():
        limits = whole_limits(case.model, case.shape, loop, bits)
        found = {f"{name}: {limit}": partial(repeat, calls) for limit, repeat in limits.items()}
        turns |= found
        limits_of[name] = list(found)
    times = alternate(turns, ROUNDS[case.shape], clock=time.process_time)
    shortest = {turn: min(seconds) / calls for turn, seconds in times.items()}
    allowed = {
        name: max(shortest[limit] for limit in limits)
        for name, limits in limits_of.items()
        if limits
    }
    return {name: shortest[name] for name in works}, allowed


def other(name: str) -> Model:
    """A model of OTHERS, as wide as E, with weights as torch draws them."""
    kind, module = OTHERS[name]
    torch.manual_seed(0)
    modules = (module(16, 256, batch_first=True), nn.Linear(256, 1))
    layer, head = (
        {key: value.detach().numpy() for key, value in module.named_parameters()}
        for module in modules
    )
    return Model((kind(name, layer), LastStep("last"), Linear("fc", **head)), Signature(16, 1))


def other_rows(loop: ctypes.CDLL, folder: Path) -> list[list[str]]:
    """Rows of the table of models that ONNX Runtime has no int8 for."""
    rows = [OTHER_COLUMNS]
    for name, engine in itertools.product(OTHERS, WHOLE):
        written = in_whole(other(name), WHOLE[engine])
        for shape in SHAPES:
            ours, plain = plain_times(Case(name, written.model, shape, folder), written, loop)
            shown = [micro(ours), micro(plain), f"{plain / ours:.1f}"]
            rows.append([work_text(shape), name, engine, *shown])
    return rows


def plain_times(case: Case, written: Written, loop: ctypes.CDLL) -> tuple[float, float]:
    """The shortest seconds, and those of plain C99."""
    calls = STEPS if case.shape == STEP else 1
    turns = {
        defined: partial(in_c(case, written, loop, defined).repeat, calls)
        for defined in ("", PLAIN)
    }
    times = alternate(turns, OTHER_ROUNDS, clock=time.process_time)
    return min(times[""]) / calls, min(times[PLAIN]) / calls


def markdown(rows: list[list[str]]) -> str:
    """The table as the page shows it."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]])


def main() -> None:
    """Time, compare, report."""
    given = options(__doc__).parse_args()
    logging.getLogger().setLevel(logging.ERROR)
    rows = [COLUMNS]
    record = {}
    with tempfile.TemporaryDirectory() as place:
        loop = loops(Path(place))
        for shape in SHAPES:
            for name in MODELS:
                case = Case(name, drawn(name), shape, Path(place))
                found, record[f"{name} {shape[0]}x{shape[1]}"] = measured(case, loop)
                rows += found
        others = other_rows(loop, Path(place))
    where = machine("numpy", "onnxruntime")
    report([*table(rows), "", *table(others)], record, where, given)
    for name, shown in (("hosts", rows), ("others", others)):
        lines = ["", *markdown(shown).splitlines(), "", f"{machine_text(where)}.", ""]
        write_block(PAGE, name, lines)


if __name__ == "__main__":
    main()
