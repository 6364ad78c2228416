"""Series that go on from one table to the next: their last rows are carried over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

import numpy as np

from ..errors import InputError
from ..model import Array, Signature
from ..series import Missing, Table, group_columns
from ..series.groups import keyed_rows
from ..series.measured import measured_of

# By a series' cells in the group columns its last rows, a column each.
Carried: TypeAlias = "dict[tuple[str, ...], Mapping[str, Array]]"


def check_can_carry(signature: Signature, window: int | None) -> int:
    """How many rows of a series the next table has to see.

    Raises:
        InputError: answers depend on more than the last rows.
    """
    window = signature.window if window is None else window
    if window is None or signature.shortest:
        what = "learned from series shorter than its window" if window else "has no window"
        raise InputError(
            f"series cannot be carried on: the model {what}, so that an answer depends on the "
            "whole series; keep each in one partition, or stream it: run --stream --state"
        )
    return max(window - 1, 1)


def joined(table: Table, carried: Carried, signature: Signature) -> tuple[Table, int]:
    """The carried rows of the table's series before its own, and how many there are.

    Raises:
        InputError: a column is missing, or of another kind than before.
    """
    names = _needed(table, signature)
    series = [keys for keys, _ in keyed_rows(table, signature.group)]
    parts = [carried[keys] for keys in series if keys in carried]
    columns = {name: _column(name, parts, table) for name in names}
    count = len(columns[names[0]]) - len(table)
    return replace(table, columns=columns, first_row=table.first_row - count), count


def carried_on(
    table: Table, carried: Carried, signature: Signature, rows: int, missing: Missing
) -> Carried:
    """What is carried after a table that `joined` gave: the last rows of every series."""
    unknown: dict[str, Array] = {}
    if missing == "ffill":
        measured = measured_of(table, signature)
        is_missing = np.isnan(measured.values)  # (rows, columns)
        unknown = dict(zip(measured.names, is_missing.T, strict=True))  # (rows,) each
    following = dict(carried)
    for keys, places in keyed_rows(table, signature.group):
        latest = places[-rows:]
        kept = {name: column[latest] for name, column in table.columns.items()}
        for name, is_unknown in unknown.items():
            _fill_first(kept[name], table[name][places], is_unknown[places])
        following[keys] = kept
    return following


def _fill_first(kept: Array, cells: Array, is_unknown: Array) -> None:
    """The last known cell before those that are kept, where the first of them is missing."""
    first = len(cells) - len(kept)
    known = np.flatnonzero(~is_unknown[:first])  # rows before those that are kept
    if is_unknown[first] and len(known):
        kept[0] = cells[known[-1]]


def _needed(table: Table, signature: Signature) -> Sequence[str]:
    if not signature.features:
        return table.names
    measured = [column.name for column in signature.measured]
    categories = [category.name for category in signature.categories]
    time = [signature.time] if signature.time else []
    groups = group_columns(signature.group, table.names)
    return list(dict.fromkeys([*time, *groups, *measured, *categories]))


def _column(name: str, parts: Sequence[Mapping[str, Array]], table: Table) -> Array:
    own = table[name]
    kinds = {_kind(part[name]) for part in parts} - {_kind(own)}
    if kinds:
        raise InputError(
            f"column {name} of {table.title} holds {_kind(own)}, and {kinds.pop()} in the table "
            "before it; write it in one form"
        )
    return np.concatenate([*(part[name] for part in parts), own])


def _kind(column: Array) -> str:
    return {"M": "times", "O": "text"}.get(column.dtype.kind, "numbers")
