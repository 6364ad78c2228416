"""The cost of rounding in a model's own units: of an artifact's weights, of float32 inputs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..model import Affine, Array, Column, Model, forward
from ..parity import GoldenSet
from ..parity.noise import U

if TYPE_CHECKING:
    from .subject import Subject

COARSE = 1e-3  # share of a feature's spread that one float32 step may take before it is said
MOST_OUTPUTS = 4  # told of, one sentence each


def rounding_cost(subject: Subject, rounded: Model) -> tuple[str, ...]:
    """How far rounded weights move each output, in its own unit; at most four sentences."""
    shown, source = shown_inputs(subject.golden)
    exact = _answers(subject.model, shown)
    changed = _answers(rounded, shown)
    sentences = []
    for index, column in enumerate(subject.model.signature.outputs[:MOST_OUTPUTS]):
        cost = _cost(column, exact[:, index], changed[:, index], source)
        sentences.append(cost)
    return tuple(sentences)


def shown_inputs(golden: Sequence[GoldenSet]) -> tuple[Array, str]:
    """Inputs `(batch, seq, input_size)` that a cost is told on, and what to call them."""
    sets = {entry.name: entry for entry in golden}
    shown = sets.get("real windows", sets["nominal"]).x
    kind = "real windows" if "real windows" in sets else "random sequences"
    return shown, f"{len(shown)} {kind}"


def _answers(model: Model, x: Array) -> Array:
    """Float64 `(answers, output_size)`."""
    # of a chain that answers every step each step is an answer
    return forward(model, x).y.reshape(-1, model.signature.output_size)


def _cost(column: Column, exact: Array, changed: Array, on: str) -> str:
    difference = np.abs(changed - exact)  # (answers,), in the column's unit
    largest = difference.max()
    rms = np.sqrt((difference**2).mean())
    spread = exact.std()
    unit = f" {column.unit}" if column.unit else ""
    share = ""
    if spread > 0:
        share = f", {100 * largest / spread:.2g} % of the outputs' spread"
    moved = f"rounding the weights moves {column.name} by up to {largest:.2g}{unit}"
    return f"{moved} (rms {rms:.2g}) on {on}{share}"


def coarse_inputs(model: Model) -> Iterator[str]:
    """An input so far from zero that float32, before any model, keeps few digits of what varies in
    it."""
    scaler = model.stages[0]
    if not isinstance(scaler, Affine) or scaler.inverse:
        return
    # One float32 step at the offset, in units of the feature's spread.
    resolution = U * np.abs(scaler.offset / scaler.scale)  # (input_size,)
    for index in np.flatnonzero(resolution > COARSE)[:1]:
        names = model.signature.features
        name = names[index].name if names else f"input {index}"
        yield (
            f"float32 resolves {name} to {resolution[index]:.1e} of its own spread; "
            "subtract a constant before"
        )
