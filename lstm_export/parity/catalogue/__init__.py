"""The catalogue of known bugs: what exporters and runtimes get wrong, each as a float64 definition of its own.

Used to name the bug of a runner that failed, to check that the verifier sees each of them, and by the parity study.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Model
from .cells import cell_bugs, order_bugs
from .mutation import Mutation
from .stages import input_bugs, number_bugs, stage_bugs

__all__ = ["Mutation", "by_place", "catalogue"]


def catalogue(model: Model) -> Iterator[Mutation]:
    """Every known bug that this chain can have as a whole, or in a stage other than a recurrent one."""
    yield from input_bugs(model)
    yield from cell_bugs(model, places=False)
    yield from order_bugs(model)
    yield from stage_bugs(model)
    yield from number_bugs(model, places=False)


def by_place(model: Model) -> Iterator[Mutation]:
    """The bugs of recurrent cells and of stored numbers once more, each in one layer and direction or one stage."""
    yield from cell_bugs(model, places=True)
    yield from number_bugs(model, places=True)
