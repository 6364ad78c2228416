"""Does a runner that carries its state compute the same however a sequence comes in? Every proof is the one rule again.

A StatefulRunner is asked for whole sequences in several ways, each of which is a Runner: step by step, in chunks, with
the state saved and restored on the way, and row by row among strangers. The final state is judged like an answer: the
rule with the state's own S and F.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from ..model import Array, Model, Runner, State, StatefulRunner, forward
from .golden import GoldenSet
from .noise import RUNS, SMALLEST_SCALE, Jitter, in_units_of
from .report import ParityReport, SetResult, check

LONGEST_CHUNK = 7
STATE_SETS = 2  # of the longest golden sets, the state is judged too
STRANGERS = 100.0  # how much larger the neighbours of a row that must not feel them are


def whole(runner: StatefulRunner) -> Runner:
    """The whole sequence in one call, from the initial state."""
    return lambda x: runner.advance(x, runner.initial_state(len(x)))[0]


def in_chunks(runner: StatefulRunner, longest: int = LONGEST_CHUNK, seed: int = 0) -> Runner:
    """The sequence in chunks of 1 to `longest` steps, drawn by the seed; with 1, step by step."""

    def run(x: Array) -> Array:
        answers = [y for y, _ in _chunks(runner, x, longest, seed)]
        return np.concatenate(answers, axis=1) if answers[0].ndim == 3 else answers[-1]

    return run


def interrupted(runner: StatefulRunner) -> Runner:
    """Half of the sequence, then another one, then the rest from a copy of the state as it was."""

    def run(x: Array) -> Array:
        half = x.shape[1] // 2
        if not half:
            return whole(runner)(x)
        y, state = runner.advance(x[:, :half], runner.initial_state(len(x)))
        saved = [tensor.tobytes() for tensor in state]
        runner.advance(x[:, ::-1], tuple(-tensor for tensor in state))
        restored = tuple(
            np.frombuffer(data, np.float32).reshape(tensor.shape) for data, tensor in zip(saved, state, strict=True)
        )
        rest = runner.advance(x[:, half:], restored)[0]
        return np.concatenate([y, rest], axis=1) if rest.ndim == 3 else rest

    return run


def among_strangers(runner: StatefulRunner) -> Runner:
    """Every row in a batch with two others, far larger ones, from another state: rows must never touch each other."""

    def run(x: Array) -> Array:
        answers = []
        for row in x:
            batch = np.stack([row * np.float32(STRANGERS), row, -row[::-1] * np.float32(STRANGERS)])
            state = runner.initial_state(3)
            for tensor in state:
                tensor[:, ::2] = 1.0
            y = runner.advance(batch[:, :1], state)
            if batch.shape[1] > 1:
                rest = runner.advance(batch[:, 1:], y[1])[0]
                answers.append(np.concatenate([y[0], rest], axis=1)[1] if rest.ndim == 3 else rest[1])
            else:
                answers.append(y[0][1])
        return np.stack(answers)

    return run


def final_state(runner: StatefulRunner, longest: int) -> Runner:
    """The state behind the sequence in chunks, all of its tensors side by side: `(batch, width)`."""
    return lambda x: flat([*_chunks(runner, x, longest, seed=1)][-1][1])


def flat(state: State) -> Array:
    """Tensors `(num_layers, batch, size)` as `(batch, width)`."""
    return np.concatenate([tensor.transpose(1, 0, 2).reshape(tensor.shape[1], -1) for tensor in state], axis=1)


def state_set(model: Model, golden: GoldenSet) -> GoldenSet:
    """The state behind the golden set's last step as a set of its own.

    S is one number a tensor, its largest value: gates round absolutely, be what they gate large or small.
    """
    exact, jitter = forward(model, golden.x).state, Jitter(RUNS, seed=0)
    largest = (max(float(np.abs(tensor).max()), SMALLEST_SCALE) for tensor in exact)
    scale = flat(tuple(np.full(tensor[:, :1].shape, one) for tensor, one in zip(exact, largest, strict=True)))[0]
    moved = forward(model, golden.x, jitter).state  # (num_layers, runs, batch, size) a tensor
    moves = [
        in_units_of(np.abs(flat(tuple(tensor[:, k] for tensor in moved)) - flat(exact)), scale) for k in range(RUNS)
    ]
    return GoldenSet(f"state, {golden.name}", golden.x, flat(exact), scale, float(np.max(moves)))


def check_streaming(
    runner: StatefulRunner, golden: Sequence[GoldenSet], model: Model | None = None
) -> tuple[SetResult, ...]:
    """The proofs on every golden set of more than one step; those on the state where the model is given.

    Args:
        runner: what is judged.
        golden: inputs and answers.
        model: the chain as the runner carries its state, without projections where the format has none.
    """
    long = sorted((one for one in golden if one.x.shape[1] > 1), key=lambda one: one.x.shape[1])
    ways: dict[str, Runner] = {
        "step by step": in_chunks(runner, 1),
        "in chunks": in_chunks(runner),
        "restored": interrupted(runner),
        "rows apart": among_strangers(runner),
    }
    found = [_worst(way, check(run, long, subject=way)) for way, run in ways.items() if long]
    states = [state_set(model, one) for one in long[-STATE_SETS:]] if model else []
    for way, longest in (("state, step by step", 1), ("state, in chunks", LONGEST_CHUNK)) if states else ():
        found.append(_worst(way, check(final_state(runner, longest), states, subject=way)))
    return tuple(found)


def _worst(way: str, report: ParityReport) -> SetResult:
    """The set that used most of its bound, failed ones first, as the one line for this way."""
    order = ("cannot be judged", "passed", "failed")
    worst = max(
        report.sets, key=lambda one: (order.index(one.verdict), np.nan_to_num(one.error / one.bound, nan=np.inf))
    )
    return replace(worst, name=way, reason=worst.reason and f"{worst.name}: {worst.reason}")


def _chunks(runner: StatefulRunner, x: Array, longest: int, seed: int) -> Iterator[tuple[Array, State]]:
    """Answer and state behind every chunk."""
    random, state, start = np.random.default_rng(seed), runner.initial_state(len(x)), 0
    while start < x.shape[1]:
        stop = start + int(random.integers(1, longest + 1))
        y, state = runner.advance(x[:, start:stop], state)
        yield y, state
        start = stop
