"""Models made of parts of another: what answers at every step, what ends at some stage."""

from __future__ import annotations

from dataclasses import replace

from .model import Model
from .signature import Signature
from .stage import Stage, X
from .stages import LastHidden, LastStep
from .wiring import INPUT, exchanged


def every_step(model: Model) -> Model | None:
    """The model without its read-outs of the last step: it answers each step as if it were that.

    None where something else makes one row of the steps, or a row goes back to the steps.
    """
    picks = {}
    for index, stage in enumerate(model.stages):
        if stage.steps == "reduce":
            picks[index] = stage
        elif len({shape.is_sequence for shape in model.taken(index)}) > 1:
            return None
    if not all(isinstance(stage, LastStep | LastHidden) for stage in picks.values()):
        return None
    left_out: dict[int, tuple[Stage, ...]] = dict.fromkeys(picks, ())
    return replace(model, stages=exchanged(model.stages, model.sources, left_out))


def ending(model: Model, index: int, last: Stage) -> Model:
    """The model up to the stage of this index, with `last` in its place, and what that needs.

    Names and units of the outputs are those of other values, and left out.
    """
    needed = {index}
    for earlier in range(index, -1, -1):
        if earlier in needed:
            needed |= set(model.sources[earlier])
    stages = []
    for kept in sorted(needed - {INPUT}):
        sources = model.sources[kept]
        names = tuple(X if source == INPUT else model.stages[source].name for source in sources)
        stage = last if kept == index else model.stages[kept]
        stages.append(replace(stage, inputs=names))
    input_size = model.signature.input_size
    shape = model.shapes[index]
    return Model(tuple(stages), Signature(input_size, shape.width))
