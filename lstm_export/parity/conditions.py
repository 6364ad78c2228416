"""Does an artifact answer alike under the conditions that it will meet?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from time import perf_counter

import numpy as np

from ..model import Array, Runner
from .golden_set import GoldenSet
from .rule import Verdict, answer, bound, error_of, is_judgeable, largest

# Conditions are compared on ordinary inputs, saturated gates, and more rows than the others have.
COMPARED = ("nominal", "saturating", "shape 5x13")
COPIES = 16
REPEATS = 5
THREADS = 4


@dataclass(frozen=True)
class Condition:
    """The answers under one condition beside the first ones.

    Attributes:
        name: the condition, such as `optimisation off` or `each row alone`.
        difference: largest difference from the first answers, in units of S; 0 where every bit is
            the same.
        share: largest error against the float64 definition, as a share of the bound.
        verdict: `passed` as long as the definition is met; a difference within the bound is no
            failure.
        reason: why there was no answer that can be compared; empty where there was one.
        seconds: that it took.
    """

    name: str
    difference: float
    share: float
    verdict: Verdict
    reason: str = ""
    seconds: float = field(default=0.0, compare=False)

    @property
    def is_alike(self) -> bool:
        """Whether every bit is the same, and right."""
        return self.difference == 0 and self.verdict == "passed"


def check_conditions(
    runner: Runner, golden: Sequence[GoldenSet], others: Iterable[tuple[str, Runner]]
) -> tuple[Condition, ...]:
    """The runner asked in other ways, and the same artifact set up anew in `others`.

    Other ways are alone and in batches, repeatedly, and from several threads.
    """
    chosen = [entry for entry in golden if entry.name in COMPARED and entry.lengths is None]
    chosen = [entry for entry in chosen if is_judgeable(entry)]
    if not chosen:
        return ()
    first = [answer(runner, entry).y for entry in chosen]
    ways = (*others, *_usage(runner))
    return tuple(_condition(name, other, chosen, first) for name, other in ways)


def _condition(
    name: str, runner: Runner, golden: Sequence[GoldenSet], first: Sequence[Array]
) -> Condition:
    start = perf_counter()
    difference = 0.0
    share = 0.0
    reasons = []
    for entry, before in zip(golden, first, strict=True):
        y, reason = answer(runner, entry)
        if reason:
            reasons.append(reason)
        # max() of Python would lose a NaN.
        difference = float(np.maximum(difference, largest(y, before, entry.scale).error))
        share = float(np.maximum(share, error_of(y, entry) / bound(entry)))
    verdict: Verdict = "passed" if share <= 1 else "failed"
    reason = reasons[0] if reasons else ""
    return Condition(name, difference, share, verdict, reason, perf_counter() - start)


def _usage(runner: Runner) -> Iterator[tuple[str, Runner]]:
    """Ways of asking that must not change an answer."""

    def each_row_alone(x: Array) -> Array:
        return np.concatenate([runner(row[np.newaxis]) for row in x])  # (1, seq, input_size) each

    def last_of_many(x: Array) -> Array:
        copies = np.concatenate([x] * COPIES)  # (COPIES * batch, seq, input_size)
        return runner(copies)[-len(x) :]  # the last copy's answers

    def repeatedly(x: Array) -> list[Array]:
        return [runner(x) for _ in range(REPEATS)]

    def at_once(x: Array) -> list[Array]:
        with ThreadPoolExecutor(THREADS) as pool:
            return list(pool.map(runner, [x] * (2 * THREADS)))

    yield "each row alone", each_row_alone
    yield f"in a batch {COPIES} times as large", last_of_many
    yield f"asked {REPEATS} times", _most_different(repeatedly)
    yield f"asked by {THREADS} threads at once", _most_different(at_once)


def _most_different(ask: Callable[[Array], list[Array]]) -> Runner:
    """A runner that gives, of several answers, the one farthest from the first; NaN is farthest."""

    def farthest(x: Array) -> Array:
        answers = ask(x)
        first = answers[0]
        distances = [float(np.abs(y - first).max()) for y in answers]
        return answers[int(np.argmax(distances))]  # argmax takes the first NaN

    return farthest
