"""Models made of parts of another: what answers at every step, what ends at some stage."""

from __future__ import annotations

from dataclasses import replace

from .model import Model
from .signature import Signature
from .stage import Stage
from .stages import LastHidden, LastStep
from .wiring import exchanged, needed, spelled_out


def every_step(model: Model) -> Model | None:
    """The model without its read-outs of the last step: it answers each step as if it were that.

    None where something else makes one row of the steps, or a row goes back to the steps.
    """
    picks = {}
    for index, stage in enumerate(model.stages):
        if stage.steps == "reduce":
            picks[index] = stage
        elif len({shape.is_sequence for shape in model.input_shapes(index)}) > 1:
            return None
    if not all(map(_picks_last_step, picks.values())):
        return None
    # without the read-outs every later stage takes (batch, seq, size) instead of (batch, size)
    left_out: dict[int, tuple[Stage, ...]] = dict.fromkeys(picks, ())
    return replace(model, stages=exchanged(model.stages, model.sources, left_out))


def _picks_last_step(stage: Stage) -> bool:
    return isinstance(stage, LastStep) or (isinstance(stage, LastHidden) and stage.is_last_output)


def ending(model: Model, index: int, last: Stage) -> Model:
    """The model up to the stage of this index, with `last` in its place, and what that needs.

    Names and units of the outputs are those of other values, and left out.
    """
    *before, ended = spelled_out(model.stages[: index + 1], model.sources[: index + 1])
    stages = needed((*before, replace(last, inputs=ended.inputs)))
    return Model(stages, Signature(model.signature.input_size, model.shapes[index].width))
