"""An integer model's stages as calls of the C runtime, and the constants that they take."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import singledispatch

import numpy as np

from ..emit.names import Prefix
from . import stages
from .arithmetic import LARGEST
from .cells import Cell, LSTMCell
from .literals import Constants, matrix, unit_by_unit


@dataclass(frozen=True)
class Place:
    """Where the values between two stages are: a C expression, [step][feature]."""

    text: str
    width: int
    is_wide: bool = False


@dataclass
class Walk:
    """The calls so far.

    Attributes:
        constants: the arrays.
        streams: whether a single step is written; otherwise a whole sequence.
        value: where the values are now.
        steps: C expression for the steps at hand.
        rest: stages that come after the present one.
        lines: calls, in order.
        narrow: widths of the narrow buffers, by name.
        wide: width of the wide buffer.
        sizes: what macros say of the layers.
    """

    prefix: Prefix
    constants: Constants
    streams: bool
    value: Place
    steps: str
    rest: Sequence[stages.WholeStage] = ()
    lines: list[str] = field(default_factory=list)
    narrow: dict[str, int] = field(default_factory=dict)
    wide: int = 0
    sizes: dict[str, int] = field(default_factory=dict)
    offset_wide: int = 0  # of the next layer's state
    offset_narrow: int = 0
    cells: list[Cell] = field(default_factory=list)

    def call(self, function: str, *arguments: str | int) -> None:
        """Write a call of the runtime."""
        self.lines.append(f"{self.prefix.symbol(function)}({', '.join(map(str, arguments))});")

    def count(self, width: int) -> str:
        """C expression for the values at hand."""
        return str(width) if self.steps == "1" else f"{self.steps} * {width}"

    def narrow_buffer(self, width: int) -> Place:
        """The buffer that does not hold the values now."""
        name = "b" if self.value.text.split()[0] == "a" else "a"
        self.narrow[name] = max(width, self.narrow.get(name, 0))
        return Place(name, width)

    def wide_buffer(self, width: int) -> Place:
        """y where nothing but clamping follows, else the wide buffer."""
        if all(isinstance(stage, stages.Clamp) for stage in self.rest):
            return Place("y", width, True)
        self.wide = max(width, self.wide)
        return Place("wide_values", width, True)

    def at_least(self, macro: str, size: int) -> None:
        """Have a macro of the runtime say this size, or what is larger."""
        self.sizes[macro] = max(size, self.sizes.get(macro, 1))


def walk(
    whole: Sequence[stages.WholeStage], width: int, constants: Constants, streams: bool
) -> Walk:
    """Write the chain: a step's where it streams, else a sequence's."""
    run = Walk(constants.prefix, constants, streams, Place("x", width), "1" if streams else "steps")
    ordered_stages = ordered(whole)
    for place, stage in enumerate(ordered_stages):
        run.rest = ordered_stages[place + 1 :]
        _write(stage, run)
    if not run.value.is_wide:
        run.call("widen", run.value.text, "y", run.count(run.value.width))
    return run


def ordered(whole: Sequence[stages.WholeStage]) -> list[stages.WholeStage]:
    """The stages, the one that picks a step right after the last recurrent one.

    What follows works step by step, so that the order changes no value.
    """
    picks = [stage for stage in whole if isinstance(stage, stages.LastStep | stages.BothEnds)]
    others = [stage for stage in whole if not isinstance(stage, stages.LastStep | stages.BothEnds)]
    last = max(k for k, stage in enumerate(others) if isinstance(stage, stages.Recurrent))
    return [*others[: last + 1], *picks, *others[last + 1 :]]


@singledispatch
def _write(stage: stages.WholeStage, run: Walk) -> None:
    raise NotImplementedError(f"no integer C for {type(stage).__name__}")


@_write.register
def _scale(stage: stages.Scale, run: Walk) -> None:
    width = run.value.width
    centres = run.constants.add("centres", "int16_t", stage.centre, "what a scaler makes 0")
    factors = run.constants.add("factors", "int16_t", stage.factor, "its factors")
    shifts = run.constants.add("factor_shifts", "uint8_t", stage.shift, "their shifts")
    offsets = run.constants.add("offsets", "int32_t", stage.offset, "and offsets")
    out = run.wide_buffer(width)
    run.call("scale", centres, factors, shifts, offsets, run.value.text, out.text, run.steps, width)
    run.value = out


@_write.register
def _narrow(stage: stages.Narrow, run: Walk) -> None:
    width = run.value.width
    shifts = run.constants.add("narrowing", "uint8_t", stage.shift, "shifts from int32 to int16")
    function = "narrow" if run.value.is_wide else "narrow_again"
    out = run.narrow_buffer(width)
    run.call(function, shifts, run.value.text, out.text, run.steps, width)
    run.value = out


@_write.register
def _linear(stage: stages.Linear, run: Walk) -> None:
    rows, columns = stage.rows.weight.shape
    bits = run.constants.weight_bits
    weights = run.constants.add_weights(
        "linear", matrix(stage.rows, bits), f"weights of a linear stage, {rows} rows"
    )
    shifts = run.constants.add("linear_shifts", "uint8_t", stage.rows.shift, "shifts of its rows")
    biases = run.constants.add("linear_biases", "int32_t", stage.bias, "its biases")
    out = run.wide_buffer(rows)
    run.at_least("GATHERED", columns + 3)
    value = run.value.text
    run.call("linear", weights, shifts, biases, value, out.text, run.steps, columns, rows)
    run.value = out


@_write.register
def _clamp(stage: stages.Clamp, run: Walk) -> None:
    width = run.value.width
    low = run.constants.add("low", "int32_t", stage.low, "lower bounds")
    high = run.constants.add("high", "int32_t", stage.high, "upper bounds")
    out = run.wide_buffer(width) if run.value.is_wide else run.narrow_buffer(width)
    function = "clamp" if run.value.is_wide else "clamp_narrow"
    run.call(function, low, high, run.value.text, out.text, run.steps, width)
    run.value = out


@_write.register
def _gate(stage: stages.Gate, run: Walk) -> None:
    out = run.narrow_buffer(run.value.width)
    count = run.count(run.value.width)
    run.call(f"map_{stage.function}", run.value.text, out.text, count, stage.down, stage.up)
    run.value = out


@_write.register
def _table(stage: stages.Table, run: Walk) -> None:
    values = np.clip(stage.values, -LARGEST, LARGEST)
    table = run.constants.add("table", "int16_t", values, "a function over all of int16")
    out = run.narrow_buffer(run.value.width)
    run.call("map_table", table, run.value.text, out.text, run.count(run.value.width))
    run.value = out


@_write.register
def _layer_norm(stage: stages.LayerNorm, run: Walk) -> None:
    width = run.value.width
    out = run.wide_buffer(width)
    run.call("layer_norm", f"{stage.eps}u", run.value.text, out.text, run.steps, width)
    run.value = out


@_write.register
def _last_step(stage: stages.LastStep, run: Walk) -> None:
    if not run.streams:
        width = run.value.width
        run.value = Place(f"{run.value.text} + (steps - 1) * {width}", width)
        run.steps = "1"


@_write.register
def _both_ends(stage: stages.BothEnds, run: Walk) -> None:
    width = run.value.width
    out = run.narrow_buffer(width)
    last = f"{run.value.text} + (steps - 1) * {width}"
    first = f"{run.value.text} + {stage.size}"
    run.call("copy", last, out.text, stage.size)
    run.call("copy", first, f"{out.text} + {stage.size}", width - stage.size)
    run.value = out
    run.steps = "1"


@_write.register
def _recurrent(stage: stages.Recurrent, run: Walk) -> None:
    for layer in stage.layers:
        width = sum(cell.start.narrow.shape[1] for cell in layer)
        out = Place("", width) if run.streams else run.narrow_buffer(width)
        place = 0
        for way, cell in enumerate(layer):
            name, *states = _layer(cell, run)
            kind = "lstm" if isinstance(cell, LSTMCell) else "gru"
            if run.streams:
                out = Place(states[0], width)
                run.call(kind, f"&{name}", run.value.text, *states)
                continue
            text = f"{out.text} + {place}" if place else out.text
            step = run.prefix.symbol(kind)
            value = run.value.text
            run.call("over", step, f"&{name}", value, *states, text, run.steps, width, way)
            place += cell.start.narrow.shape[1]
        run.value = out


def _layer(cell: Cell, run: Walk) -> tuple[str, str, str]:
    """Define a layer; its name, and where its h and its wide state are."""
    input_size = cell.rows_ih.weight.shape[1]
    state_size = cell.start.narrow.shape[1]
    hidden_size = cell.start.wide.shape[1]
    run.at_least("GATHERED", input_size + state_size + 6)
    title = f"layer_{len(run.cells)}"
    run.cells.append(cell)
    members = ", ".join(map(str, _members(cell, title, run)))
    sizes = f"{input_size}, {hidden_size}, {state_size}"
    up = 20 - cell.sum_bits
    name = run.constants.named(title)
    projection = _projection(cell, title, run)
    kind = run.prefix.symbol("layer")
    run.constants.text.append(
        f"static const {kind} {name} = {{\n    {members}, {sizes}, {up}, {projection},\n}};\n\n"
    )
    states = (f"narrow + {run.offset_narrow}", f"wide + {run.offset_wide}")
    run.offset_narrow += state_size
    run.offset_wide += hidden_size
    return name, *states


def _members(cell: Cell, title: str, run: Walk) -> Iterator[str]:
    """Weights, biases and shifts of a layer, unit by unit."""
    bits = run.constants.weight_bits
    is_lstm = isinstance(cell, LSTMCell)
    gates = 4 if is_lstm else 3
    weights, shifts = unit_by_unit(cell.rows_ih, cell.rows_hh, gates, bits)
    order = "i, f, g, o" if is_lstm else "r, z, n"
    what = f"unit by unit the rows {order} for x, then those for h"
    yield run.constants.add_weights(title, weights, what)
    biases = [cell.bias] if isinstance(cell, LSTMCell) else [cell.bias_ih, cell.bias_hh]
    # (hidden_size, parts * gates)
    stacked = np.concatenate([bias.reshape(gates, -1) for bias in biases]).T
    yield run.constants.add(f"{title}_biases", "int32_t", stacked, "its biases")
    yield run.constants.add(f"{title}_shifts", "uint8_t", shifts, "shifts of its rows")


def _projection(cell: Cell, title: str, run: Walk) -> str:
    if not isinstance(cell, LSTMCell) or cell.projection is None:
        return "0, 0, 0"
    rows = cell.projection.rows
    run.at_least("HIDDEN", rows.weight.shape[1])
    run.at_least("GATHERED", rows.weight.shape[1] + 3)
    run.at_least("PROJECTED", rows.weight.shape[0])
    weights = matrix(rows, run.constants.weight_bits)
    name = run.constants.add_weights(f"{title}_projection", weights, "its projection")
    shifts = run.constants.add(
        f"{title}_projection_shifts", "uint8_t", rows.shift, "shifts of its rows"
    )
    return f"{cell.projection.shift}, {name}, {shifts}"
