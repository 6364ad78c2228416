"""Time streams against the ways to carry a state that people write by hand, and watch their memory.

Four models with random weights, one sample a step, the state kept; input / hidden_size x layers /
output. All ways take turns in one process on one thread, the processor's own time is taken, and
ratios are medians over the rounds, so that what slows the machine for a while slows all of them.
Before anything is timed, all answers are compared.

    python -m scripts.bench.stream_steps                      # steps and pools: two minutes
    python -m scripts.bench.stream_steps --memory 10000000    # and how far resident memory grows
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime as ort
import torch
from torch import nn

from lstm_export.chains import from_state_dict
from lstm_export.device import Session, Stream, load_onnx_stream
from lstm_export.model import Array
from lstm_export.targets.onnx.writer import to_bytes
from scripts.bench.timing import Times, alternate, machine, medians, options, ratio, report

MODELS = {
    "10 / 50x2 / 1": (10, 50, 2, 1),
    "1 / 40x1 / 1": (1, 40, 1, 1),
    "7 / 128x2 / 24": (7, 128, 2, 24),
    "16 / 256x1 / 1": (16, 256, 1, 1),
}
STREAM = "Stream.step"
BARE = "two bindings"
RUN = "session.run"
EAGER = "torch eager"
ROUNDS = 40
BLOCK_S = 0.01
POOL = 256

Step = Callable[[], object]
Sizes = tuple[int, int, int, int]  # input, hidden, layers, output


class LSTMModel(nn.Module):
    """The class of the README, with the state handed in and out."""

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int, output_size: int
    ) -> None:
        super().__init__()
        self.lstm = nn.LSTM(input_size, hidden_size, num_layers, batch_first=True)
        self.fc = nn.Linear(hidden_size, output_size)

    def forward(
        self, x: torch.Tensor, state: tuple[torch.Tensor, torch.Tensor]
    ) -> tuple[torch.Tensor, object]:
        y, state = self.lstm(x, state)
        return self.fc(y[:, -1, :]), state


def bare_session(data: bytes) -> ort.InferenceSession:
    """With the options of a device: one thread that sleeps when idle, no arena."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.enable_cpu_mem_arena = options.enable_mem_pattern = False
    return ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])


def by_bindings(session: ort.InferenceSession, sizes: Sizes, x: Array) -> Step:
    """What an expert writes: everything bound once, no checks, the answer read where it lies."""
    _, hidden_size, num_layers, output_size = sizes
    value = ort.OrtValue.ortvalue_from_numpy
    y = np.zeros((1, output_size), np.float32)
    states = [
        [value(np.zeros((num_layers, 1, hidden_size), np.float32)) for _ in "hc"] for _ in range(2)
    ]
    ends = (value(x), value(y))
    bindings = []
    for before, after in (states, states[::-1]):
        binding = session.io_binding()
        binding.bind_ortvalue_input("x", ends[0])
        binding.bind_ortvalue_output("y", ends[1])
        for name, source, sink in zip("hc", before, after, strict=True):
            binding.bind_ortvalue_input(name, source)
            binding.bind_ortvalue_output(f"{name}_n", sink)
        bindings.append(binding)
    turn = 0

    def step(keep: object = (ends, states)) -> object:
        nonlocal turn
        session.run_with_iobinding(bindings[turn])
        turn = 1 - turn
        return y

    return step


def by_run(session: ort.InferenceSession, sizes: Sizes, x: Array) -> Step:
    """What most people write: the state out of one call into the next."""
    h, c = (np.zeros((sizes[2], 1, sizes[1]), np.float32) for _ in "hc")

    def step() -> object:
        nonlocal h, c
        y, h, c = session.run(None, {"x": x, "h": h, "c": c})
        return y

    return step


def by_torch(module: LSTMModel, sizes: Sizes, x: Array) -> Step:
    """PyTorch itself, the sample already a tensor."""
    tensor = torch.from_numpy(x)
    state = tuple(torch.zeros(sizes[2], 1, sizes[1]) for _ in "hc")

    def step() -> object:
        nonlocal state
        with torch.no_grad():
            y, state = module(tensor, state)
        return y.numpy()

    return step


def steps_of(sizes: Sizes) -> tuple[dict[str, Step], Session]:
    """Every way to take a step of one model, each with a state of its own."""
    module = LSTMModel(*sizes).eval()
    model = from_state_dict(module.state_dict()).model
    data = to_bytes(model, 17, stateful=True)
    x = np.random.default_rng(1).standard_normal((1, 1, sizes[0])).astype(np.float32)
    session = Session(load_onnx_stream(data), model.signature)
    stream = session.stream()
    x_t = x[0, 0]
    bare = bare_session(data)
    ways = {
        STREAM: lambda: stream.step(x_t),
        BARE: by_bindings(bare, sizes, x),
        RUN: by_run(bare, sizes, x),
    }
    return {**ways, EAGER: by_torch(module, sizes, x)}, session


def must_agree(ways: dict[str, Step]) -> None:
    """Stop before a way is timed that computes something else.

    50 steps; 20 roundings of outputs below 1 are allowed.
    """
    for _ in range(50):
        answers = {name: np.array(step()).ravel() for name, step in ways.items()}
        for name, y in answers.items():
            if not (np.abs(y - answers[EAGER]) <= 20 * 2.0**-24).all():
                sys.exit(f"{name} answers {y}, {EAGER} {answers[EAGER]}")


def timed(ways: dict[str, Step]) -> Times:
    """Seconds a step of every way, in blocks of about 10 ms."""
    once = statistics.median(alternate({BARE: ways[BARE]}, 5, calls=100)[BARE])
    return alternate(ways, ROUNDS, calls=max(20, round(BLOCK_S / once)), clock=time.process_time)


def pool_gain(session: Session) -> float:
    """How many times as many steps a second a pool takes as single streams one after another."""
    x = np.random.default_rng(2).standard_normal((POOL, session.input_size)).astype(np.float32)
    pool = session.pool()
    single = [session.stream() for _ in range(POOL)]
    for key in range(POOL):
        pool.add(key)

    def one_by_one() -> object:
        return np.stack([stream.step(x_t) for stream, x_t in zip(single, x, strict=True)])

    if not (np.abs(pool.step(x) - one_by_one()) <= 20 * 2.0**-24).all():  # type: ignore[operator]
        sys.exit("the pool answers otherwise than its streams alone")
    times = alternate(
        {"pool": lambda: pool.step(x), "single": one_by_one}, 20, clock=time.process_time
    )
    return ratio(times, "single", "pool")


def resident_bytes() -> int:
    """Resident memory of this process, by Linux."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


def growth(stream: Stream, steps: int) -> list[int]:
    """Bytes of resident memory beyond those after a hundredth of the steps, at every tenth."""
    x = (
        np.random.default_rng(3)
        .standard_normal((1024, stream.signature.input_size))
        .astype(np.float32)
    )
    rows = list(x)

    def take(count: int) -> None:
        step = stream.step
        for start in range(0, count, len(rows)):
            for x_t in rows[: count - start]:
                step(x_t)

    take(steps // 100)
    before = resident_bytes()
    found = []
    for tenth in range(1, 11):
        take(steps // 10)
        found.append(resident_bytes() - before)
        print(
            f"{tenth * steps // 10:,} steps: {found[-1]:+,} bytes of resident memory",
            file=sys.stderr,
            flush=True,
        )
    return found


def main() -> None:
    """Compare, time, report."""
    parser = options(__doc__)
    parser.add_argument("--memory", type=int, default=0, metavar="STEPS")
    given = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    lines = ["a step with the state kept, microseconds (times two bare bindings)"]
    lines.append(
        "  "
        + "model".ljust(16)
        + "".join(name.rjust(20) for name in (STREAM, BARE, RUN, EAGER))
        + "pool x".rjust(9)
    )
    record: dict[str, object] = {}
    for name, sizes in MODELS.items():
        ways, session = steps_of(sizes)
        must_agree(ways)
        times = timed(ways)
        gain = pool_gain(session)
        cells = [
            f"{seconds * 1e6:.1f} ({ratio(times, way, BARE):.2f})".rjust(20)
            for way, seconds in medians(times).items()
        ]
        lines.append("  " + name.ljust(16) + "".join(cells) + f"{gain:9.1f}")
        against = {way: ratio(times, way, STREAM) for way in ways}
        record[name] = {"step_s": medians(times), "times_stream": against, "pool_gain": gain}
    lines.append(f"  pool x: steps a second of a pool of {POOL} in units of {POOL} single streams")
    if given.memory:
        found = growth(steps_of(MODELS["10 / 50x2 / 1"])[1].stream(), given.memory)
        grown = f"{max(found):+,} bytes at most, {found[-1]:+,} at the end"
        lines += ["", f"resident memory after {given.memory:,} steps: {grown}"]
        record["memory_growth_bytes"] = found
    report(lines, record, machine("numpy", "torch", "onnx", "onnxruntime"), given)


if __name__ == "__main__":
    main()
