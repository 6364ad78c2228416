"""An integer model: the stages in whole numbers, and what its inputs and answers mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ....model import Array
from ....model.wiring import INPUT, Sources
from .arithmetic import LARGEST, float64, nearest_int16
from .cells import CellState
from .formats import InputFormat, steps_and_zeros
from .joins import Join, Pool
from .stages import Counter, Recurrent, WholeStage


class Node(NamedTuple):
    """A stage, and the nodes whose values it takes, by index; `INPUT` for the counts."""

    stage: WholeStage | Join
    sources: Sources


@dataclass(frozen=True, eq=False)
class WholeModel:
    """The definition of what generated C computes, bit for bit.

    Attributes:
        nodes: in order; the last one gives the answer.
        inputs: what a count of every feature means.
        answer_bits: an answer is its count times 2^-answer_bits.
        given: places of the inputs that come as counts, from a sensor.
    """

    nodes: tuple[Node, ...]
    inputs: tuple[InputFormat, ...]
    answer_bits: int
    given: tuple[int, ...] = ()

    @property
    def recurrent(self) -> tuple[Recurrent, ...]:
        """The recurrent stages in order."""
        return tuple(node.stage for node in self.nodes if isinstance(node.stage, Recurrent))

    @property
    def start(self) -> tuple[CellState, ...]:
        """The state before the first step, in the order in which it is kept."""
        return tuple(state for node in self.nodes for state in starts_of(node.stage))

    @property
    def initial_words(self) -> tuple[Array, Array]:
        """The same as C holds it, int32 and int16: one of each at least, as no array is empty."""
        wide = [state.wide[0] for state in self.start]
        narrow = [state.narrow[0] for state in self.start]
        return _at_least_one(wide), _at_least_one(narrow)

    def counts(self, x: Array) -> Array:
        """`x (..., input_size)` as int16."""
        return counts_of(self.inputs, x)

    def meant(self, counts: Array) -> Array:
        """What counts `(..., input_size)` stand for, float64 in the model's own units."""
        steps, zeros = steps_and_zeros(self.inputs)
        values: Array = zeros + steps * counts
        return values

    def as_delivered(self, x: Array) -> Array:
        """`x (..., input_size)` with what comes as counts rounded to them: all there is to know."""
        delivered = np.array(x, np.float64)
        places = list(self.given)
        delivered[..., places] = self.meant(self.counts(x))[..., places]
        return delivered

    def answers(self, counts: Array, counter: Counter | None = None) -> Array:
        """int16 `(batch, seq, input_size)` -> int32 `(batch, output_size)`, or of every step."""
        counter = counter or Counter()
        values = {INPUT: np.asarray(counts, np.int64)}
        for index, (stage, sources) in enumerate(self.nodes):
            taken = [values[source] for source in sources]
            if isinstance(stage, Join):
                values[index] = stage.join(taken)
            else:
                values[index] = stage.apply(taken[0], counter)
        return values[len(self.nodes) - 1]

    def values(self, answers: Array) -> Array:
        """Answers in the model's own units, float64."""
        return float64(answers) * 2.0**-self.answer_bits

    def __call__(self, x: Array) -> Array:
        """A Runner: `x (batch, seq, input_size)` in the model's units -> float64 y."""
        return self.values(self.answers(self.counts(x)))


def _at_least_one(parts: Sequence[Array]) -> Array:
    words = np.concatenate([*parts, np.zeros(0, np.int64)])
    return words if words.size else np.zeros(1, np.int64)


def starts_of(stage: WholeStage | Join) -> tuple[CellState, ...]:
    """What a stage carries from step to step, before the first."""
    if isinstance(stage, Recurrent):
        return tuple(cell.start for layer in stage.layers for cell in layer)
    return (stage.start,) if isinstance(stage, Pool) else ()


def counts_of(inputs: Sequence[InputFormat], x: Array) -> Array:
    """`x (..., input_size)` as int16; what does not fit is cut, NaN to the largest."""
    steps, zeros = steps_and_zeros(inputs)
    exact = (float64(x) - zeros) / steps
    return nearest_int16(np.nan_to_num(exact, nan=LARGEST))
