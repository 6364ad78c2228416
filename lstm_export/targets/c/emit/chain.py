"""A model's chain as calls of the C runtime: one walk gives the single step and the pass."""

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
    Clamp,
    LastHidden,
    LastStep,
    LayerNorm,
    Linear,
    Model,
    Recurrent,
    Skip,
    Stage,
)
from .names import Prefix
from .numbers import literal

TILE = 12  # MODEL_TILE of the runtime: sums side by side in packed weights


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
        prefix: what the runtime's functions are called by.
        step: whether a single step is written: its layers read h where the state keeps it.
        value: where the values are now.
        steps: C expression for the steps at hand.
        source: where the model's own input is, for a Skip.
        lines: calls, in order.
        widths: of the buffers, by name.
        packing: calls that pack the layers for many rows, in order.
        packed: floats that they take.
    """

    model: Model
    names: Mapping[str, str]
    prefix: Prefix
    step: bool
    value: Value
    steps: str
    source: Value
    lines: list[str] = field(default_factory=list)
    widths: dict[str, int] = field(default_factory=dict)
    offset: int = 0  # of the next state
    packing: list[str] = field(default_factory=list)
    packed: int = 0
    last: Stage | None = None

    @property
    def lanes(self) -> str:
        return "1" if self.step else "lanes"

    @property
    def skips(self) -> bool:
        return any(isinstance(stage, Skip) for stage in self.model.stages)

    @property
    def is_bidirectional(self) -> bool:
        return any(stage.bidirectional for stage in self.model.recurrent)

    def call(self, function: str, *arguments: str | int) -> None:
        """Write a call of the runtime."""
        self.lines.append(f"{self.prefix.symbol(function)}({', '.join(map(str, arguments))});")

    def count(self, width: int) -> str:
        """C expression for the values at hand, `width` a step."""
        return str(width) if self.step else f"{self.steps} * {width} * lanes"

    def lstm(
        self, stage: LSTM, cell: Cell, state: tuple[str, ...], outputs: tuple[str | int, ...]
    ) -> None:
        """Call one layer in one direction.

        Args:
            stage: the LSTM.
            cell: its layer and direction.
            state: C expressions for h and c.
            outputs: where they go, values a step there, and 1 for backwards.
        """
        weight_hr = "0"
        hidden = "0"
        if stage.proj_size:
            weight_hr = self.names[f"{stage.name}.weight_hr{cell.suffix}"]
            hidden = "hidden"
            self.widths["hidden"] = max(stage.hidden_size, self.widths.get("hidden", 0))
        weights = self.weights(stage, cell)
        sizes = (cell.weight_ih.shape[1], stage.state_size, stage.hidden_size)
        packed = self.pack(stage, cell, weights[0])
        self.call(
            "lstm",
            *weights,
            weight_hr,
            hidden,
            *sizes,
            self.value.text,
            *state,
            *outputs,
            packed,
            "pass",
        )

    def gru(
        self, stage: Recurrent, cell: Cell, state: tuple[str, ...], outputs: tuple[str | int, ...]
    ) -> None:
        """The same for a GRU."""
        weights = self.weights(stage, cell)
        sizes = (cell.weight_ih.shape[1], stage.hidden_size)
        packed = self.pack(stage, cell, weights[0])
        self.call("gru", *weights, *sizes, self.value.text, *state, *outputs, packed, "pass")

    def weights(self, stage: Recurrent, cell: Cell) -> tuple[str, str, str]:
        """Weights, scales and biases of a layer; the last two are null in float."""
        found = [
            self.names.get(f"{stage.name}.{part}{cell.suffix}", "0")
            for part in ("weights", "scale", "bias")
        ]
        return found[0], found[1], found[2]

    def pack(self, stage: Recurrent, cell: Cell, weights: str) -> str:
        """Have a layer packed for many rows; where that will lie."""
        if self.step:
            return "0"
        nx = cell.weight_ih.shape[1]
        nh = cell.weight_hh.shape[1]
        gates = len(stage.gates)
        biases_h = 0 if isinstance(stage, LSTM) else 1
        sizes = f"{nx}, {nh}, {gates}, {stage.hidden_size}, {biases_h}"
        self.packing.append(f"packed = {self.prefix.symbol('pack')}({weights}, {sizes}, packed);")
        place = self.packed
        tiles = -(-gates * stage.hidden_size // TILE)
        self.packed += tiles * TILE * (1 + nx + biases_h + nh)
        return f"lanes > 1 ? pass->packed + {place} : 0"

    def output(self, stage: Stage, width: int, in_place: bool = False) -> Value:
        """Where this stage's values go.

        To y from the last stage, else over its input or into the other buffer.
        """
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


def walk(model: Model, names: Mapping[str, str], prefix: Prefix, step: bool) -> Walk:
    """Write the chain, for one step or for a pass.

    Raises:
        UnsupportedModel: a stage that C does not express, or bidirectional ones for a single step.
    """
    start = Value("x", model.signature.input_size)
    run = Walk(model, names, prefix, step, start, "1" if step else "steps", start)
    stages = ordered(model)
    run.last = stages[-1]
    for stage in stages:
        _write(stage, run)
    return run


def ordered(model: Model) -> list[Stage]:
    """The stages, the one that picks a step right after the last recurrent one.

    What follows works step by step, so that the order changes no value.
    """
    stages = [stage for stage in model.stages if stage.steps != "reduce"]
    picks = [stage for stage in model.stages if stage.steps == "reduce"]
    last_recurrent = max(
        index for index, stage in enumerate(stages) if isinstance(stage, Recurrent)
    )
    return stages[: last_recurrent + 1] + picks + stages[last_recurrent + 1 :]


@singledispatch
def _write(stage: Stage, run: Walk) -> None:
    raise UnsupportedModel(f"c cannot express the stage {stage.name} ({stage.kind})")


@_write.register
def _affine(stage: Affine, run: Walk) -> None:
    width = run.value.width
    if stage is run.model.stages[0] and run.skips:
        out = Value("source", width)
        run.source = out
        run.widths["source"] = width
    else:
        out = run.output(stage, width, in_place=True)
    function = "denormalize" if stage.inverse else "normalize"
    offset = run.names[f"{stage.name}.offset"]
    scale = run.names[f"{stage.name}.scale"]
    run.call(function, offset, scale, run.value.text, out.text, run.steps, width, run.lanes)
    run.value = out


@_write.register
def _linear(stage: Linear, run: Walk) -> None:
    rows, columns = stage.weight.shape
    out = run.output(stage, rows)
    weight = run.names[f"{stage.name}.weight"]
    bias = run.names.get(f"{stage.name}.bias", "0")
    run.call("linear", weight, bias, run.value.text, out.text, run.steps, columns, rows, run.lanes)
    run.value = out


@_write.register
def _layer_norm(stage: LayerNorm, run: Walk) -> None:
    width = run.value.width
    out = run.output(stage, width, in_place=True)
    weight = run.names.get(f"{stage.name}.weight", "0")
    bias = run.names.get(f"{stage.name}.bias", "0")
    eps = literal(stage.eps)
    run.call("layer_norm", weight, bias, eps, run.value.text, out.text, run.steps, width, run.lanes)
    run.value = out


@_write.register
def _clamp(stage: Clamp, run: Walk) -> None:
    out = run.output(stage, run.value.width, in_place=True)
    count = run.count(run.value.width)
    if stage.low is not None:
        run.call("map_at_least", run.value.text, out.text, count, literal(stage.low))
        run.value = out
    if stage.high is not None:
        run.call("map_at_most", run.value.text, out.text, count, literal(stage.high))
        run.value = out


@_write.register
def _activation(stage: Activation, run: Walk) -> None:
    out = run.output(stage, run.value.width, in_place=True)
    parameter = () if stage.parameter is None else (literal(stage.parameter),)
    run.call(
        f"map_{stage.function}", run.value.text, out.text, run.count(run.value.width), *parameter
    )
    run.value = out


@_write.register
def _skip(stage: Skip, run: Walk) -> None:
    width = run.value.width
    out = run.output(stage, width, in_place=True)
    if out.text != run.value.text:
        run.call("copy", out.text, run.value.text, run.count(width))
    features = run.names[f"{stage.name}.features"]
    source = (run.source.text, run.source.width)
    run.call("skip", features, len(stage.features), *source, out.text, run.steps, width, run.lanes)
    run.value = out


@_write.register
def _last_step(stage: LastStep, run: Walk) -> None:
    _pick(stage, run)


def _pick(stage: Stage, run: Walk) -> None:
    """Go on with the last step of a pass alone, and only in the last pass of a sequence."""
    width = run.value.width
    if run.step:
        _finish(stage, run)
        return
    if not run.is_bidirectional:
        run.lines.append("if (!last) {\n    return;\n}")
    run.value = Value(f"{run.value.text} + (steps - 1) * {width} * lanes", width)
    _pick_source(run)
    _finish(stage, run)


@_write.register
def _last_hidden(stage: LastHidden, run: Walk) -> None:
    recurrent = run.model.recurrent[-1]
    if not recurrent.bidirectional:
        _pick(stage, run)
        return
    # forward's last step, and what reverse has after its own last, the first of the sequence
    size = recurrent.state_size
    width = run.value.width
    out = run.output(stage, width)
    run.call(
        "copy", out.text, f"{run.value.text} + (steps - 1) * {width} * lanes", f"{size} * lanes"
    )
    run.call(
        "copy",
        f"{out.text} + {size} * lanes",
        f"{run.value.text} + {size} * lanes",
        f"{size} * lanes",
    )
    run.value = out
    _pick_source(run)


def _pick_source(run: Walk) -> None:
    """From here on there is one step, for a Skip too."""
    if run.skips:
        run.source = Value(
            f"{run.source.text} + (steps - 1) * {run.source.width} * lanes", run.source.width
        )
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
    sizes = {"h": stage.state_size, "c": stage.hidden_size}
    bases = {}  # where h of all layers begins, and c
    for name in stage.states:
        bases[name] = run.offset
        run.offset += len(stage.suffixes) * sizes[name]
    for index, layer in enumerate(layers):
        across = len(layer) * stage.state_size
        is_last = stage is run.last and index == len(layers) - 1
        out = Value("y", across, True) if is_last else run.other_buffer(across)
        for side, cell in enumerate(layer):
            place = "" if side == 0 else f" + {stage.state_size}" + ("" if run.step else " * lanes")
            number = index * len(layer) + side
            state = tuple(run.state(bases[name] + number * sizes[name]) for name in stage.states)
            outputs = (out.text + place, across, int(cell.is_reverse))
            if isinstance(stage, LSTM):
                run.lstm(stage, cell, state, outputs)
            else:
                run.gru(stage, cell, state, outputs)
        h_is_kept = run.step and not is_last  # in the state, too: the buffer is free again
        run.value = Value(state[0], across) if h_is_kept else out
