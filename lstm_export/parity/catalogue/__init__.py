"""The one catalogue of known bugs: what exporters and runtimes get wrong.

Each is a float64 definition of its own. It names the bug of a runner that failed, and puts known
bugs into artifacts for the self-check and the parity study. A target's `broken` puts a kind of bug
into its format where no other model has it.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Model
from .cell_bugs import bugs_of_all_cells, bugs_of_one_cell
from .input_bugs import input_bugs
from .join_bugs import join_bugs
from .mutation import Mutation
from .number_bugs import numbers_of_all, numbers_of_one_stage
from .order_bugs import order_bugs
from .stage_bugs import stage_bugs

__all__ = ["Mutation", "by_place", "catalogue"]


def catalogue(model: Model) -> Iterator[Mutation]:
    """Every known bug that this chain can have as a whole, or in a stage that is not recurrent."""
    yield from input_bugs(model)
    yield from bugs_of_all_cells(model)
    yield from order_bugs(model)
    yield from stage_bugs(model)
    yield from join_bugs(model)
    yield from numbers_of_all(model)


def by_place(model: Model) -> Iterator[Mutation]:
    """The bugs of recurrent cells and of stored numbers once more, each in a single place.

    In one layer and direction, or in one stage.
    """
    yield from bugs_of_one_cell(model)
    yield from numbers_of_one_stage(model)
