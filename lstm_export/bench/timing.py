"""Timing turn and turn about, every call by itself."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from ..model import Array

# A block is long enough to fill the caches again after another engine's turn, and short enough that
# a change of the machine's mood falls on all engines alike.
BLOCK_S = 0.02
LEAST_BLOCKS = 8  # fewer say nothing of the spread

Block = Callable[[int], list[int]]
"""Make that many calls (at least) in a row: the nanoseconds of each."""


@dataclass(frozen=True)
class Timing:
    """The calls of one engine at one work.

    Attributes:
        calls: how many were timed.
        min_s, p50_s, p90_s, p99_s, mean_s: seconds a call.
        spread: how far the medians of its blocks lie apart, 90th percentile less 10th, as a share
            of their median.
        block_medians_s: seconds, one a round; engines of one race are compared round by round.
    """

    calls: int
    min_s: float
    p50_s: float
    p90_s: float
    p99_s: float
    mean_s: float
    spread: float
    block_medians_s: tuple[float, ...]

    @classmethod
    def of(cls, blocks: list[list[int]]) -> Timing:
        """From nanoseconds, one list a block."""
        every = np.concatenate([np.asarray(block, np.float64) for block in blocks]) * 1e-9
        medians: Array = np.array([np.median(block) for block in blocks]) * 1e-9
        low, middle, high = np.quantile(medians, (0.1, 0.5, 0.9))
        p50, p90, p99 = np.quantile(every, (0.5, 0.9, 0.99))
        return cls(
            calls=len(every),
            min_s=float(every.min()),
            p50_s=float(p50),
            p90_s=float(p90),
            p99_s=float(p99),
            mean_s=float(every.mean()),
            spread=float((high - low) / middle),
            block_medians_s=tuple(medians.tolist()),
        )

    def times(self, other: Timing) -> tuple[float, float, float]:
        """This one's time in units of another's of the same race: median, 10th and 90th percentile
        over the rounds."""
        ratios = np.divide(self.block_medians_s, other.block_medians_s)
        low, middle, high = np.quantile(ratios, (0.1, 0.5, 0.9))
        return float(middle), float(low), float(high)


def race(blocks: Mapping[str, Block], budget_s: float, warm_up_s: float) -> dict[str, Timing]:
    """Time every engine for about `budget_s`, after `warm_up_s` each that do not count.

    Engines take turns of one block; the order moves on by one every round and turns around every
    second.
    """
    with _no_garbage_collection():
        calls = {name: _warm_up(block, warm_up_s) for name, block in blocks.items()}
        found: dict[str, list[list[int]]] = {name: [] for name in blocks}
        end = time.perf_counter() + budget_s * len(blocks)
        turn = 0
        while turn < LEAST_BLOCKS or time.perf_counter() < end:
            for name in _order(list(blocks), turn):
                found[name].append(blocks[name](calls[name]))
            turn += 1
    return {name: Timing.of(block) for name, block in found.items()}


def _warm_up(block: Block, warm_up_s: float) -> int:
    """Call until the time is over; how many calls fill a block."""
    end = time.perf_counter() + warm_up_s
    quickest = min(block(1))
    while time.perf_counter() < end:
        quickest = min(quickest, *block(1))
    return max(1, round(BLOCK_S * 1e9 / max(quickest, 1)))


def _order(names: list[str], turn: int) -> list[str]:
    first = (turn // 2) % len(names)
    order = names[first:] + names[:first]
    return order[::-1] if turn % 2 else order


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    was_on = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
