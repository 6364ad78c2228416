"""When a pass computes each value of a model: for all of its steps, or once for the last one."""

from __future__ import annotations

from dataclasses import dataclass

from ....model import Flatten, LastStep, Model, Pool, Stage
from ....model.wiring import INPUT, Sources


@dataclass(frozen=True)
class Plan:
    """The order of a pass over some steps of a sequence.

    Attributes:
        sources: by stage the indices of the stages whose values it takes, `INPUT` for x.
        early: stages that every pass computes, in order.
        late: stages that only the last pass of a sequence computes, in order.
        at_last: stages between the steps of which only the last one is asked for.
        last_reader: by stage the last one, in order, that takes its value.
        answer: the stage whose value is y.
    """

    sources: tuple[Sources, ...]
    early: tuple[int, ...]
    late: tuple[int, ...]
    at_last: frozenset[int]
    last_reader: dict[int, int]
    answer: int

    @classmethod
    def of(cls, model: Model) -> Plan:
        sources = model.sources
        at_last = asked_at_the_last_step(model)
        late: tuple[int, ...] = ()
        if looks_ahead(model) is None:
            late = _late(model, at_last)
        early = tuple(index for index in range(len(sources)) if index not in late)
        last_reader: dict[int, int] = {}
        for index in (*early, *late):
            last_reader |= dict.fromkeys(sources[index], index)  # later readers overwrite earlier
        return cls(sources, early, late, at_last, last_reader, _answer(model, at_last))


def looks_ahead(model: Model) -> Stage | None:
    """The stage because of which a model has whole sequences only; None where it has steps, too.

    It reads from both ends, needs several steps at once, or takes at every step a row that all
    steps together make.
    """
    for recurrent in model.recurrent:
        if recurrent.bidirectional:
            return recurrent
    at_last = asked_at_the_last_step(model)
    known = _known_at_the_first_step(model)
    for index, stage in enumerate(model.stages):
        if stage.least_steps > 1:
            return stage
        if not model.shapes[index].is_sequence or index in at_last:
            continue
        for source in model.sources[index]:
            is_row = source != INPUT and not model.shapes[source].is_sequence
            if is_row and source not in known:
                return stage
    return None


def asked_at_the_last_step(model: Model) -> frozenset[int]:
    """Stages that give a sequence of which only the last step is picked.

    They work step by step, so that to compute that step alone changes no value.
    """
    at_last: set[int] = set()
    for index in reversed(range(len(model.stages) - 1)):
        stage = model.stages[index]
        if stage.steps != "same" or not model.shapes[index].is_sequence:
            continue
        readers = [reader for reader, taken in enumerate(model.sources) if index in taken]
        if all(isinstance(model.stages[k], LastStep) or k in at_last for k in readers):
            at_last.add(index)
    return frozenset(at_last)


def _known_at_the_first_step(model: Model) -> set[int]:
    """Rows that stay as they are from the first step on."""
    known: set[int] = set()
    for index, stage in enumerate(model.stages):
        is_first = isinstance(stage, Pool) and stage.mode == "first"
        is_row = not model.shapes[index].is_sequence
        is_made_of_such = stage.steps == "same" and known.issuperset(model.sources[index])
        if is_first or (is_row and is_made_of_such):
            known.add(index)
    return known


def _late(model: Model, at_last: frozenset[int]) -> tuple[int, ...]:
    """A pool is early: it takes every step in."""
    known = _known_at_the_first_step(model)
    late = []
    for index, stage in enumerate(model.stages):
        is_row = not model.shapes[index].is_sequence
        is_late_row = is_row and index not in known and not isinstance(stage, Pool)
        if is_late_row or index in at_last:
            late.append(index)
    return tuple(late)


def _answer(model: Model, at_last: frozenset[int]) -> int:
    """The last stage, or the one whose value it only picks or flattens."""
    index = len(model.stages) - 1
    while True:
        stage = model.stages[index]
        source = model.sources[index][0]
        is_picked = isinstance(stage, LastStep) and source in at_last
        if not is_picked and not isinstance(stage, Flatten):
            return index
        index = source
