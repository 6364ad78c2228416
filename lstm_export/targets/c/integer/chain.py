"""An integer model's stages as calls of the C runtime, and the constants that they take."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ....model import Array
from . import joins, roots, stages
from .arithmetic import LARGEST
from .cells import Cell, GRUCell, LSTMCell, RNNCell
from .chain_joins import written
from .literals import Constants, matrix_of, unit_by_unit
from .walk import BLOCK, STEP, Extent, Place, Walk, input_place, last_steps
from .whole_model import Node

_ORDERS = {  # of the rows of a layer, by its gates
    4: "unit by unit the rows i, f, g, o for x, then those for h",
    3: "unit by unit the rows r, z, n for x, then those for h",
    1: "unit by unit the row for x, then that for h",
}


def walk(nodes: Sequence[Node], width: int, constants: Constants, extent: Extent) -> Walk:
    """Write the model over a step, a sequence or a block."""
    run = Walk(constants, extent, nodes, input_place(width, extent))
    for index, node in enumerate(nodes):
        run.begin(index)
        stage = node.stage
        if isinstance(stage, joins.Join):
            run.end(written(stage, run))
        else:
            run.end(_WRITERS[type(stage)](stage, run))
    _answer(run)
    return run


def _answer(run: Walk) -> None:
    """Bring the last value to y, unless it is there."""
    answer = run.places[run.index]
    width = answer.width
    if answer.text == "y":
        return
    if answer.is_wide:
        run.copies_answer = True
        run.call("columns_wide", 0, width, answer.text, width, "y", width, answer.steps)
    else:
        run.call("widen", answer.text, "y", f"{answer.steps} * {width}".removeprefix("1 * "))


def _scale(stage: stages.Scale, run: Walk) -> Place:
    centres = run.constants.add("centres", "int16_t", stage.centre, "what a scaler makes 0")
    multipliers = run.constants.add(
        "multipliers", "int16_t", stage.multiplier, "what it multiplies with"
    )
    shifts = run.constants.add("multiplier_shifts", "uint8_t", stage.shift, "their shifts")
    offsets = run.constants.add("offsets", "int32_t", stage.offset, "and offsets")
    out = run.wide_buffer(run.value.width)
    return run.by_step("scale", centres, multipliers, shifts, offsets, out=out)


def _narrow(stage: stages.Narrow, run: Walk) -> Place:
    shifts = run.constants.add("narrowing", "uint8_t", stage.shift, "shifts from int32 to int16")
    function = "narrow" if run.value.is_wide else "narrow_again"
    return run.by_step(function, shifts, out=run.narrow_buffer(run.value.width))


def _linear(stage: stages.Linear, run: Walk) -> Place:
    rows, columns = stage.rows.weight.shape
    matrix = matrix_of(stage.rows, run.constants.weight_bits)
    comment = f"weights of a linear stage, {rows} rows"
    weights = run.constants.add_weights("linear", matrix, rows, comment)
    shifts = run.constants.add("linear_shifts", "uint8_t", stage.rows.shift, "shifts of its rows")
    biases = run.constants.add("linear_biases", "int32_t", stage.bias, "its biases")
    out = run.wide_buffer(rows)
    run.at_least("GATHERED", columns + 3)
    value = run.value.text
    run.call("linear", weights, shifts, biases, value, out.text, run.steps, columns, rows)
    return out


def _replace(stage: stages.Replace, run: Walk) -> Place:
    values = run.constants.add("stand_ins", "int32_t", stage.value, "counts that stand for others")
    by = run.constants.add("stood_for", "int16_t", stage.by, "which take their place")
    return run.by_step("replace", values, by, out=run.narrow_buffer(run.value.width))


def _clamp(stage: stages.Clamp, run: Walk) -> Place:
    width = run.value.width
    low = run.constants.add("low", "int32_t", stage.low, "lower bounds")
    high = run.constants.add("high", "int32_t", stage.high, "upper bounds")
    if run.value.is_wide:
        return run.by_step("clamp", low, high, out=run.wide_buffer(width, in_place=True))
    return run.by_step("clamp_narrow", low, high, out=run.narrow_buffer(width))


def _prelu(stage: stages.PReLU, run: Walk) -> Place:
    slopes = run.constants.add("slopes", "int16_t", stage.multiplier, "slopes below 0")
    shifts = run.constants.add("slope_shifts", "uint8_t", stage.shift, "their shifts")
    return run.by_step("prelu", slopes, shifts, out=run.wide_buffer(run.value.width))


def _align(stage: joins.Align, run: Walk) -> Place:
    shifts = run.constants.add("alignment", "int8_t", stage.shift, "shifts to a common format")
    function = "align" if run.value.is_wide else "align_narrow"
    out = run.wide_buffer(run.value.width, in_place=True)
    return run.by_step(function, shifts, stage.limit, out=out)


def _offset(stage: joins.Offset, run: Walk) -> Place:
    offsets = run.constants.add("zeros", "int32_t", stage.offset, "what is added to a value")
    out = run.wide_buffer(run.value.width, in_place=True)
    return run.by_step("offset", offsets, out=out)


def _slice(stage: joins.Slice, run: Walk) -> Place:
    value = run.value
    width = len(stage.features)
    features = np.array(stage.features)
    columns = run.constants.add("features", "uint16_t", features, "columns that are picked")
    out = run.wide_buffer(width) if value.is_wide else run.narrow_buffer(width)
    function = "columns_wide" if value.is_wide else "columns"
    picked = (columns, width, value.text, value.width)
    run.call(function, *picked, out.text, width, run.steps)
    return out


def _pool(stage: joins.Pool, run: Walk) -> Place:
    """The first step, the largest values and a sum stay in the state."""
    value = run.value
    row = replace(value, steps="1")
    narrow, wide = run.new_state(stage.start)
    if stage.mode == "sum":
        run.call("pool_sum", value.text, wide, run.steps, value.width)
        return replace(row, text=wide, is_wide=True)
    if stage.mode in ("mean", "corrected_mean"):
        is_wide = stage.mode == "corrected_mean"
        buffer = run.wide_buffer(value.width) if is_wide else run.narrow_buffer(value.width)
        out = replace(buffer, steps="1")
        run.call(f"pool_{stage.mode}", value.text, wide, out.text, run.steps, value.width)
        return out
    carried = (narrow,) if stage.mode == "max" else (narrow, wide)
    run.call(f"pool_{stage.mode}", value.text, *carried, run.steps, value.width)
    return replace(row, text=narrow)


def _gate(stage: stages.Gate, run: Walk) -> Place:
    x = run.value
    out = run.narrow_buffer(x.width)
    shifts = (stage.down, stage.up)
    run.call(f"map_{stage.function}", x.text, out.text, run.count(x.width), *shifts)
    return out


def _table(stage: stages.Table, run: Walk) -> Place:
    values = np.clip(stage.values, -LARGEST, LARGEST)
    table = run.constants.add("table", "int16_t", values, "a function over all of int16")
    x = run.value
    out = run.narrow_buffer(x.width)
    run.call("map_table", table, x.text, out.text, run.count(x.width))
    return out


def _root(stage: roots.Root, run: Walk) -> Place:
    x = run.value
    out = run.wide_buffer(x.width, in_place=True)
    run.call("map_sqrt", x.text, out.text, run.count(x.width))
    return out


def _layer_norm(stage: roots.LayerNorm, run: Walk) -> Place:
    eps = f"{stage.eps}u"
    is_centred = int(stage.is_centred)
    return run.by_step("layer_norm", eps, is_centred, out=run.wide_buffer(run.value.width))


def _last_step(stage: stages.LastStep, run: Walk) -> Place:
    return run.value


def _last_steps(stage: stages.LastSteps, run: Walk) -> Place:
    return last_steps(run.value, str(stage.count))


def _flatten(stage: stages.Flatten, run: Walk) -> Place:
    """Steps follow each other already."""
    return replace(run.value, width=stage.count * run.value.width, steps="1")


def _final_state(stage: stages.FinalState, run: Walk) -> Place:
    """Where the layer left it."""
    cells = stage.recurrent.layers[stage.layer]
    narrow, wide = run.states[stage.recurrent, stage.layer]
    if stage.is_wide:
        wide_size = sum(cell.start.wide_size for cell in cells)
        return Place(wide, wide_size, "1", is_wide=True)
    width = sum(cell.start.narrow_size for cell in cells)
    if run.extent is BLOCK:
        out = replace(run.narrow_buffer(width), steps=BLOCK.rows)
        run.call("block_state", narrow, out.text, width, "block")
        return out
    return Place(narrow, width, "1")


def _recurrent(stage: stages.Recurrent, run: Walk) -> Place:
    value = run.value
    for number, layer in enumerate(stage.layers):
        run.taken = [value]
        width = sum(cell.start.narrow_size for cell in layer)
        if run.extent is STEP:
            (cell,) = layer
            name, *states = _layer(cell, run)
            run.call(cell.kind, f"&{name}", value.text, *states)
            value = Place(states[0], width, "1")
        elif run.extent is BLOCK:
            (cell,) = layer
            name, *states = _layer(cell, run)
            out = run.narrow_buffer(width)
            run.call("layer_block", f"&{name}", value.text, *states, out.text, "block")
            value = out
        else:
            value = run.narrow_buffer(width)
            states = _over_steps(layer, value, run)
        run.states[stage, number] = (states[0], states[1])
    return value


def _over_steps(layer: tuple[Cell, ...], out: Place, run: Walk) -> list[str]:
    """A layer over a sequence, in all its directions; where its states begin."""
    first: list[str] = []
    before = 0  # columns of the other direction
    for way, cell in enumerate(layer):
        name, *states = _layer(cell, run)
        first = first or states
        to = f"{out.text} + {before}" if before else out.text
        step = run.prefix.symbol(cell.kind)
        taken = (step, f"&{name}", run.value.text, *states)
        run.call("over", *taken, to, run.steps, out.width, way)
        before += cell.start.narrow_size
    return first


def _layer(cell: Cell, run: Walk) -> tuple[str, str, str]:
    """Define a layer; its name, and where its h and its wide state are."""
    input_size = cell.rows_ih.weight.shape[1]
    state_size = cell.start.narrow_size
    hidden_size = len(cell.rows_hh.weight) // cell.gates
    run.at_least("UNITS", hidden_size)
    run.at_least("GATHERED", input_size + state_size + 6)
    title = f"layer_{len(run.cells)}"
    run.cells.append(cell)
    bits = run.constants.weight_bits
    weights, shifts = unit_by_unit(cell.rows_ih, cell.rows_hh, cell.gates, bits)
    what = _ORDERS[cell.gates]
    weights_name = run.constants.add_weights(title, weights, hidden_size, what)
    members = ", ".join([weights_name, *_members(cell, title, shifts, run)])
    sizes = f"{input_size}, {hidden_size}, {state_size}"
    lanes = _lanes(cell, title, f"{members}, {sizes}", run)
    up = 20 - cell.sum_bits
    name = run.constants.named(title)
    projection = _projection(cell, title, run)
    kind = run.prefix.symbol("layer")
    values = f"{members}, {sizes}, {up}, {projection},\n    {lanes}"
    run.constants.text.append(f"static const {kind} {name} = {{\n    {values}\n}};\n\n")
    return name, *run.new_state(cell.start)


def _lanes(cell: Cell, title: str, layer: str, run: Walk) -> str:
    """Room for a layer's constants in another order, where a processor has use for it."""
    name = "0"
    if not isinstance(cell, RNNCell):
        name = run.constants.named(f"{title}_lanes")
        macro = run.prefix.macro("LANES")
        run.constants.text.append(f"{macro}({name}, {cell.gates}, {layer})\n")
    return f"{run.prefix.macro('WITH_LANES')}({name}, {cell.gates})"


def _members(cell: Cell, title: str, shifts: Array, run: Walk) -> Iterator[str]:
    """Biases and shifts of a layer, unit by unit."""
    biases = [cell.bias_ih, cell.bias_hh] if isinstance(cell, GRUCell) else [cell.bias]
    by_gate = [bias.reshape(cell.gates, -1) for bias in biases]
    stacked = np.concatenate(by_gate).T  # (hidden_size, parts * gates)
    yield run.constants.add(f"{title}_biases", "int32_t", stacked, "its biases")
    yield run.constants.add(f"{title}_shifts", "uint8_t", shifts, "shifts of its rows")


def _projection(cell: Cell, title: str, run: Walk) -> str:
    if not isinstance(cell, LSTMCell) or cell.projection is None:
        return "0, 0, 0"
    rows = cell.projection.rows
    run.at_least("HIDDEN", rows.weight.shape[1])
    run.at_least("GATHERED", rows.weight.shape[1] + 3)
    state_size = len(rows.weight)
    run.at_least("PROJECTED", state_size)
    weights = matrix_of(rows, run.constants.weight_bits)
    title = f"{title}_projection"
    name = run.constants.add_weights(title, weights, state_size, "its projection")
    shifts = run.constants.add(f"{title}_shifts", "uint8_t", rows.shift, "shifts of its rows")
    return f"{cell.projection.shift}, {name}, {shifts}"


# By type, whose every stage each function takes.
_WRITERS: Mapping[type, Callable[[Any, Walk], Place]] = {
    stages.Scale: _scale,
    stages.Narrow: _narrow,
    stages.Linear: _linear,
    stages.Replace: _replace,
    stages.Clamp: _clamp,
    stages.PReLU: _prelu,
    joins.Align: _align,
    joins.Offset: _offset,
    joins.Slice: _slice,
    joins.Pool: _pool,
    stages.Gate: _gate,
    stages.Table: _table,
    roots.Root: _root,
    roots.LayerNorm: _layer_norm,
    stages.LastStep: _last_step,
    stages.LastSteps: _last_steps,
    stages.Flatten: _flatten,
    stages.FinalState: _final_state,
    stages.Recurrent: _recurrent,
}
