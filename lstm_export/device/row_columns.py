"""Which cell of a row is what: decided once, by the first row, for a model's rows as they come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import InputError
from ..model import Signature
from ..series import group_columns
from ..series.cells import is_number


@dataclass(frozen=True)
class RowColumns:
    """The columns of rows.

    Attributes:
        names: of the cells in their order.
        measured: those that the model needs as numbers, in its order.
        time: the column with the time, or None.
        groups: the columns that tell series apart, if there are any.
        is_header: whether the first row held names, and is no row to be answered.
    """

    names: tuple[str, ...]
    measured: tuple[str, ...]
    time: str | None
    groups: tuple[str, ...]
    is_header: bool


def columns_of(first_row: Sequence[str], signature: Signature) -> RowColumns:
    """Learn from the first row which column is which.

    Raises:
        InputError: the header lacks a column that the model needs.
    """
    cells = [cell.strip() for cell in first_row]
    is_header = _is_header(cells, signature)
    if is_header and not signature.features and len(cells) != signature.input_size:
        raise InputError(
            f"the header has {len(cells)} columns, expected {signature.input_size}: "
            "this model names no features"
        )
    needed = _needed(signature)
    names = tuple(cells) if is_header and signature.features else needed
    lacking = [name for name in needed if name not in names]
    if lacking:
        raise InputError(f"the header lacks {', '.join(lacking)}; it has {', '.join(cells)}")
    if len(set(names)) < len(names):
        raise InputError(f"the header has a column twice: {', '.join(cells)}; rename one of them")
    return RowColumns(
        names,
        measured=_measured(signature),
        time=signature.time if signature.time in names else None,
        groups=tuple(name for name in group_columns(signature.group, names) if name in names),
        is_header=is_header,
    )


def _measured(signature: Signature) -> tuple[str, ...]:
    measured = tuple(column.name for column in signature.measured)
    if signature.features:
        return measured
    return tuple(f"x{index}" for index in range(signature.input_size))


def _needed(signature: Signature) -> tuple[str, ...]:
    """The columns without which no row can be answered; without a header, all that there are."""
    categories = [category.name for category in signature.categories]
    time = [signature.time] if signature.time and signature.calendar else []
    return (*time, *_measured(signature), *categories)


def _is_header(cells: Sequence[str], signature: Signature) -> bool:
    """Whether a cell is a name that the model knows or, where it knows none, no number."""
    known = {*_needed(signature), signature.time, *group_columns(signature.group, cells)}
    if known & set(cells):
        return True
    return not signature.features and not all(is_number(cell) for cell in cells)
