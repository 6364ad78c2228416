"""Does a runner that carries its state compute the same however a sequence comes in?

Every proof is the one rule again. A StatefulRunner is asked for whole sequences in several ways,
each of which is a Runner: step by step, in chunks, with the state saved and restored on the way,
and row by row among strangers. The final state is judged like an answer: the rule with the state's
own S and F.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from ..model import (
    Array,
    Model,
    Runner,
    State,
    StatefulRunner,
    StateTensor,
    forward,
    state_layout,
)
from .golden_set import GoldenSet
from .noise import RUNS, SMALLEST_SCALE, Jitter, relative_error
from .parity_report import ParityReport, check
from .set_result import SetResult

LONGEST_CHUNK = 7
STATE_SETS = 2  # of the longest golden sets, the state is judged too
STRANGERS = 100.0  # how much larger the neighbours of a row are, which it must not feel


def whole(runner: StatefulRunner) -> Runner:
    """The whole sequence in one call, from the initial state."""

    def run(x: Array) -> Array:
        y, _ = runner.advance(x, runner.initial_state(len(x)))
        return y

    return run


def in_chunks(runner: StatefulRunner, longest: int = LONGEST_CHUNK, seed: int = 0) -> Runner:
    """The sequence in chunks of 1 to `longest` steps, drawn by the seed; with 1, step by step."""

    def run(x: Array) -> Array:
        return _together([y for y, _ in _chunks(runner, x, longest, seed)])

    return run


def interrupted(runner: StatefulRunner) -> Runner:
    """Half of the sequence, then another one, then the rest from a copy of the state as it was."""

    def run(x: Array) -> Array:
        half = x.shape[1] // 2
        if not half:
            return whole(runner)(x)
        start = runner.initial_state(len(x))
        y, state = runner.advance(x[:, :half], start)
        saved = [tensor.tobytes() for tensor in state]
        # another sequence from another state: nothing of it may stay in the runner
        runner.advance(x[:, ::-1], tuple(-tensor for tensor in state))
        restored = []
        for data, tensor in zip(saved, state, strict=True):
            restored.append(np.frombuffer(data, np.float32).reshape(tensor.shape))
        rest, _ = runner.advance(x[:, half:], tuple(restored))
        return _together([y, rest])

    return run


def among_strangers(runner: StatefulRunner) -> Runner:
    """Every row in a batch with two far larger ones, which start from another state.

    Rows must never touch each other.
    """

    def run(x: Array) -> Array:
        return np.stack([_between_strangers(runner, row) for row in x])

    return run


def _between_strangers(runner: StatefulRunner, row: Array) -> Array:
    """The answer to `row (seq, input_size)`, which stands between the two strangers."""
    larger = row * np.float32(STRANGERS)
    other = -row[::-1] * np.float32(STRANGERS)  # (seq, input_size)
    batch = np.stack([larger, row, other])  # (3, seq, input_size)
    state = runner.initial_state(3)
    for tensor in state:
        tensor[:, ::2] = 1.0  # the strangers' rows of (num_layers, 3, size)
    first, state = runner.advance(batch[:, :1], state)
    if len(row) == 1:
        alone: Array = first[1]  # ([1,] output_size), of the row in the middle
        return alone
    rest, _ = runner.advance(batch[:, 1:], state)
    answer: Array = _together([first, rest])[1]
    return answer


def _together(answers: Sequence[Array]) -> Array:
    """Every step of answers that follow each other, or of a chain that picks a step the last."""
    if answers[-1].ndim == 3:  # (batch, seq, output_size)
        return np.concatenate(answers, axis=1)
    return answers[-1]


def final_state(runner: StatefulRunner, longest: int, judged: Sequence[StateTensor]) -> Runner:
    """The state after the sequence in chunks, the judged tensors side by side: `(batch, width)`."""

    def run(x: Array) -> Array:
        *_, (_, state) = _chunks(runner, x, longest, seed=1)
        return flat(_among(judged, runner.layout, state))

    return run


def _among(judged: Sequence[StateTensor], layout: Sequence[StateTensor], state: State) -> State:
    """The judged tensors of a state."""
    return tuple(array for tensor, array in zip(layout, state, strict=True) if tensor in judged)


def flat(state: State) -> Array:
    """Tensors `(num_layers, batch, size)` as `(batch, width)`."""
    by_row = [tensor.transpose(1, 0, 2) for tensor in state]  # (batch, num_layers, size)
    return np.concatenate([tensor.reshape(len(tensor), -1) for tensor in by_row], axis=1)


def state_set(model: Model, golden: GoldenSet, judged: Sequence[StateTensor]) -> GoldenSet:
    """The judged tensors of the state after the golden set's last step as a set of its own.

    S is one number for each tensor, its largest value: gates round absolutely, be what they gate
    large or small.
    """
    layout = state_layout(model)
    exact = _among(judged, layout, forward(model, golden.x).state)
    expected = flat(exact)
    scale = flat(tuple(_scale(tensor) for tensor in exact))[0]  # (width,)
    jitter = Jitter(RUNS, seed=0)
    jittered = _among(judged, layout, forward(model, golden.x, jitter).state)
    moves = []
    for k in range(RUNS):  # by run, since `flat` takes states without that axis
        state = tuple(tensor[:, k] for tensor in jittered)  # of (num_layers, runs, batch, size)
        moves.append(relative_error(flat(state), expected, scale))  # (batch, width)
    floor = float(np.max(moves))
    return GoldenSet(f"state, {golden.name}", golden.x, expected, scale, floor)


def _scale(tensor: Array) -> Array:
    """S of a tensor `(num_layers, batch, size)`, the same everywhere, for a single row."""
    largest = max(float(np.abs(tensor).max()), SMALLEST_SCALE)
    return np.full(tensor[:, :1].shape, largest)


def check_streaming(
    runner: StatefulRunner, golden: Sequence[GoldenSet], model: Model | None = None
) -> tuple[SetResult, ...]:
    """The proofs on every golden set of more than one step; of the state if the model is given.

    A format may carry more than the model's definition does, such as what rounding has taken from
    a sum: of the state those tensors are judged that both have, h and c among them.

    Args:
        runner: what is judged.
        golden: inputs and answers.
        model: the chain as the runner carries its state, without projections where the format has
            none.
    """
    several_steps = (entry for entry in golden if entry.seq > 1)
    long = sorted(several_steps, key=lambda entry: entry.seq)
    if not long:
        return ()
    ways: dict[str, Runner] = {
        "step by step": in_chunks(runner, 1),
        "in chunks": in_chunks(runner),
        "restored": interrupted(runner),
        "rows apart": among_strangers(runner),
    }
    results = []
    for way, run in ways.items():
        results.append(_worst(way, check(run, long, subject=way)))
    if model:
        judged = [tensor for tensor in state_layout(model) if tensor in runner.layout]
        states = [state_set(model, entry, judged) for entry in long[-STATE_SETS:]]
        for way, longest in (("state, step by step", 1), ("state, in chunks", LONGEST_CHUNK)):
            report = check(final_state(runner, longest, judged), states, subject=way)
            results.append(_worst(way, report))
    return tuple(results)


def _worst(way: str, report: ParityReport) -> SetResult:
    """The set that used most of its bound, failed ones first, as the one result for this way."""
    order = ("cannot be judged", "passed", "failed")

    def rank(entry: SetResult) -> tuple[int, float]:
        return order.index(entry.verdict), entry.share

    worst = max(report.sets, key=rank)
    reason = worst.reason and f"{worst.name}: {worst.reason}"
    seconds = sum(entry.seconds for entry in report.sets)
    return replace(worst, name=way, reason=reason, seconds=seconds)


def _chunks(
    runner: StatefulRunner, x: Array, longest: int, seed: int
) -> Iterator[tuple[Array, State]]:
    """Answer and state after every chunk."""
    random = np.random.default_rng(seed)
    state = runner.initial_state(len(x))
    start = 0
    while start < x.shape[1]:
        stop = start + int(random.integers(1, longest + 1))
        y, state = runner.advance(x[:, start:stop], state)
        yield y, state
        start = stop
