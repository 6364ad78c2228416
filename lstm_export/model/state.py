"""The state that a model carries from one step to the next: its tensors, their order and shapes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

import numpy as np

from .arrays import Array
from .model import Model
from .recurrent import Recurrent
from .stage import Memory, Stage
from .stages.read_outs import LOWEST, SUM_PARTS

# An array for each tensor of the layout, `(num_layers, batch, size)`.
State: TypeAlias = tuple[Array, ...]

# Names that a graph with state uses for its own values, which otherwise have the stages' names.
_GRAPH_NAMES = {"h", "c", "h_n", "c_n"}


class StateTensor(NamedTuple):
    """One tensor of the state, `(num_layers, batch, size)`.

    A bidirectional stage counts each layer twice.
    """

    name: str
    num_layers: int
    size: int


def state_layout(model: Model) -> tuple[StateTensor, ...]:
    """The tensors that the stages carry, in order: h, an LSTM's c, and the sums of a pool."""
    return tuple(
        StateTensor(name, memory.rows, memory.size) for name, memory in named_memories(model)
    )


def named_memories(model: Model) -> Iterator[tuple[str, Memory]]:
    """Every tensor that a stage carries, with its name in the layout."""
    names = state_names(model)
    for stage, memories in _carrying(model):
        for memory in memories:
            yield names[stage.name][memory.name], memory


def _carrying(model: Model) -> Iterator[tuple[Stage, tuple[Memory, ...]]]:
    for index, stage in enumerate(model.stages):
        before, _ = model.widths(index)
        memories = stage.memory(before)
        if memories:
            yield stage, memories


def state_names(model: Model) -> dict[str, dict[str, str]]:
    """For each stage the names in the layout of its tensors, such as `h` and `c`.

    `h` and `c` of a single recurrent stage; of several, or where a stage has such a name,
    `lstm1.h`, ..., and always so of other stages.
    """
    is_taken = any(stage.name in _GRAPH_NAMES for stage in model.stages)
    is_single = len(model.recurrent) == 1 and not is_taken
    names: dict[str, dict[str, str]] = {}
    for stage, memories in _carrying(model):
        prefix = "" if is_single and isinstance(stage, Recurrent) else f"{stage.name}."
        names[stage.name] = {memory.name: f"{prefix}{memory.name}" for memory in memories}
    return names


def initial_state(model: Model, batch: int = 1) -> State:
    """The state before the first step: the learned one, else zeros; float32."""
    return tuple(rows_of(memory, batch) for _, memory in named_memories(model))


def rows_of(memory: Memory, batch: int) -> Array:
    """The tensor before the first step, `(rows, batch, size)`."""
    initial = memory.initial
    if initial is None:
        initial = np.zeros((memory.rows, memory.size), np.float32)
    # a copy for each row, since a caller may write into it
    return np.repeat(initial[:, np.newaxis], batch, axis=1)


def carried_sum(total: Array) -> Array:
    """float32 numbers that add up to a float64 sum exactly: `(SUM_PARTS, *shape)`."""
    parts = []
    for _ in range(SUM_PARTS):
        part = np.clip(total, LOWEST, -LOWEST).astype(np.float32)
        parts.append(part)
        total = total - part  # exact: what the float32 number left over
    return np.stack(parts)


def not_for_streams(model: Model) -> Stage | None:
    """The first stage that needs what comes later in a sequence; None where a stream can have all.

    A bidirectional one, one that needs several steps at once, and one that takes rows beside
    sequences: a row of all steps is not known at the first.
    """
    for index, stage in enumerate(model.stages):
        if isinstance(stage, Recurrent) and stage.bidirectional:
            return stage
        if stage.least_steps > 1:
            return stage
        if len({shape.is_sequence for shape in model.input_shapes(index)}) > 1:
            return stage
    return None
