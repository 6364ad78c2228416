"""The golden sets answered again by the float64 definition, many of them in one run of it.

A step costs about as much for a few rows as for many: sets of similar length are padded to one
batch, and the exact run goes beside those that measure F.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from ..model import Array, Model, forward
from ..model.forward import Output
from ..parity import GoldenSet
from ..parity.noise import ExactAndJitter, output_scale, relative_error

# Padded steps cost arithmetic, and save the calls of a run: half as many more are worth it.
MOST_PADDING = 1.5


class Recomputed(NamedTuple):
    """A golden set, computed again.

    Attributes:
        stored: the set as it was stored.
        y: its answers, float64.
        scale: S `(output_size,)`.
        noise_floor: F, of a few runs.
    """

    stored: GoldenSet
    y: Array
    scale: Array
    noise_floor: float


def answered_again(model: Model, golden: Sequence[GoldenSet], runs: int) -> Iterator[Recomputed]:
    """Every golden set, in no order, with F measured by `runs` random runs."""
    noise = ExactAndJitter(runs, seed=0)
    for group in _groups(golden):
        noise.restart()
        x, lengths = _padded(group)
        output = forward(model, x, noise, lengths=lengths)
        first = 0
        for stored in group:
            end = first + len(stored.x)
            yield _cut(stored, output, slice(first, end))
            first = end


def _groups(golden: Sequence[GoldenSet]) -> Iterator[list[GoldenSet]]:
    """Sets that are answered together, the longest first."""
    group: list[GoldenSet] = []
    for stored in sorted(golden, key=lambda golden_set: golden_set.seq, reverse=True):
        grown = [*group, stored]
        rows = sum(len(other.x) for other in grown)
        steps = sum(len(other.x) * other.seq for other in grown)
        if group and rows * grown[0].seq > MOST_PADDING * steps:
            yield group
            grown = [stored]
        group = grown
    if group:
        yield group


def _padded(group: Sequence[GoldenSet]) -> tuple[Array, Array]:
    """The rows of all sets `(rows, seq, input_size)`, zeros after each, and their lengths."""
    rows = sum(len(stored.x) for stored in group)
    _, longest, input_size = group[0].x.shape
    x = np.zeros((rows, longest, input_size), np.float32)
    lengths = np.empty(rows, np.int64)
    first = 0
    for stored in group:
        end = first + len(stored.x)
        x[first:end, : stored.seq] = stored.x
        lengths[first:end] = stored.seq if stored.lengths is None else stored.lengths
        first = end
    return x, lengths


def _cut(stored: GoldenSet, output: Output, rows: slice) -> Recomputed:
    """The part of one set: the exact run, and how far the others moved from it."""
    y = output.y[:, rows]  # (1 + runs, batch, [seq,] output_size)
    terms = output.terms[:1, rows]  # those of the exact run: all runs share S
    if stored.y.ndim == 3:  # every step is answered
        y = y[:, :, : stored.seq]
        terms = terms[:, :, : stored.seq]
    scale = output_scale(Output(y[:1], terms, ()))
    # (runs, batch, [seq,] output_size), in units of S
    move = relative_error(y[1:], y[0], scale)
    return Recomputed(stored, y[0], scale, float(move.max()))
