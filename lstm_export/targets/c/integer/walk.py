"""The calls of the C runtime that compute an integer model, and where every value is meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from ....model.wiring import INPUT
from ..emit.names import Prefix
from ..emit.values import LETTERS, Expression
from . import stages
from .cells import Cell, CellState
from .joins import Pool
from .literals import Constants
from .stages import Clamp, Flatten, LastStep, LastSteps
from .whole_model import Node

_OVER_STEPS = (stages.Recurrent, stages.FinalState, Pool, LastStep, LastSteps, Flatten)


@dataclass(frozen=True)
class Place(Expression):
    """Where a value is.

    Attributes:
        is_wide: whether it is int32; else int16.
    """

    is_wide: bool = False


@dataclass(frozen=True)
class Extent:
    """What is computed at once.

    Attributes:
        name: of it.
        samples: C expression for the samples that go in.
        rows: and for what is left where only the last step is taken.
    """

    name: str
    samples: str
    rows: str


STEP = Extent("step", "1", "1")
SEQUENCE = Extent("sequence", "steps", "1")
BLOCK = Extent("block", "samples", "block->sequences")


@dataclass
class Walk:
    """The calls so far.

    Attributes:
        constants: the arrays.
        extent: a single step, a whole sequence, or a block of steps of several sequences.
        nodes: of the model.
        places: where the values are that later stages take, by node.
        index: of the node at hand.
        taken: the values that it takes.
        lines: calls, in order.
        narrow, wide: widths of the buffers, by name.
        sizes: what macros say of the layers.
        offset_narrow, offset_wide: of the next state.
        states: by recurrent stage and layer, C expressions for h and the wide state.
        cells: in order.
        copies_answer: whether a wide answer is copied to y at the end.
    """

    constants: Constants
    extent: Extent
    nodes: Sequence[Node]
    places: dict[int, Place] = field(default_factory=dict)
    index: int = 0
    taken: list[Place] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    narrow: dict[str, int] = field(default_factory=dict)
    wide: dict[str, int] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    offset_narrow: int = 0
    offset_wide: int = 0
    states: dict[tuple[stages.Recurrent, int], tuple[str, str]] = field(default_factory=dict)
    cells: list[Cell] = field(default_factory=list)
    copies_answer: bool = False

    def __post_init__(self) -> None:
        self._last_reader: dict[int, int] = {}
        for index, node in enumerate(self.nodes):
            self._last_reader |= dict.fromkeys(node.sources, index)
        self._at_last = asked_at_the_last_step(self.nodes)

    @property
    def prefix(self) -> Prefix:
        """What every name in the C begins with."""
        return self.constants.prefix

    def begin(self, index: int) -> None:
        """Look up what a node takes: where only the last step is asked for, that step."""
        self.index = index
        self.taken = [self.places[source] for source in self.nodes[index].sources]
        if index in self._at_last or isinstance(self.nodes[index].stage, LastStep):
            self.taken = [last_steps(place, self.extent.rows) for place in self.taken]

    def end(self, place: Place) -> None:
        """Keep what the node gave."""
        self.places[self.index] = place

    @property
    def value(self) -> Place:
        """What the node takes, or takes first."""
        return self.taken[0]

    @property
    def steps(self) -> str:
        """C expression for the steps at hand: those of the sequences, where there are any."""
        return next((place.steps for place in self.taken if not place.is_row), "1")

    def call(self, function: str, *arguments: str | int) -> None:
        """Write a call of the runtime."""
        self.lines.append(f"{self.prefix.symbol(function)}({', '.join(map(str, arguments))});")

    def by_step(self, function: str, *constants: str | int, out: Place) -> Place:
        """Write a call that maps every step of the value, to `out`."""
        x = self.value
        self.call(function, *constants, x.text, out.text, self.steps, x.width)
        return out

    def count(self, width: int) -> str:
        """C expression for the values at hand."""
        return str(width) if self.steps == "1" else f"{self.steps} * {width}"

    def stride(self, place: Place) -> int:
        """Values from one step of a value to the next: a row goes to every step."""
        is_repeated = place.is_row and self.steps != "1"
        return 0 if is_repeated else place.width

    def narrow_buffer(self, width: int) -> Place:
        """A narrow buffer that holds no value now."""
        name = next(letter for letter in LETTERS if letter not in self._in_use())
        self.narrow[name] = max(width, self.narrow.get(name, 0))
        return Place(name, width, self.steps)

    def wide_buffer(self, width: int, in_place: bool = False) -> Place:
        """y where nothing but clamping follows, else a wide buffer.

        Args:
            width: of the value to come.
            in_place: whether it may lie over what the node takes.
        """
        if self._goes_to_y(self.index):
            return Place("y", width, self.steps, True)
        if in_place and self._is_value_free():
            return replace(self.value, width=width)
        names = ("wide_values", *(f"wide_{letter}" for letter in LETTERS))
        name = next(name for name in names if name not in self._in_use())
        self.wide[name] = max(width, self.wide.get(name, 0))
        return Place(name, width, self.steps, True)

    def _is_value_free(self) -> bool:
        """Whether what the node takes lies in a wide buffer that nothing else needs."""
        value = self.value
        is_wide = value.is_wide and value.buffer in self.wide
        return is_wide and value.steps == self.steps and value.buffer not in self._held()

    def _held(self) -> set[str]:
        """Variables of values that later nodes take, too."""
        held = set()
        for index, place in self.places.items():
            if self._last_reader.get(index, -1) > self.index:
                held.add(place.buffer)
        return held

    def _in_use(self) -> set[str]:
        return self._held() | {place.buffer for place in self.taken}

    def _goes_to_y(self, index: int) -> bool:
        """Whether the value of a node becomes the answer where it lies."""
        if index == len(self.nodes) - 1:
            return True
        first, *others = readers_of(self.nodes, index)
        reader = self.nodes[first].stage
        is_step = self.extent is STEP or index in self._at_last
        stays = isinstance(reader, Clamp) or (isinstance(reader, LastStep) and is_step)
        return not others and stays and self._goes_to_y(first)

    def at_least(self, macro: str, size: int) -> None:
        """Have a macro of the runtime say this size, or what is larger."""
        self.sizes[macro] = max(size, self.sizes.get(macro, 1))

    def new_state(self, start: CellState) -> tuple[str, str]:
        """C expressions for the next parts of the state, int16 and int32."""
        narrow = f"narrow + {self.offset_narrow}"
        wide = f"wide + {self.offset_wide}"
        self.offset_narrow += start.narrow_size
        self.offset_wide += start.wide_size
        return narrow, wide


def last_steps(place: Place, count: str) -> Place:
    """So many of the last steps of a value."""
    if place.steps == count:
        return place
    text = f"{place.text} + ({place.steps} - {count}) * {place.width}"
    return replace(place, text=text, steps=count)


def asked_at_the_last_step(nodes: Sequence[Node]) -> frozenset[int]:
    """Nodes that work step by step, and of whose sequence only the last step is picked.

    To compute that step alone changes no value.
    """
    at_last: set[int] = set()
    for index in reversed(range(len(nodes) - 1)):
        if isinstance(nodes[index].stage, _OVER_STEPS):
            continue
        readers = readers_of(nodes, index)
        if all(isinstance(nodes[k].stage, LastStep) or k in at_last for k in readers):
            at_last.add(index)
    return frozenset(at_last)


def readers_of(nodes: Sequence[Node], index: int) -> list[int]:
    """The nodes that take a node's value."""
    return [k for k, node in enumerate(nodes) if index in node.sources]


def input_place(width: int, extent: Extent) -> dict[int, Place]:
    """Where x is."""
    return {INPUT: Place("x", width, extent.samples)}
