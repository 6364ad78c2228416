"""Inputs at the bounds of every clamp of a chain: just inside them, and just outside."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..model import Array, Clamp, Model, Stage
from ..model.forward import value_after

HALVINGS = 30  # float32 tells no more steps than that between two inputs
BESIDE = (0.999, 1.0, 1.001)  # of the way from one input to the other, around the bound


def edges_of(model: Model, rows: Array) -> dict[str, Array]:
    """Inputs `(3, seq, input_size)` by name: before a bound, at it and behind it.

    Args:
        model: the chain.
        rows: inputs `(n, seq, input_size)` of many sizes, between which bounds are looked for.
    """
    found: dict[str, Array] = {}
    for index, stage in enumerate(model.stages):
        for name, bound in _bounds(stage):
            (source,) = model.sources[index]
            edge = _edge(model, source, bound, rows)
            if edge is not None:
                found[f"{name} of {stage.name}"] = edge
    return found


def _bounds(stage: Stage) -> Iterator[tuple[str, float]]:
    if isinstance(stage, Clamp):
        bounds = {"low": stage.low, "high": stage.high}
        yield from ((name, bound) for name, bound in bounds.items() if bound is not None)


def _edge(model: Model, source: int, bound: float, rows: Array) -> Array | None:
    """Where the value of a stage crosses a bound; None where no two rows lie on both sides."""
    above = _reached(model, source, rows) > bound  # (n, values)
    on_smaller_side = np.minimum(above.sum(axis=0), (~above).sum(axis=0))  # (values,)
    column = int(np.argmax(on_smaller_side))
    sides = above[:, column]  # (n,)
    if sides.all() or not sides.any():
        return None
    inside = rows[int(np.argmin(sides))]  # a row whose value is below the bound
    outside = rows[int(np.argmax(sides))]  # one whose value is above it
    low = 0.0
    high = 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        row = inside + middle * (outside - inside)
        if _reached(model, source, row[np.newaxis])[0, column] > bound:
            high = middle
        else:
            low = middle
    # (len(BESIDE), seq, input_size)
    return np.stack([inside + share * high * (outside - inside) for share in BESIDE])


def _reached(model: Model, source: int, rows: Array) -> Array:
    """What every row brings to the clamp, `(n, values)`: at its last step, where it is a
    sequence."""
    y = value_after(model, source, rows)
    return y[-1] if y.ndim == 3 else y
