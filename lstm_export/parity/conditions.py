"""Does an artifact answer alike under the conditions that it will meet?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from ..model import Array, Runner
from .golden import GoldenSet
from .rule import Verdict, answer, bound, is_judgeable, largest

# Sets on which conditions are compared: ordinary inputs, saturated gates, more rows than the others have.
COMPARED = ("nominal", "saturating", "shape 5x13")
COPIES, REPEATS, THREADS = 16, 5, 4


@dataclass(frozen=True)
class Condition:
    """The answers under one condition beside the first ones.

    Attributes:
        name: the condition, such as `optimisation off` or `each row alone`.
        difference: largest difference from the first answers, in units of S; 0 where every bit is the same.
        share: largest error against the float64 definition, as a share of the bound.
        verdict: `passed` as long as the definition is met; a difference within the bound is no failure.
        reason: why there was no answer that can be compared; empty where there was one.
    """

    name: str
    difference: float
    share: float
    verdict: Verdict
    reason: str = ""


def check_conditions(
    runner: Runner, golden: Sequence[GoldenSet], others: Iterable[tuple[str, Runner]]
) -> tuple[Condition, ...]:
    """The runner alone and in batches, repeated and from several threads, and the artifact in `others`, set up anew."""
    chosen = [one for one in golden if one.name in COMPARED and one.lengths is None and is_judgeable(one)]
    first = [answer(runner, one)[0] for one in chosen]
    return tuple(_condition(name, other, chosen, first) for name, other in (*others, *_usage(runner)) if chosen)


def _condition(name: str, runner: Runner, golden: Sequence[GoldenSet], first: Sequence[Array]) -> Condition:
    difference, share, reasons = 0.0, 0.0, []
    for one, before in zip(golden, first, strict=True):
        y, reason = answer(runner, one)
        reasons += [reason] * bool(reason)
        # max() of Python would lose a NaN.
        difference = float(np.maximum(difference, largest(y, before, one.scale)[0]))
        share = float(np.maximum(share, largest(y, one.y, one.scale)[0] / bound(one)))
    return Condition(name, difference, share, "passed" if share <= 1 else "failed", (reasons or [""])[0])


def _usage(runner: Runner) -> Iterator[tuple[str, Runner]]:
    """Ways of asking that must not change an answer."""
    yield "each row alone", lambda x: np.concatenate([runner(row[np.newaxis]) for row in x])
    yield f"in a batch {COPIES} times as large", lambda x: runner(np.concatenate([x] * COPIES))[-len(x) :]
    yield f"asked {REPEATS} times", _most_different(lambda x: [runner(x) for _ in range(REPEATS)])
    yield f"asked by {THREADS} threads at once", _most_different(lambda x: _at_once(runner, x))


def _at_once(runner: Runner, x: Array) -> list[Array]:
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(runner, [x] * (2 * THREADS)))


def _most_different(ask: Callable[[Array], list[Array]]) -> Runner:
    """Of several answers the one that is farthest from the first; NaN counts as farthest."""

    def farthest(x: Array) -> Array:
        answers = ask(x)
        distances = [float(np.abs(y - answers[0]).max()) for y in answers]
        return answers[int(np.argmax(distances))]

    return farthest
