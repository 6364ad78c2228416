"""A model in numpy alone, as a Runner that takes lengths and, where it can stream, a state."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from ...model import (
    Array,
    Join,
    LastHidden,
    Model,
    Pool,
    Recurrent,
    Signature,
    Stage,
    State,
    StateTensor,
    initial_state,
    state_layout,
)
from ...model.runner import row_by_row
from ...model.state import not_for_streams
from ...model.wiring import INPUT
from .float32_joins import check_join, joined
from .float32_stages import Flow, Operation, operation
from .layer_steps import Columns, RecurrentSteps, columns_of
from .pool_steps import PoolSteps


class Plan:
    """A model's stages prepared for calls, which all share it."""

    def __init__(self, model: Model) -> None:
        self.stages = model.stages
        self.sources = model.sources
        self.columns: dict[str, tuple[Columns, ...]] = {}
        for recurrent in model.recurrent:
            self.columns[recurrent.name] = columns_of(recurrent)
        self.operations: dict[str, Operation] = {}
        self.widths = []  # of what each stage takes first
        for index, stage in enumerate(model.stages):
            if isinstance(stage, Join):
                check_join(stage)
            self.operations[stage.name] = operation(stage)
            width, _ = model.widths(index)
            self.widths.append(width)
        self.reads_states = any(map(_reads_state, model.stages))


class BatchRun:
    """A batch on its way through the stages; recurrent ones keep their state between calls."""

    def __init__(self, plan: Plan, batch: int) -> None:
        self._stages = plan.stages
        self._sources = plan.sources
        self._operations = plan.operations
        self._steps = dict(_steps(plan, batch))

    @property
    def state(self) -> State:
        """The present state of a model that can stream, as `state_layout` lists it.

        To write into it sets it.
        """
        return tuple(tensor for steps in self._steps.values() for tensor in steps.state)

    @np.errstate(all="ignore")  # products of large inputs may overflow, as in every engine
    def __call__(self, x: Array, lengths: Array | None = None) -> Array:
        """Answer the batch, as a LengthsRunner does."""
        value = self._answer(x.transpose(1, 2, 0), lengths)  # x as (seq, input_size, batch)
        if value.ndim == 2:
            return np.array(value.T, order="C")  # (batch, output_size)
        y = np.array(value.transpose(2, 0, 1), order="C")  # (batch, seq, output_size)
        if lengths is not None:
            is_padding = np.arange(y.shape[1]) >= lengths[:, np.newaxis]  # (batch, seq)
            y[is_padding] = 0.0
        return y

    def _answer(self, x: Array, lengths: Array | None) -> Array:
        """The last stage's value for `x (seq, input_size, batch)`."""
        values = {INPUT: x}
        for index, stage in enumerate(self._stages):
            first, *_ = self._sources[index]
            value = values[first]
            if stage.name in self._steps:
                value = self._steps[stage.name].through(value, lengths)
            elif isinstance(stage, LastHidden) and _reads_state(stage):
                value = self._final_state(stage, self._stages[first])
            elif isinstance(stage, Join):
                value = joined(stage, [values[other] for other in self._sources[index]])
            else:
                before = None if first == INPUT else self._stages[first]
                value = self._operations[stage.name](value, Flow(lengths, before))
            values[index] = value
        return value

    def _final_state(self, stage: LastHidden, recurrent: Stage) -> Array:
        """The state of a layer after the last step of every row, `(size, batch)`."""
        steps = self._steps[recurrent.name]
        assert isinstance(steps, RecurrentSteps)  # noqa: S101 - a model has no other
        return steps.final(stage.state, stage.layer)


def _reads_state(stage: Stage) -> bool:
    """Whether it reads a state that is not the last layer's output."""
    return isinstance(stage, LastHidden) and not stage.is_last_output


def _steps(plan: Plan, batch: int) -> Iterator[tuple[str, RecurrentSteps | PoolSteps]]:
    """The stages that carry a state, by name, in the order of the state."""
    for stage, width in zip(plan.stages, plan.widths, strict=True):
        if isinstance(stage, Recurrent):
            yield stage.name, RecurrentSteps(stage, plan.columns[stage.name], batch)
        elif isinstance(stage, Pool):
            yield stage.name, PoolSteps(stage, width, batch)


class NumpyRunner:
    """A LengthsRunner. Its calls share nothing that changes: threads may use it at once.

    Attributes:
        signature: the interface of the model.
        takes_lengths: True.
    """

    takes_lengths = True

    def __init__(self, model: Model) -> None:
        self.signature: Signature = model.signature
        self._plan = Plan(model)

    def __call__(self, x: Array, lengths: Array | None = None) -> Array:
        x = np.asarray(x, np.float32)
        counted = None if lengths is None else np.asarray(lengths, np.int64)
        if counted is not None and self._plan.reads_states:
            return row_by_row(self)(x, counted)  # each row's state is that at its own end
        return BatchRun(self._plan, len(x))(x, counted)


class NumpyStreamRunner(NumpyRunner):
    """The runner of a model that reads forward only: a StatefulRunner, too.

    Attributes:
        layout: the tensors of the state in order.
    """

    def __init__(self, model: Model) -> None:
        super().__init__(model)
        self.layout: tuple[StateTensor, ...] = state_layout(model)
        self._initial = initial_state(model)

    def initial_state(self, batch: int) -> State:
        return tuple(np.repeat(tensor, batch, axis=1) for tensor in self._initial)

    def advance(self, x: Array, state: State) -> tuple[Array, State]:
        run = BatchRun(self._plan, len(x))
        for tensor, values in zip(run.state, state, strict=True):
            tensor[...] = values
        y = run(np.asarray(x, np.float32))
        return y, tuple(np.array(tensor, order="C") for tensor in run.state)

    def bind(self, batch: int) -> NumpySteps:
        """Steps in memory that is made once, from the initial state."""
        return NumpySteps(BatchRun(self._plan, batch), batch, self.signature.input_size)


class NumpySteps:
    """Steps of one sample for a fixed batch, in place.

    Attributes:
        x: float32 `(batch, 1, input_size)`, read by the next step.
        state: the present state, `(num_layers, batch, size)` a tensor; to write into it sets it.
        run: takes the step: the answer to `x` `(batch, output_size)`, a fresh array.
    """

    def __init__(self, batch_run: BatchRun, batch: int, input_size: int) -> None:
        x: Array = np.zeros((batch, 1, input_size), np.float32)

        def run() -> Array:
            y = batch_run(x)
            return y[:, -1] if y.ndim == 3 else y

        self.x = x
        self.state: State = batch_run.state
        self.run: Callable[[], Array] = run


def numpy_runner(model: Model) -> NumpyRunner:
    """The engine of a model; a NumpyStreamRunner where no stage needs what comes later.

    Raises:
        UnsupportedModel: this engine does not know a stage.
    """
    if not_for_streams(model) is not None:
        return NumpyRunner(model)
    return NumpyStreamRunner(model)
