"""A model's chain as calls of the C runtime: the same walk gives the single step and the whole pass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import singledispatch

from ....errors import UnsupportedModel
from ....model import (
    LSTM,
    Activation,
    Affine,
    Cell,
    LastHidden,
    LastStep,
    LayerNorm,
    Linear,
    Model,
    Recurrent,
    Skip,
    Stage,
)
from .numbers import literal

TILE = 12  # NAME_TILE of the runtime: sums side by side in packed weights


@dataclass(frozen=True)
class Value:
    """Where the values between two stages are.

    Attributes:
        text: a C expression, the first of [step][feature][lane].
        width: features a step.
        free: whether it may be overwritten.
    """

    text: str
    width: int
    free: bool = False

    @property
    def buffer(self) -> str:
        """The variable that the expression begins with."""
        return self.text.split()[0]


@dataclass
class Walk:
    """The lines of C so far, and what is needed to write the next.

    Attributes:
        names: C names of the arrays, by stage and array.
        step: whether a single step is written: its layers read h where the state keeps it.
        steps: C expression for the steps at hand.
    """

    model: Model
    names: Mapping[str, str]
    step: bool
    value: Value
    steps: str
    source: Value
    lines: list[str] = field(default_factory=list)
    widths: dict[str, int] = field(default_factory=dict)
    offset: int = 0  # of the next state
    packing: list[str] = field(default_factory=list)  # calls that pack the layers, in order
    packed: int = 0  # floats that they take
    last: Stage | None = None

    @property
    def lanes(self) -> str:
        return "1" if self.step else "lanes"

    @property
    def skips(self) -> bool:
        return any(isinstance(stage, Skip) for stage in self.model.stages)

    def call(self, function: str, *arguments: str | int) -> None:
        self.lines.append(f"NAME_{function}({', '.join(map(str, arguments))});")

    def layer(self, stage: Recurrent, cell: Cell, state: tuple[str, ...], outputs: tuple[str | int, ...]) -> None:
        """Call one layer in one direction: `outputs` are where they go, values a step there, and backwards or not."""
        key = f"{stage.name}{cell.suffix}"
        arrays = [self.names[key + part] for part in ("", ".scale", ".bias") if key + part in self.names]
        inputs, pass_ = cell.weight_ih.shape[1], "&pass" if self.step else "pass"
        outputs = (*outputs, self.pack(stage, cell, arrays[0]))
        if not isinstance(stage, LSTM):
            self.call("gru", *arrays, inputs, stage.hidden_size, self.value.text, *state, *outputs, pass_)
            return
        if any(one.proj_size for one in self.model.recurrent):
            projects = bool(stage.proj_size)
            arrays += [
                self.names[f"{stage.name}.weight_hr{cell.suffix}"] if projects else "0",
                "hidden" if projects else "0",
            ]
            self.widths["hidden"] = max(stage.hidden_size * projects, self.widths.get("hidden", 0))
        sizes = (inputs, stage.state_size, stage.hidden_size)
        self.call("lstm", *arrays, *sizes, self.value.text, *state, *outputs, pass_)

    def pack(self, stage: Recurrent, cell: Cell, weights: str) -> str:
        """Have a layer packed for many rows; where that will lie."""
        if self.step:
            return "0"
        (nx, nh), gates, biases = (
            (cell.weight_ih.shape[1], cell.weight_hh.shape[1]),
            len(stage.gates),
            int(not isinstance(stage, LSTM)),
        )
        sizes = f"{nx}, {nh}, {gates}, {stage.hidden_size}, {biases}"
        self.packing.append(f"packed = NAME_pack({weights}, {sizes}, packed);")
        sums = -(-gates * stage.hidden_size // TILE) * TILE
        place, self.packed = self.packed, self.packed + sums * (1 + nx + biases + nh)
        return f"lanes > 1 ? pass->packed + {place} : 0"

    def output(self, stage: Stage, width: int, in_place: bool = False) -> Value:
        """Where this stage's values go: y behind the last stage, else over its input or into the other buffer."""
        if stage is self.last:
            return Value("y", width, True)
        if in_place and self.value.free:
            return Value(self.value.text, width, True)
        return self.other_buffer(width)

    def other_buffer(self, width: int) -> Value:
        """The buffer that does not hold the values now."""
        buffer = "b" if self.value.buffer == "a" else "a"
        self.widths[buffer] = max(width, self.widths.get(buffer, 0))
        return Value(buffer, width, True)

    def state(self, offset: int) -> str:
        """The state from this offset on."""
        return f"state + {offset}" + ("" if self.step else " * lanes")


def walk(model: Model, names: Mapping[str, str], step: bool) -> Walk:
    """Write the chain, for one step or for a pass.

    Raises:
        UnsupportedModel: a stage that C does not express, or bidirectional ones for a single step.
    """
    start = Value("x", model.signature.input_size)
    run = Walk(model, names, step, start, "1" if step else "steps", start)
    stages = ordered(model)
    run.last = stages[-1]
    for stage in stages:
        _write(stage, run)
    return run


def ordered(model: Model) -> list[Stage]:
    """The stages, the one that picks a step right behind the last recurrent one: what follows works step by step."""
    stages = [stage for stage in model.stages if stage.steps != "reduce"]
    picks = [stage for stage in model.stages if stage.steps == "reduce"]
    place = max(index for index, stage in enumerate(stages) if isinstance(stage, Recurrent)) + 1
    return stages[:place] + picks + stages[place:]


@singledispatch
def _write(stage: Stage, run: Walk) -> None:
    raise UnsupportedModel(f"c cannot express the stage {stage.name} ({stage.kind})")


@_write.register
def _affine(stage: Affine, run: Walk) -> None:
    width = run.value.width
    if stage is run.model.stages[0] and run.skips:
        out = run.source = Value("source", width)
        run.widths["source"] = width
    else:
        out = run.output(stage, width, in_place=True)
    function = "denormalize" if stage.inverse else "normalize"
    offset, scale = run.names[f"{stage.name}.offset"], run.names[f"{stage.name}.scale"]
    run.call(function, offset, scale, run.value.text, out.text, run.steps, width, run.lanes)
    run.value = out


@_write.register
def _linear(stage: Linear, run: Walk) -> None:
    rows, columns = stage.weight.shape
    out = run.output(stage, rows)
    weight, bias = run.names[f"{stage.name}.weight"], run.names.get(f"{stage.name}.bias", "0")
    run.call("linear", weight, bias, run.value.text, out.text, run.steps, columns, rows, run.lanes)
    run.value = out


@_write.register
def _layer_norm(stage: LayerNorm, run: Walk) -> None:
    out = run.output(stage, run.value.width, in_place=True)
    weight, bias = (run.names.get(f"{stage.name}.{key}", "0") for key in ("weight", "bias"))
    arguments = (run.value.text, out.text, run.steps, run.value.width, run.lanes)
    run.call("layer_norm", weight, bias, literal(stage.eps), *arguments)
    run.value = out


@_write.register
def _activation(stage: Activation, run: Walk) -> None:
    out = run.output(stage, run.value.width, in_place=True)
    count = str(run.value.width) if run.step else f"{run.steps} * {run.value.width} * lanes"
    parameter = () if stage.parameter is None else (literal(stage.parameter),)
    run.call(f"map_{stage.function}", run.value.text, out.text, count, *parameter)
    run.value = out


@_write.register
def _skip(stage: Skip, run: Walk) -> None:
    out, width = run.output(stage, run.value.width, in_place=True), run.value.width
    if out.text != run.value.text:
        run.call("copy", out.text, run.value.text, str(width) if run.step else f"{run.steps} * {width} * lanes")
    features = run.names[f"{stage.name}.features"]
    source = run.source
    run.call("skip", features, len(stage.features), source.text, source.width, out.text, run.steps, width, run.lanes)
    run.value = out


@_write.register
def _last_step(stage: LastStep, run: Walk) -> None:
    _pick(stage, run)


def _pick(stage: Stage, run: Walk) -> None:
    width = run.value.width
    if run.step:
        _finish(stage, run)
        return
    back = f"(steps - 1) * {width} * lanes"
    if not any(one.bidirectional for one in run.model.recurrent):
        run.lines.append("if (!last) {\n    return;\n}")
    run.value = Value(f"{run.value.text} + {back}", width)
    _pick_source(run)
    _finish(stage, run)


@_write.register
def _last_hidden(stage: LastHidden, run: Walk) -> None:
    recurrent = next(one for one in reversed(run.model.recurrent))
    if not recurrent.bidirectional:
        _pick(stage, run)
        return
    size, width = recurrent.state_size, run.value.width
    out = run.output(stage, width)
    run.call("copy", out.text, f"{run.value.text} + (steps - 1) * {width} * lanes", f"{size} * lanes")
    run.call("copy", f"{out.text} + {size} * lanes", f"{run.value.text} + {size} * lanes", f"{size} * lanes")
    run.value = out
    _pick_source(run)


def _pick_source(run: Walk) -> None:
    """From here on there is one step, for a Skip too."""
    if run.skips:
        run.source = Value(f"{run.source.text} + (steps - 1) * {run.source.width} * lanes", run.source.width)
    run.steps = "1"


def _finish(stage: Stage, run: Walk) -> None:
    """Where picking is the last stage, its values still have to get into y."""
    if stage is run.last:
        count = str(run.value.width) if run.step else f"{run.value.width} * lanes"
        run.call("copy", "y", run.value.text, count)
        run.value = Value("y", run.value.width)


@_write.register
def _recurrent(stage: Recurrent, run: Walk) -> None:
    layers = list(stage.layers())
    h_size, cells = stage.state_size, len(stage.suffixes)
    sizes = {"h": h_size, "c": stage.hidden_size}
    bases = {state: run.offset + cells * h_size * (state == "c") for state in stage.states}
    run.offset += cells * sum(sizes[state] for state in stage.states)
    for index, layer in enumerate(layers):
        across = len(layer) * stage.state_size
        is_last = stage is run.last and index == len(layers) - 1
        out = Value("y", across, True) if is_last else run.other_buffer(across)
        for side, cell in enumerate(layer):
            behind = f" + {side * stage.state_size}" + ("" if run.step else " * lanes") if side else ""
            number = index * len(layer) + side
            state = tuple(run.state(bases[name] + number * sizes[name]) for name in stage.states)
            outputs = (out.text + behind, across, int(cell.is_reverse))
            run.layer(stage, cell, state, outputs)
        kept = run.step and not is_last  # h lies in the state, too: the buffer is free again
        run.value = Value(state[0], across) if kept else out
