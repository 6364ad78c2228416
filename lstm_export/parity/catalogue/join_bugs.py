"""Bugs of the stages that join values, pick columns or pool steps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ...model import (
    Add,
    Flatten,
    Join,
    LastStep,
    Model,
    Multiply,
    Pool,
    Slice,
    Stage,
    Subtract,
    wiring,
)
from ...model.forward import Choices
from ...model.stage import X
from ...model.stages.read_outs import POOLS
from .mutation import Mutation, built, inserted, mutations, replaced, rewired


def join_bugs(model: Model) -> Iterator[Mutation]:
    """Stage by stage, and pools that are wrong alike."""
    for stage in wiring.spelled_out(model.stages, model.sources):
        if isinstance(stage, Join):
            yield from _bugs_of_join(model, stage)
        elif isinstance(stage, Slice):
            yield from _slice_bugs(model, stage)
        elif isinstance(stage, Pool):
            yield from _pool_bugs(model, stage)
        elif isinstance(stage, Flatten):
            yield from _flatten_bugs(model, stage)
    modes = {stage.mode for stage in model.stages if isinstance(stage, Pool)}
    if "mean" in modes:
        yield Mutation("sum for mean", model, choices=Choices(pool="sum"))
        yield Mutation("padding counted in the mean", model, choices=Choices(pool="longest"))
    if "max" in modes:
        yield Mutation("padding taken for 0 in the maximum", model, choices=Choices(pool="zero"))


def _bugs_of_join(model: Model, stage: Join) -> Iterator[Mutation]:
    """Operands exchanged, left out, or taken for each other; another operation."""
    inputs = stage.inputs
    name = stage.name
    is_symmetric = isinstance(stage, Add | Multiply)
    if not is_symmetric:
        yield from mutations("operands in reverse order", rewired(model, stage, inputs[::-1]), name)
    for index, operand in enumerate(inputs):
        before = inputs[:index]
        after = inputs[index + 1 :]
        others = (*before, *after)
        if stage.takes is None and len(others) > 1:
            yield from mutations(f"{operand} left out", rewired(model, stage, others), name)
        yield from mutations(f"only {operand} taken", _only(model, stage, operand), name)
        for other in dict.fromkeys(inputs):
            if other != operand:
                wrong = (*before, other, *after)
                yield from mutations(f"{other} for {operand}", rewired(model, stage, wrong), name)
    for kind in (Add, Subtract, Multiply):
        is_other = not isinstance(stage, kind) and len(inputs) == 2
        if is_other:
            instead = kind(name, inputs=inputs)
            yield from mutations(f"{kind.kind} for {stage.kind}", replaced(model, instead), name)


def _only(model: Model, stage: Join, operand: str) -> Model | None:
    """The model where the readers of a join take one of its values instead."""
    stages = wiring.spelled_out(model.stages, model.sources)
    if operand == X or stages[-1].name == stage.name:
        return None
    changed = []
    for each in stages:
        inputs = tuple(operand if name == stage.name else name for name in each.inputs)
        changed.append(replace(each, inputs=inputs))
    return built(model, wiring.needed(tuple(changed)))


def _slice_bugs(model: Model, stage: Slice) -> Iterator[Mutation]:
    """Other columns of as many."""
    width, _ = model.widths(_index_of(model, stage))
    others = [stage.features[::-1]]
    for shift in range(1, width):
        others.append(tuple((column + shift) % width for column in stage.features))
    for features in dict.fromkeys(others):
        if features != stage.features:
            wrong = replace(stage, features=features)
            yield from mutations(f"columns {features} picked", replaced(model, wrong), stage.name)


def _flatten_bugs(model: Model, stage: Flatten) -> Iterator[Mutation]:
    """The steps in reverse order, and column by column instead of step by step."""
    index = _index_of(model, stage)
    (steps,) = model.input_shapes(index)
    # where each value of the row comes from: (steps, columns), counted through
    columns = np.arange(steps.kept * steps.width).reshape(steps.kept, steps.width)
    orders = {"steps in reverse order": columns[::-1], "column by column": columns.T}
    for kind, order in orders.items():
        features = tuple(order.reshape(-1).tolist())
        if list(features) != sorted(features):  # a single step or a single column has one order
            wrong = Slice(f"{stage.name}.order", features)
            mutated = inserted(model, wrong, model.stages[index])
            yield from mutations(kind, mutated, stage.name)


def _index_of(model: Model, stage: Stage) -> int:
    return [each.name for each in model.stages].index(stage.name)


def _pool_bugs(model: Model, stage: Pool) -> Iterator[Mutation]:
    """Another pool, or the last step."""
    for mode in POOLS:
        if mode != stage.mode:
            wrong = replace(stage, mode=mode, correction=0)
            yield from mutations(f"{mode} for {stage.mode}", replaced(model, wrong), stage.name)
    if stage.correction:
        biased = replace(stage, correction=0)
        yield from mutations("divided by every step", replaced(model, biased), stage.name)
    last = LastStep(stage.name, inputs=stage.inputs)
    yield from mutations(f"the last step for {stage.mode}", replaced(model, last), stage.name)
