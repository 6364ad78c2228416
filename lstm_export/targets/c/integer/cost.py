"""What whole numbers cost against the float64 definition, and where it comes from."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ....errors import InputError
from ....model import Array, Column, Model, forward
from .calibration import Calibration
from .error_parts import Part, parts_of, spread_of
from .formats import steps_and_zeros
from .measured_error import MeasuredError
from .stages import Counter
from .whole_model import WholeModel

MOST_OUTPUTS = 4  # told of, one sentence each
# Errors add by their squares: a model whose own error is a tenth of the spread, which explains 99 %
# of the variance, gets worse by 2 % at most.
USUAL_LIMIT = "2%"
_LIMIT = re.compile(r"([\d.eE+-]+) ?(%?)")


@dataclass(frozen=True)
class OutputCost:
    """The cost to one output, in its own unit.

    Attributes:
        largest: the largest error.
        rms: the root of the mean square.
        spread: standard deviation of the exact answers.
    """

    column: Column
    largest: float
    rms: float
    spread: float

    def sentence(self, source: str) -> str:
        """For people."""
        unit = f" {self.column.unit}" if self.column.unit else ""
        share = ""
        if self.spread:
            percent = 100 * self.largest / self.spread
            share = f", {percent:.2g} % of the spread"
        return (
            f"whole numbers move {self.column.name} by up to {self.largest:.2g}{unit} "
            f"(rms {self.rms:.2g}) on {source}{share}"
        )


@dataclass(frozen=True)
class Cut:
    """Values that did not fit int16: `count` of `seen` values of a stage, of x, or of an h0."""

    name: str
    count: int
    seen: int

    def sentence(self) -> str:
        """For people."""
        return f"{self.count} of {self.seen} values of {self.name} do not fit int16 and are cut"


@dataclass(frozen=True)
class Cost:
    """What whole numbers cost on real inputs, where it comes from, and what was cut.

    Attributes:
        source: the inputs, for people.
        outputs: a cost each.
        parts: the sources of the error.
        cuts: where values were cut.
        cut_states: learned initial states that were.
        measured_errors: against what was measured, when it was exported.
    """

    source: str
    outputs: tuple[OutputCost, ...]
    parts: tuple[Part, ...]
    cuts: tuple[Cut, ...]
    cut_states: tuple[Cut, ...] = ()
    measured_errors: tuple[MeasuredError, ...] = ()

    def sentences(self) -> tuple[str, ...]:
        """For people; of the outputs the first few."""
        told = [cost.sentence(self.source) for cost in self.outputs[:MOST_OUTPUTS]]
        told += [error.sentence() for error in self.measured_errors[:MOST_OUTPUTS]]
        shares = ", ".join(part.sentence() for part in self.parts)
        told.append(f"of the spread, each alone (rms): {shares}")
        for cut in self.cuts:
            calibrate = "calibrate on a table of what the model will meet (--calibrate)"
            told.append(f"{cut.sentence()}; {calibrate}")
        for cut in self.cut_states:
            told.append(f"{cut.sentence()}; --arithmetic float keeps them")
        return tuple(told)

    def to_record(self) -> dict[str, Any]:
        """JSON-ready."""
        outputs = []
        for cost in self.outputs:
            named = {"name": cost.column.name, "unit": cost.column.unit}
            numbers = {"largest": cost.largest, "rms": cost.rms, "spread": cost.spread}
            outputs.append({**named, **numbers})
        record = {"source": self.source, "outputs": outputs}
        record["parts"] = [asdict(part) for part in self.parts]
        record["cuts"] = [asdict(cut) for cut in (*self.cuts, *self.cut_states)]
        record["measured_errors"] = [asdict(error) for error in self.measured_errors]
        return record


def cost_of(model: Model, whole: WholeModel, x: Array, source: str) -> Cost:
    """The cost on `x (batch, seq, input_size)`, which `source` calls by a name for people."""
    outputs = costs(model, whole, (x,))
    parts = tuple(parts_of(model, whole, x))
    cuts = tuple(cut_values(whole, x))
    return Cost(source, outputs, parts, cuts, tuple(cut_states(model, whole)))


def costs(model: Model, whole: WholeModel, inputs: Iterable[Array]) -> tuple[OutputCost, ...]:
    """The cost to every output on `x (batch, seq, input_size)` each, as sensors deliver it."""
    exact = []
    found = []
    for x in inputs:
        exact.append(_rows(forward(model, whole.as_delivered(x)).y))
        found.append(_rows(whole(x)))
    return _of(model, np.concatenate(exact), np.concatenate(found))


def _rows(y: Array) -> Array:
    """`(answers, output_size)`"""
    return y.reshape(-1, y.shape[-1])


def _of(model: Model, exact: Array, found: Array) -> tuple[OutputCost, ...]:
    error = np.abs(found - exact)
    rms = np.sqrt((error**2).mean(axis=0))
    spread = spread_of(exact)
    outputs = model.signature.outputs
    return tuple(
        OutputCost(column, float(error[:, k].max()), float(rms[k]), float(spread[k]))
        for k, column in enumerate(outputs)
    )


def check_limit(
    found: Iterable[OutputCost],
    limit: str,
    seen: Calibration,
    remedies: Callable[[OutputCost, float], Iterable[str]],
) -> None:
    """Refuse a model whose answers move by more.

    Args:
        found: what it costs.
        limit: `2%` of an output's spread, or a number in its unit; empty for `USUAL_LIMIT`.
        seen: what it was measured on.
        remedies: what makes an output's cost smaller, which is more than is allowed.

    Raises:
        InputError: an output moves further, or the limit cannot be read.
    """
    number, is_share = _number(limit or USUAL_LIMIT)
    for cost in found:
        if is_share and cost.largest > 0 and not cost.spread:
            raise InputError(
                f"{cost.column.name} is constant on {seen.source}, so that no share of its spread "
                f"allows the {cost.largest:.2g} by which it moves; calibrate on a table on which "
                "it varies (--calibrate), or give --max-error a number in its unit"
            )
        allowed = number / 100 * cost.spread if is_share else number
        if not cost.largest <= allowed:
            limits = limit.strip() or f"{USUAL_LIMIT} unless --max-error says otherwise"
            helps = ", or ".join(remedies(cost, allowed))
            raise InputError(f"{cost.sentence(seen.source)}; allowed are {limits}: {helps}")


def _number(limit: str) -> tuple[float, bool]:
    """A limit's number, and whether it is per cent of the spread."""
    told = _LIMIT.fullmatch(limit.strip())
    try:
        number = float(told[1]) if told else -1.0
    except ValueError:
        number = -1.0
    if told is None or not number >= 0:
        raise InputError(f"--max-error {limit!r} is no limit; write such as 2% or 0.5")
    return number, bool(told[2])


def cut_values(whole: WholeModel, x: Array) -> Iterator[Cut]:
    """Where values did not fit int16 and were cut."""
    counter = Counter()
    counts = whole.counts(x)
    counter.add("x", beyond(whole, x))
    whole.answers(counts, counter)
    for name, count in counter.cut.items():
        if count:
            yield Cut(name, count, counter.seen[name])


def cut_states(model: Model, whole: WholeModel) -> Iterator[Cut]:
    """Where a learned h is further from zero than the h of whole numbers reaches."""
    for stage, rounded in zip(model.recurrent, whole.recurrent, strict=True):
        h0 = stage.initial("h")  # (num_layers * directions, size)
        bits = np.repeat(rounded.state_bits, stage.directions)[:, np.newaxis]
        count = int((np.abs(h0) > 2.0**15 / 2.0**bits).sum())
        if count:
            yield Cut(f"h0 of {stage.name}", count, h0.size)


def beyond(whole: WholeModel, x: Array) -> Array:
    """Which inputs are further from zero than int16 reaches."""
    missed = np.abs(whole.meant(whole.counts(x)) - x)
    steps, _ = steps_and_zeros(whole.inputs)
    is_beyond: Array = missed > 1.01 * np.abs(steps)  # rounding misses half a step at most
    return is_beyond
