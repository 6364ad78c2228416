"""Time generated C against its peers: a step, a sequence, a batch, on one thread, in turns.

Four models with random weights. Generated C passes the parity rule first, with int16 and int8
weights against the same rounded weights; what every engine computes is then compared with float64,
at every shape, before it is timed. C is called in a loop in C, the others through their own Python
calls (c_peers.py). Times are the processor's, so that work beside disturbs less. Ratios are medians
over the rounds of one engine's time in units of another's in the same round, and so is the share of
what the core allows (c_limits.py).
Peers that are not installed are left out and named.

    python -m scripts.bench.c_latency [--litert FOLDER] [--json FILE]
    scripts/bench/c_peers.sh [--json FILE]     # installs all peers first
"""

from __future__ import annotations

import ctypes
import logging
import math
import os
import shlex
import statistics
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lstm_export.model import Array, Model, forward
from lstm_export.parity import check, golden_sets
from lstm_export.targets.c.emit.interface import Interface
from lstm_export.targets.c.emit.layout import BITS, rounded
from lstm_export.targets.c.emit.source import write
from lstm_export.targets.c.host.compiler import FLAGS, NATIVE, compiler, library
from lstm_export.targets.c.host.runner import CRunner
from scripts.bench.c_limits import Repeat, limits, share
from scripts.bench.c_peers import (
    LITERT,
    MODELS,
    OPENVINO,
    ORT,
    ORT_INT8,
    STEP,
    TORCH,
    Case,
    Shape,
    Work,
    absent,
    drawn,
    peers,
)
from scripts.bench.timing import alternate, machine, options, report

SHAPES = (STEP, (1, 100), (32, 100))
ROUNDS = 9
BLOCK_S = 0.02
FLOAT = "C float32"
INT16 = "C int16"
INT8 = "C int8"
OURS = (FLOAT, INT16, INT8)
RIGHT = 1e-4  # of the outputs' spread: what float32 may differ from float64

# At least this many times faster, with AVX-512: our engine, the peer (or the faster of two), model
# -> times.
GOALS = {
    STEP: [
        (FLOAT, (ORT,), {"A": 10, "B": 45, "C": 4, "E": 2.4}),
        (FLOAT, (LITERT,), {"A": 3, "B": 9}),
        (INT16, (ORT,), {"A": 14}),
        (INT16, (ORT_INT8,), {"C": 3.5, "E": 2.4}),
    ],
    (1, 100): [
        (FLOAT, (ORT,), {"A": 2.1, "B": 3.2, "C": 1.5, "E": 1.5}),
        (INT16, (ORT_INT8,), {"C": 1, "E": 1}),
    ],
    (32, 100): [(FLOAT, (ORT, TORCH), {"A": 1.7, "B": 2.1, "C": 1.15, "E": 1.1})],
}


def loops(folder: Path) -> ctypes.CDLL:
    """c_loops.c, compiled like the generated C."""
    source = Path(__file__).with_name("c_loops.c")
    built = folder / "loops.so"
    flags = (
        *FLAGS,
        NATIVE,
        f"-DBYTES={vector_bytes()}",
        *shlex.split(os.environ.get("CFLAGS", "")),
    )
    subprocess.run([*compiler(), *flags, str(source), "-o", str(built)], check=True)
    found = ctypes.CDLL(str(built))
    for function in (found.multiply_adds, found.read_all):
        function.restype = ctypes.c_float
    return found


def vector_bytes() -> int:
    """As the generated C chooses them."""
    done = subprocess.run(
        [*compiler(), NATIVE, "-x", "c", "-dM", "-E", os.devnull],
        check=True,
        capture_output=True,
        text=True,
    )
    return 64 if "__AVX512F__" in done.stdout else 32 if "__AVX__" in done.stdout else 16


def in_c(case: Case, weights: str, loop: ctypes.CDLL) -> Work:
    """Generated C, called from a loop in C."""
    path, interface = built(case.model, weights)
    functions = ctypes.CDLL(str(path))
    batch, seq = case.shape
    x = case.x
    functions.model_scratch_floats.restype = ctypes.c_size_t
    signature = case.model.signature
    y = np.empty((batch, signature.output_size), np.float32)
    answers = CRunner(path, interface, signature)
    if case.shape == STEP:
        state = np.zeros(interface.state_size + 1, np.float32)
        functions.model_reset(_at(state))
        inputs = ctypes.c_size_t(signature.input_size)
        fixed = (functions.model_step, _at(state), _at(x), _at(y), inputs, ctypes.c_size_t(len(x)))
        kept = (state, x, y)
        return Work(lambda calls: (loop.repeat_step(*fixed, ctypes.c_size_t(calls)), kept), answers)
    scratch = np.empty(
        functions.model_scratch_floats(ctypes.c_size_t(batch), ctypes.c_size_t(seq)), np.float32
    )
    sizes = (ctypes.c_size_t(batch), ctypes.c_size_t(seq))
    run = (functions.model_run_batch, _at(x), *sizes, _at(y), _at(scratch))
    return Work(
        lambda calls: (loop.repeat_batch(*run, ctypes.c_size_t(calls)), x, y, scratch), answers
    )


def built(model: Model, weights: str) -> tuple[Path, Interface]:
    """The compiled library."""
    interface = Interface.of(model, "model", self_test=False)
    return library(
        {"model.c": write(model, interface, weights).c, "model.h": interface.header()}
    ), interface


def _at(array: Array) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)


def engines(case: Case, loop: ctypes.CDLL) -> dict[str, Work]:
    """All that are there and take the shape."""
    return {**{ours: in_c(case, ours.split()[1], loop) for ours in OURS}, **peers(case)}


def in_turns(works: Mapping[str, Repeat]) -> dict[str, list[float]]:
    """Seconds a call, once a round; blocks of about BLOCK_S."""
    calls: dict[str, int] = {}
    for name, repeat in works.items():
        repeat(3)
        start = time.perf_counter()
        repeat(3)
        calls[name] = max(1, round(BLOCK_S / ((time.perf_counter() - start) / 3)))
    blocks = {name: partial(repeat, calls[name]) for name, repeat in works.items()}
    times = alternate(blocks, ROUNDS, clock=time.process_time)
    return {name: [block / calls[name] for block in times[name]] for name in works}


def must_agree(model: Model) -> None:
    """Stop before C is timed that computes something else."""
    for weights in BITS:
        path, interface = built(model, weights)
        runner = CRunner(path, interface, model.signature)
        golden = golden_sets(rounded(model, BITS[weights]))
        verdict = check(runner, golden, subject=f"c {weights}")
        if not verdict.ok:
            raise SystemExit(f"C with {weights} does not compute the model\n{verdict.table()}")


def errors(model: Model, shape: Shape, works: Mapping[str, Work]) -> dict[str, float]:
    """The largest error against float64, in units of the outputs' spread, over 64 sequences.

    Raises:
        SystemExit: an engine that has the exact weights computes something else.
    """
    seq = 50 if shape == STEP else shape[1]
    x = (
        np.random.default_rng(2)
        .standard_normal((64, seq, model.signature.input_size))
        .astype(np.float32)
    )
    y = forward(model, x).y
    found = {
        name: float(np.abs(work.answers(x) - y).max() / y.std()) for name, work in works.items()
    }
    wrong = [
        f"{name} by {error:.1e}"
        for name, error in found.items()
        if "int" not in name and not error <= RIGHT
    ]
    if wrong:
        missed = ", ".join(wrong)
        raise SystemExit(
            f"not timed: they miss float64, {missed} of the outputs' spread at {shape}"
        )
    return found


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """The first two columns to the left, the others to the right, two spaces between any two."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    cells = [
        [
            cell.ljust(width) if n < 2 else cell.rjust(width)
            for n, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        for row in rows
    ]
    return ["  ".join(row).rstrip() for row in cells]


def micro(seconds: float) -> str:
    """Microseconds, three digits that count: `0.298`, `40.1`, `1,190`."""
    value = float(f"{seconds * 1e6:.3g}")
    return f"{value:,.{max(0, 2 - math.floor(math.log10(value)))}f}"


def cells(
    columns: Sequence[str], times: Mapping[str, list[float]], shares: Mapping[str, float]
) -> list[str]:
    """Microseconds of every engine, ours with its share of the limit."""
    shown = {name: micro(statistics.median(seconds)) for name, seconds in times.items()}
    shown |= {name: f"{shown[name]} ({100 * share:3.0f} %)" for name, share in shares.items()}
    return [shown.get(name, "-") for name in columns]


def work_text(shape: Shape) -> str:
    """As the tables call it."""
    return "step" if shape == STEP else f"({shape[0]},{shape[1]})"


def judged(name: str, shape: Shape, times: Mapping[str, list[float]]) -> list[dict[str, Any]]:
    """How many times faster ours is, beside the goal."""
    found = []
    for ours, beside, goals in GOALS[shape]:
        if name in goals and times.keys() >= set(beside):
            rounds = zip(times[ours], *(times[peer] for peer in beside), strict=True)
            ratio = statistics.median(min(others) / mine for mine, *others in rounds)
            found.append(
                {
                    "shape": list(shape),
                    "model": name,
                    "ours": ours,
                    "peer": " or ".join(beside),
                    "times": ratio,
                    "goal": goals[name],
                }
            )
    return found


@dataclass
class Found:
    """What was measured so far.

    Attributes:
        columns: the engines that are there.
        times: rows of the table of times.
        errors: rows of the table of errors.
        ratios: how many times faster ours is, beside the goals.
        record: seconds by model, shape and engine.
    """

    columns: list[str]
    times: list[list[str]] = field(default_factory=list)
    errors: list[list[str]] = field(default_factory=list)
    ratios: list[dict[str, Any]] = field(default_factory=list)
    record: dict[str, dict[str, float]] = field(default_factory=dict)

    def measure(self, case: Case, loop: ctypes.CDLL) -> None:
        """Compare all engines with float64 at one shape, then time them."""
        shape = case.shape
        works = engines(case, loop)
        error = errors(case.model, shape, works)
        shown = [f"{error[name]:.1e}" if name in error else "-" for name in self.columns]
        self.errors.append([work_text(shape), case.name, *shown])
        repeats: dict[str, Repeat] = {name: work.repeat for name, work in works.items()}
        allowed = limits(case.model, shape, loop, vector_bytes() // 4)
        times = in_turns({**repeats, **allowed})
        shares = {ours: share(times, ours, ours.split()[1]) for ours in OURS}
        self.times.append([work_text(shape), case.name, *cells(self.columns, times, shares)])
        self.ratios += judged(case.name, shape, times)
        medians = {name: statistics.median(seconds) for name, seconds in times.items()}
        self.record[f"{case.name} {shape[0]}x{shape[1]}"] = medians

    def lines(self) -> list[str]:
        """Both tables and the ratios."""
        head = ["", "", *self.columns]
        return [
            "microseconds, medians; of ours the share of what the core allows",
            *table([head, *self.times]),
            "",
            "largest error against float64, in units of the outputs' spread",
            *table([head, *self.errors]),
            "",
            "how many times faster (aim on a machine with AVX-512)",
            *map(ratio_line, self.ratios),
        ]


def ratio_line(row: Mapping[str, Any]) -> str:
    """One ratio beside its goal."""
    engines_text = f"{row['ours']:10} over {row['peer']:20}"
    times_text = f"{row['times']:5.1f} x  ({row['goal']} x)"
    return f"{work_text(tuple(row['shape'])):9} {row['model']}  {engines_text} {times_text}"


def main() -> None:
    """Time, compare, report."""
    parser = options(__doc__)
    parser.add_argument(
        "--litert", type=Path, metavar="FOLDER", help="what scripts/bench/litert_files.py wrote"
    )
    given = parser.parse_args()
    torch.set_num_threads(1)
    logging.getLogger().setLevel(logging.ERROR)
    missing = absent(given.litert)
    known = (*OURS, ORT, ORT_INT8, TORCH, OPENVINO, LITERT)
    found = Found([name for name in known if name not in missing])
    with tempfile.TemporaryDirectory() as place:
        loop = loops(Path(place))
        models = {name: drawn(name) for name in MODELS}
        for model in models.values():
            must_agree(model)
        for shape in SHAPES:
            for name, model in models.items():
                found.measure(Case(name, model, shape, Path(place), given.litert), loop)
    lines = [*found.lines(), "", f"vectors of {vector_bytes() * 8} bits"]
    lines += [f"{name} is not among them: {how}" for name, how in missing.items()]
    packages = ("numpy", "torch", "onnxruntime", "openvino", "ai-edge-litert")
    record = {"seconds": found.record, "ratios": found.ratios}
    report(lines, record, machine(*packages), given)


if __name__ == "__main__":
    main()
