"""The stages that take several values as calls of the integer C runtime."""

from __future__ import annotations

from . import joins
from .walk import Place, Walk


def written(stage: joins.Join, run: Walk) -> Place:
    """Write the calls of a stage; where its value is."""
    if isinstance(stage, joins.Concat):
        return _concat(run)
    return _of_two(type(stage).__name__.lower(), run)


def _of_two(function: str, run: Walk) -> Place:
    first, second = run.taken
    out = run.wide_buffer(first.width)
    both = (first.text, run.stride(first), second.text, run.stride(second))
    run.call(function, *both, out.text, run.steps, first.width)
    return out


def _concat(run: Walk) -> Place:
    width = sum(place.width for place in run.taken)
    is_wide = run.value.is_wide
    out = run.wide_buffer(width) if is_wide else run.narrow_buffer(width)
    before = 0
    for place in run.taken:
        to = f"{out.text} + {before}" if before else out.text
        columns = (0, place.width, place.text, run.stride(place), to, width)
        run.call("columns_wide" if is_wide else "columns", *columns, run.steps)
        before += place.width
    return out
