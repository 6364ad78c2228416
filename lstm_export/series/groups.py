"""Series that share a table, told apart by one column or by several."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import numpy as np

from ..model import Array
from .table import Table


def group_columns(group: str | None, names: Collection[str]) -> tuple[str, ...]:
    """The columns that tell series apart: the one of this name, or several with commas between.

    >>> group_columns("site, machine", ["site", "machine", "volume"])
    ('site', 'machine')
    """
    if group is None:
        return ()
    if group in names:
        return (group,)
    return tuple(name.strip() for name in group.split(","))


def group_name(keys: Sequence[str]) -> str:
    """What messages call a series; no two share a name.

    >>> group_name(["Berlin", "7"]), group_name(["a, b", "7"])
    ('Berlin, 7', '"a, b", 7')
    """
    if len(keys) == 1:
        return keys[0]
    return ", ".join(_quoted(key) if "," in key or '"' in key else key for key in keys)


def _quoted(key: str) -> str:
    """As CSV does it."""
    return '"' + key.replace('"', '""') + '"'


def group_rows(table: Table, group: str | None) -> Iterator[tuple[str, Array]]:
    """Each series' name and rows, in order of appearance; one unnamed series without a column."""
    for keys, rows in keyed_rows(table, group):
        yield group_name(keys), rows


def keyed_rows(table: Table, group: str | None) -> Iterator[tuple[tuple[str, ...], Array]]:
    """Each series' cells in its group columns, and its rows, in order of appearance.

    Raises:
        InputError: there is no such column.
    """
    columns = group_columns(group, table.names)
    if not columns:
        yield (), np.arange(len(table))
        return
    keys = np.stack([table.text(name) for name in columns], axis=1)  # (rows, columns)
    names, first, codes = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    codes = codes.reshape(-1)  # (rows,); numpy 2.0 alone gives it as (rows, 1)
    order = np.argsort(codes, kind="stable")  # rows sorted by series, in their order within each
    # where each series begins in `order`, and the number of rows
    bounds = np.searchsorted(codes[order], np.arange(len(names) + 1))
    for code in np.argsort(first):  # np.unique sorts by name; by first row is order of appearance
        cells = tuple(map(str, names[code]))
        yield cells, order[bounds[code] : bounds[code + 1]]
