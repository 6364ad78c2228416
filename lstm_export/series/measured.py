"""The inputs that a table holds itself: numbers, and text as a column for each of its levels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..errors import InputError
from ..model import Array, Signature
from ..model.category import Category
from .cells import is_given
from .table import Table

MOST_SHOWN = 6


class Measured(NamedTuple):
    """The inputs of every row, calendar columns aside.

    Attributes:
        values: float64 `(rows, columns)`; missing cells are NaN, in all columns of a category.
        names: for each column the column of the table that it is read from.
    """

    values: Array
    names: tuple[str, ...]


def measured_of(table: Table, signature: Signature) -> Measured:
    """Read the inputs in the signature's order.

    Raises:
        InputError: a column is missing, a cell is no number, or it is a text that training did not
            see and that is not to be answered; names column and row.
    """
    return measured_columns(table, [column.name for column in signature.measured], signature)


def measured_columns(table: Table, numbers: Sequence[str], signature: Signature) -> Measured:
    """As `measured_of`, the columns of numbers being those that are named."""
    columns = [table.numbers(name)[:, np.newaxis] for name in numbers]  # (rows, 1) each
    names = list(numbers)
    for category in signature.categories:
        columns.append(_one_hot(table, category))
        names += [category.name] * len(category.levels)
    values = np.concatenate(columns, axis=1) if columns else np.empty((len(table), 0))
    return Measured(values, tuple(names))


def levels_of(table: Table, name: str) -> tuple[str, ...]:
    """The texts in a column, in order, empty cells left out."""
    return tuple(sorted({cell for cell in _texts(table, name) if cell}))


def _texts(table: Table, name: str) -> list[str]:
    """The cells of a column without the blanks around them; empty text for a missing cell."""
    cells = table.text(name).tolist()
    return [cell.strip() if is_given(cell, table.format) else "" for cell in cells]


def _one_hot(table: Table, category: Category) -> Array:
    """A column for each level, float64 `(rows, levels)`."""
    places = {level: place for place, level in enumerate(category.levels)}
    values = np.zeros((len(table), len(places)))  # a level that training did not see stays all 0
    for row, cell in enumerate(_texts(table, category.name)):
        if not cell:
            values[row] = np.nan
        elif cell in places:
            values[row, places[cell]] = 1
        elif not category.has_other:
            raise InputError(
                f"{table.place(category.name, row)} is {cell!r}, which training did not see; it "
                f"saw {some_of(category.levels)}: repair it, or train with --unknown-level other"
            )
    return values


def some_of(levels: Sequence[str]) -> str:
    """Texts for a message, the first few of many."""
    more = ["..."] if len(levels) > MOST_SHOWN else []
    return ", ".join([*levels[:MOST_SHOWN], *more])
