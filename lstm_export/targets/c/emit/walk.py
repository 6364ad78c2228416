"""The lines of C that compute a model, stage by stage, and where every value is meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ....model import GRU, LSTM, RNN, Cell, LastStep, Model, Recurrent
from ....model.wiring import INPUT
from .carried import pool_places
from .names import Prefix
from .plan import Plan
from .values import Buffers, Value

TILE = 12  # MODEL_TILE of the runtime: sums side by side in packed weights


@dataclass
class Walk:
    """The lines of C so far, and what is needed to write the next.

    Attributes:
        names: C names of the arrays, by stage and array.
        prefix: what the runtime's functions are called by.
        step: whether a single step is written: its layers read h where the state keeps it.
        plan: what is computed when.
        lines: calls, in order.
        buffers: what they work in.
        values: what stages gave and later ones take, by index.
        index: of the stage at hand.
        taken: the values that it takes.
        held: buffers of values that later stages take.
        states: by recurrent stage where in the state its `h` and `c` begin.
        packing: calls that pack the layers for many rows, in order.
        packed: floats that they take.
    """

    model: Model
    names: Mapping[str, str]
    prefix: Prefix
    step: bool
    plan: Plan
    lines: list[str] = field(default_factory=list)
    buffers: Buffers = field(default_factory=Buffers)
    values: dict[int, Value] = field(default_factory=dict)
    index: int = 0
    taken: list[Value] = field(default_factory=list)
    held: set[str] = field(default_factory=set)
    states: dict[str, dict[str, int]] = field(default_factory=dict)
    offset: int = 0  # of the next state
    packing: list[str] = field(default_factory=list)
    packed: int = 0

    def __post_init__(self) -> None:
        steps = "1" if self.step else "steps"
        self.values[INPUT] = Value("x", self.model.signature.input_size, steps)
        self._pools = pool_places(self.model)

    def begin(self, index: int) -> None:
        """Look up what a stage takes: of a sequence of which its reader picks a step, that step."""
        self.index = index
        self.taken = [self.values[source] for source in self.plan.sources[index]]
        if self._takes_the_last_step(index):
            self.taken = [self.last_step(value) for value in self.taken]
        # what this stage is the last to take may be written over
        self.held = set()
        for source, value in self.values.items():
            if self.plan.last_reader[source] != index:
                self.held.add(value.buffer)

    def _takes_the_last_step(self, index: int) -> bool:
        return isinstance(self.model.stages[index], LastStep) or index in self.plan.at_last

    def end(self, value: Value) -> None:
        """Keep what the stage gave, and forget what nobody takes any more."""
        if self.index == self.plan.answer and value.text != "y":
            floats = self.floats(value.width)
            count = floats if value.is_row else f"{value.steps} * {floats}"
            self.call("copy", "y", value.text, count)
            value = replace(value, text="y")
        self.values[self.index] = value
        for source in set(self.plan.sources[self.index]):
            if self.plan.last_reader[source] == self.index:
                del self.values[source]

    @property
    def value(self) -> Value:
        """What the stage takes, or takes first."""
        return self.taken[0]

    @property
    def takes_rows(self) -> bool:
        """Whether all that the stage takes is a single step."""
        return all(value.is_row for value in self.taken)

    @property
    def steps(self) -> str:
        """C expression for the steps at hand: those of the sequences, where there are any."""
        return next((value.steps for value in self.taken if not value.is_row), "1")

    @property
    def lanes(self) -> str:
        return "1" if self.step else "lanes"

    def call(self, function: str, *arguments: str | int) -> None:
        """Write a call of the runtime."""
        self.lines.append(f"{self.prefix.symbol(function)}({', '.join(map(str, arguments))});")

    def by_step(self, function: str, *constants: str | int) -> Value:
        """Write a call that maps every step of the value; where that goes."""
        x = self.value
        out = self.output(x.width, in_place=True)
        self.call(function, *constants, x.text, out.text, self.steps, x.width, self.lanes)
        return out

    def by_value(self, function: str, *parameters: str) -> Value:
        """The same of a function of a single number."""
        x = self.value
        out = self.output(x.width, in_place=True)
        self.call(function, x.text, out.text, self.count(x.width), *parameters)
        return out

    def floats(self, width: int) -> str:
        """C expression for the values of one step."""
        return str(width) if self.step else f"{width} * lanes"

    def count(self, width: int) -> str:
        """C expression for the values at hand, `width` a step."""
        return str(width) if self.step else f"{self.steps} * {width} * lanes"

    def after(self, value: Value, features: int) -> str:
        """C expression for what follows so many features of a value of one step."""
        return f"{value.text} + {self.floats(features)}" if features else value.text

    def last_step(self, value: Value) -> Value:
        """The last step of a value in a pass."""
        return self.last_steps(value, 1)

    def last_steps(self, value: Value, count: int) -> Value:
        """So many of the last steps of a value in a pass."""
        if value.steps == str(count):
            return value
        text = f"{value.text} + ({value.steps} - {count}) * {value.width} * lanes"
        return Value(text, value.width, steps=str(count))

    def output(self, width: int, *, in_place: bool = False) -> Value:
        """Where this stage's values go, as many steps as it takes.

        To y where they are the answer, else over its input or into a buffer that is not in use.
        """
        if self.index == self.plan.answer:
            return Value("y", width, self.steps, True)
        if in_place and self._is_input_free():
            return Value(self.value.text, width, self.steps, True)
        return self.other_buffer(width, self.steps)

    def _is_input_free(self) -> bool:
        others = {value.buffer for value in self.taken[1:]}
        is_needed = self.value.buffer in self.held | others
        is_as_long = self.value.steps == self.steps
        return self.value.free and is_as_long and not is_needed

    def other_buffer(self, width: int, steps: str) -> Value:
        """A buffer that holds no value now.

        In a pass of a graph, rows have buffers of their own: they may be held while sequences go
        by.
        """
        used = self.held | {value.buffer for value in self.taken}
        is_apart = steps == "1" and not self.step and not self.model.is_chain
        return Value(self.buffers.unused(width, is_apart, used), width, steps, True)

    def state(self, offset: int) -> str:
        """The state from this offset on."""
        return f"state + {offset}" if self.step else f"state + {offset} * lanes"

    def pool_state(self, name: str) -> str:
        """What a pool carries."""
        return self.state(self._pools[name])

    def keep_states(self, stage: Recurrent) -> dict[str, int]:
        """Give a recurrent stage its part of the state: h of all layers, then c."""
        places = {}
        for name in stage.states:
            places[name] = self.offset
            self.offset += len(stage.suffixes) * stage.width_of(name)
        self.states[stage.name] = places
        return places

    def state_of_layer(self, stage: Recurrent, name: str, layer: int) -> Value:
        """What the state holds of a layer, both directions side by side."""
        size = stage.width_of(name)
        cells = (stage.num_layers + layer) * stage.directions  # before it; layer is negative
        place = self.states[stage.name][name] + cells * size
        return Value(self.state(place), stage.directions * size, steps="1")

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
            hidden = self.buffers.widen("hidden", stage.hidden_size, is_row=True)
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

    def without_cell(
        self, stage: Recurrent, cell: Cell, state: tuple[str, ...], outputs: tuple[str | int, ...]
    ) -> None:
        """The same for a GRU or an RNN."""
        weights = self.weights(stage, cell)
        sizes = [cell.weight_ih.shape[1], stage.hidden_size]
        if isinstance(stage, RNN):
            sizes.append(int(stage.nonlinearity == "relu"))
        packed = self.pack(stage, cell, weights[0])
        function = stage.kind.lower()
        self.call(function, *weights, *sizes, self.value.text, *state, *outputs, packed, "pass")

    def weights(self, stage: Recurrent, cell: Cell) -> tuple[str, str, str]:
        """Weights, scales and biases of a layer; the last two are null in float."""
        weights = self.names[f"{stage.name}.weights{cell.suffix}"]
        scale = self.names.get(f"{stage.name}.scale{cell.suffix}", "0")
        bias = self.names.get(f"{stage.name}.bias{cell.suffix}", "0")
        return weights, scale, bias

    def pack(self, stage: Recurrent, cell: Cell, weights: str) -> str:
        """Have a layer packed for many rows; where that will lie."""
        if self.step:
            return "0"
        nx = cell.weight_ih.shape[1]  # inputs
        nh = cell.weight_hh.shape[1]  # values of h
        gates = len(stage.gates)
        biases_h = 1 if isinstance(stage, GRU) else 0
        sizes = f"{nx}, {nh}, {gates}, {stage.hidden_size}, {biases_h}"
        self.packing.append(f"packed = {self.prefix.symbol('pack')}({weights}, {sizes}, packed);")
        place = self.packed
        tiles = -(-gates * stage.hidden_size // TILE)  # rounded up
        # a row of biases, one for each input, and for each h; a GRU has biases before h, too
        self.packed += tiles * TILE * (1 + nx + biases_h + nh)
        return f"lanes > 1 ? pass->packed + {place} : 0"
