"""A model's stages as calls of the C runtime: one walk gives the single step and the pass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import singledispatch

from ....errors import UnsupportedModel
from ....model import (
    GRU,
    LSTM,
    RNN,
    Activation,
    Affine,
    Clamp,
    Concat,
    Flatten,
    Join,
    LastHidden,
    LastStep,
    LastSteps,
    LayerNorm,
    Linear,
    Model,
    Pool,
    PReLU,
    Recurrent,
    Replace,
    RMSNorm,
    Slice,
    Stage,
)
from ....model.wiring import INPUT
from .names import Prefix
from .numbers import literal
from .plan import Plan
from .values import Value
from .walk import Walk


def walk(model: Model, names: Mapping[str, str], prefix: Prefix, step: bool) -> Walk:
    """Write the model, for one step or for a pass.

    Raises:
        UnsupportedModel: a stage that C does not express.
    """
    run = Walk(model, names, prefix, step, Plan.of(model))
    for index in run.plan.early:
        _stage(index, run)
    # a long pass goes through the runtime in pieces: what only the last step needs is left for it
    if run.plan.late and not step:
        run.lines.append("if (!last) {\n    return;\n}")
    for index in run.plan.late:
        _stage(index, run)
    return run


def _stage(index: int, run: Walk) -> None:
    run.begin(index)
    run.end(_write(run.model.stages[index], run))


@singledispatch
def _write(stage: Stage, run: Walk) -> Value:
    """Write the calls of a stage; where its value is."""
    raise UnsupportedModel(f"c cannot express the stage {stage.name} ({stage.kind})")


@_write.register
def _affine(stage: Affine, run: Walk) -> Value:
    function = "denormalize" if stage.inverse else "normalize"
    offset = run.names[f"{stage.name}.offset"]
    scale = run.names[f"{stage.name}.scale"]
    return run.by_step(function, offset, scale)


@_write.register
def _linear(stage: Linear, run: Walk) -> Value:
    rows, columns = stage.weight.shape
    out = run.output(rows)
    weight = run.names[f"{stage.name}.weight"]
    bias = run.names.get(f"{stage.name}.bias", "0")
    sizes = (run.steps, columns, rows, run.lanes)
    run.call("linear", weight, bias, run.value.text, out.text, *sizes)
    return out


@_write.register
def _layer_norm(stage: LayerNorm, run: Walk) -> Value:
    weight = run.names.get(f"{stage.name}.weight", "0")
    bias = run.names.get(f"{stage.name}.bias", "0")
    return run.by_step("layer_norm", weight, bias, literal(stage.eps))


@_write.register
def _rms_norm(stage: RMSNorm, run: Walk) -> Value:
    weight = run.names.get(f"{stage.name}.weight", "0")
    return run.by_step("rms_norm", weight, literal(stage.eps))


@_write.register
def _prelu(stage: PReLU, run: Walk) -> Value:
    weight = run.names[f"{stage.name}.weight"]
    return run.by_step("prelu", weight, stage.weight.size)


@_write.register
def _replace(stage: Replace, run: Walk) -> Value:
    return run.by_value("map_replace", literal(stage.value), literal(stage.by))


@_write.register
def _clamp(stage: Clamp, run: Walk) -> Value:
    x = run.value
    out = run.output(x.width, in_place=True)
    count = run.count(x.width)
    if stage.low is not None:
        run.call("map_at_least", x.text, out.text, count, literal(stage.low))
        x = out  # the other bound is held to what came of the first
    if stage.high is not None:
        run.call("map_at_most", x.text, out.text, count, literal(stage.high))
    return out


@_write.register
def _activation(stage: Activation, run: Walk) -> Value:
    parameter = () if stage.parameter is None else (literal(stage.parameter),)
    return run.by_value(f"map_{stage.function}", *parameter)


@_write.register
def _slice(stage: Slice, run: Walk) -> Value:
    x = run.value
    width = len(stage.features)
    out = run.output(width)
    features = run.names[f"{stage.name}.features"]
    picked = (features, width, x.text, x.width)
    run.call("columns", *picked, out.text, run.steps, run.lanes)
    return out


@_write.register
def _join(stage: Join, run: Walk) -> Value:
    """Value by value, the first two, then what came of them with the next."""
    first, *others = run.taken
    out = run.output(first.width, in_place=True)
    width = run.floats(first.width)
    for other in others:
        both = [first.text, _gap(first, run), other.text, _gap(other, run)]
        run.call(stage.kind.lower(), *both, out.text, run.steps, width)
        first = out
    return out


@_write.register
def _concat(stage: Concat, run: Walk) -> Value:
    width = sum(value.width for value in run.taken)
    out = run.output(width)
    before = 0
    for value in run.taken:
        columns = (value.text, _gap(value, run), run.floats(value.width))
        to = (run.after(out, before), run.floats(width))
        run.call("concat", *columns, *to, run.steps)
        before += value.width
    return out


def _gap(value: Value, run: Walk) -> str:
    """C expression for the floats from one step of a value to the next: a row goes to every one."""
    is_repeated = value.is_row and not run.takes_rows
    return "0" if is_repeated else run.floats(value.width)


@_write.register
def _pool(stage: Pool, run: Walk) -> Value:
    """Take the steps of a pass in; all but a mean stays in the state."""
    x = run.value
    kept = Value(run.pool_state(stage.name), x.width, steps="1")
    steps = (run.steps, x.width, run.lanes)
    if stage.mode != "mean":
        run.call(f"pool_{stage.mode}", x.text, kept.text, *steps)
        return kept
    out = _row_output(run)
    function = "pool_corrected_mean" if stage.correction else "pool_mean"
    run.call(function, x.text, kept.text, out.text, *steps)
    return out


def _row_output(run: Walk) -> Value:
    """Where a row of as many columns as the value has goes."""
    width = run.value.width
    if run.index == run.plan.answer:
        return Value("y", width, "1", True)
    return run.other_buffer(width, "1")


@_write.register
def _last_step(stage: LastStep, run: Walk) -> Value:
    return run.value


@_write.register
def _last_steps(stage: LastSteps, run: Walk) -> Value:
    return run.last_steps(run.value, stage.count)


@_write.register
def _flatten(stage: Flatten, run: Walk) -> Value:
    """Steps follow each other already."""
    x = run.value
    return replace(x, width=int(x.steps) * x.width, steps="1")


@_write.register
def _last_hidden(stage: LastHidden, run: Walk) -> Value:
    """Of both directions forward's last step, and what reverse has last, at the first step."""
    (source,) = run.plan.sources[run.index]
    recurrent = run.model.stages[source]
    assert isinstance(recurrent, Recurrent)  # noqa: S101 - a model has it stand after no other
    if not stage.is_last_output:
        return run.state_of_layer(recurrent, stage.state, stage.layer)
    last = run.last_step(run.value)
    if not recurrent.bidirectional:
        return last
    # a step holds forward's size values, then those of reverse
    size = recurrent.state_size
    out = _row_output(run)
    count = run.floats(size)
    run.call("copy", out.text, last.text, count)
    run.call("copy", run.after(out, size), run.after(run.value, size), count)
    return out


@_write.register
def _recurrent(stage: Recurrent, run: Walk) -> Value:
    layers = list(stage.layers())
    bases = run.keep_states(stage)
    _bring_within_reach(stage, run)
    for index, layer in enumerate(layers):
        across = len(layer) * stage.state_size  # values a step: of both directions
        is_answer = run.index == run.plan.answer and index == len(layers) - 1
        out = run.output(across) if is_answer else run.other_buffer(across, run.steps)
        for side, cell in enumerate(layer):
            number = index * len(layer) + side  # of the cell, in the order of torch's h_n
            places = [bases[name] + number * stage.width_of(name) for name in stage.states]
            state = tuple(run.state(place) for place in places)
            place = run.after(out, side * stage.state_size)  # directions lie side by side in a step
            outputs = (place, across, int(cell.is_reverse))
            if isinstance(stage, LSTM):
                run.lstm(stage, cell, state, outputs)
            else:
                run.without_cell(stage, cell, state, outputs)
        h_is_kept = run.step and not is_answer  # in the state, too: the buffer is free again
        out = Value(state[0], across, steps="1") if h_is_kept else out
        run.taken = [out]
    return out


def _bring_within_reach(stage: Recurrent, run: Walk) -> None:
    """Make huge inputs smaller where words of weights stand for whole numbers up to 2^31.

    What another recurrent stage gives is small enough, and a relu's answer follows its input.
    """
    if isinstance(stage, RNN) and stage.nonlinearity == "relu":
        return
    (source,) = run.plan.sources[run.index]
    before = None if source == INPUT else run.model.stages[source]
    is_bounded = isinstance(before, LSTM | GRU)
    is_rounded = f"{stage.name}.scale{stage.suffixes[0]}" in run.names
    if is_rounded and not is_bounded:
        value = run.value
        out = run.other_buffer(value.width, value.steps)
        run.call("within_reach", value.text, out.text, run.steps, value.width, run.lanes)
        run.taken = [out]
