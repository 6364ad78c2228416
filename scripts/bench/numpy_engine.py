"""Time the engine of numpy alone against ONNX Runtime, which is called through `session.run`.

A step keeps the state, in ONNX Runtime by its stateful graph. Models with random weights, input /
hidden_size x layers / output. All ways take turns in one process on one thread, the processor's own
time is taken, and ratios are medians over the rounds. Before anything is timed, the answers are
compared.

    OMP_NUM_THREADS=1 python -m scripts.bench.numpy_engine
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import numpy as np

from lstm_export.device import load_onnx, load_onnx_stream, numpy_runner
from lstm_export.model import Array, LastStep, Model, Signature
from lstm_export.model.runner import is_stateful
from lstm_export.targets.onnx.writer import to_bytes
from scripts.bench.timing import alternate, machine, medians, options, ratio, report
from tests.kit.builders import drawn, linear, lstm

MODELS = {
    "10 / 50x2 / 1": (10, 50, 2, 1),
    "1 / 40x1 / 1": (1, 40, 1, 1),
    "7 / 128x2 / 24": (7, 128, 2, 24),
    "16 / 256x1 / 1": (16, 256, 1, 1),
}
SHAPES = ((1, 5), (1, 100), (32, 100))  # (batch, seq)
ROUNDS = 25
BLOCK_S = 0.02
NUMPY = "numpy"
RUNTIME = "onnxruntime"

Way = Callable[[], Array]


def model_of(input_size: int, hidden_size: int, num_layers: int, output_size: int) -> Model:
    """The README's model in another size."""
    random = np.random.default_rng(0)
    stages = (
        lstm("lstm", input_size, hidden_size, num_layers, random),
        LastStep("last"),
        linear("fc", hidden_size, output_size, random),
    )
    return Model(stages, Signature(input_size, output_size))


def steps(model: Model) -> dict[str, Way]:
    """A step with the state kept, from Python as fast as each engine can."""
    x = drawn(model, 1, 1)
    engine = numpy_runner(model)
    if not is_stateful(engine):
        sys.exit("the numpy engine does not stream this model")
    bound = engine.bind(1)  # type: ignore[attr-defined] # as every engine that keeps its buffers
    bound.x[...] = x
    runtime = load_onnx_stream(to_bytes(model, 17, stateful=True))
    state = runtime.initial_state(1)

    def by_run() -> Array:
        nonlocal state
        y, state = runtime.advance(x, state)
        return y

    return {NUMPY: bound.run, RUNTIME: by_run}


def sequences(model: Model, batch: int, seq: int) -> dict[str, Way]:
    """Whole sequences from the initial state."""
    x = drawn(model, batch, seq)
    engine = numpy_runner(model)
    runtime = load_onnx(to_bytes(model, 17))
    return {NUMPY: lambda: engine(x), RUNTIME: lambda: runtime(x)}


def compared(name: str, ways: dict[str, Way]) -> tuple[str, dict[str, object]]:
    """A line of the report: both times, and the first in units of the second."""
    answers = [way() for way in ways.values()]
    if not np.allclose(*answers, rtol=0, atol=20 * 2.0**-24):  # 20 roundings of values below 1
        sys.exit(f"{name}: the engines differ, {answers}")
    start = time.perf_counter()
    ways[NUMPY]()
    calls = max(1, round(BLOCK_S / (time.perf_counter() - start)))
    times = alternate(ways, ROUNDS, calls=calls, clock=time.process_time)
    seconds = medians(times)
    share = ratio(times, NUMPY, RUNTIME)
    line = f"  {name:10}{seconds[NUMPY] * 1e6:10.1f}{seconds[RUNTIME] * 1e6:13.1f}{share:8.2f}"
    return line, {**seconds, "ratio": share}


def main() -> None:
    """Every model at every shape."""
    given = options(__doc__).parse_args()
    lines = ["microseconds      numpy  onnxruntime   ratio"]
    record: dict[str, object] = {}
    for name, sizes in MODELS.items():
        model = model_of(*sizes)
        works = {"step": steps(model)}
        works |= {f"{batch} x {seq}": sequences(model, batch, seq) for batch, seq in SHAPES}
        lines.append(name)
        for work, ways in works.items():
            line, figures = compared(work, ways)
            lines.append(line)
            record[f"{name}, {work}"] = figures
    report(lines, record, machine("numpy", "onnx", "onnxruntime"), given)


if __name__ == "__main__":
    main()
