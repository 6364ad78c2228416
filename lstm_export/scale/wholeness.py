"""Whether every series is whole in one partition of an engine, whose workers see one each."""

from __future__ import annotations

import numpy as np

from ..errors import InputError, quoted
from ..model import Array, Signature
from ..series import Table, TableSource, group_columns, group_name, keyed_rows, parse_times
from .series_ends import hash_of, parts_that_go_on

FIRST = "first"
LAST = "last"
_ENDS = {FIRST: "begin", LAST: "end"}


def ends_of(table: Table, signature: Signature) -> Table:
    """Where the series of a partition begin and end, a row each: group, `first` and `last`.

    Without a time column they are numbers of rows.

    Raises:
        InputError: the column of time or group is missing or is called as one of these, or a cell
            is no time.
    """
    times = np.arange(len(table))  # (rows,)
    if signature.time is not None:
        times = parse_times(table, signature.time)
    series = list(keyed_rows(table, signature.group))
    columns: dict[str, Array] = {}
    for index, name in enumerate(group_columns(signature.group, table.names)):
        if name in {FIRST, LAST}:
            raise InputError(
                f"column {name} tells series apart, and is to tell where they {_ENDS[name]}; "
                "bring the rows of every series together instead, as groupby does"
            )
        columns[name] = np.array([keys[index] for keys, _ in series], object)
    of_series = [times[rows] for _, rows in series]
    columns[FIRST] = np.array([own.min() for own in of_series], times.dtype)
    columns[LAST] = np.array([own.max() for own in of_series], times.dtype)
    return Table(columns)


def check_whole(ends: TableSource, signature: Signature) -> None:
    """Refuse a series that goes on from one partition to another: its first windows are not there.

    Args:
        ends: what `ends_of` or `Predictor.ends` gave of every partition, all in one table.
        signature: of the model.

    Raises:
        InputError: a series does, without a gap in time between the two.
    """
    table = Table.of(ends)
    names = group_columns(signature.group, table.names)
    keys: list[tuple[str, ...]] = [()] * len(table)
    if names:
        cells = [table.text(name).tolist() for name in names]
        keys = list(zip(*cells, strict=True))
    hashes = np.array([hash_of(series) for series in keys], np.uint64)
    first = table[FIRST]  # (series of all partitions,)
    last = table[LAST]
    for before, after in parts_that_go_on(hashes, first, last, signature):
        series = f"series {quoted(group_name(keys[after]))}" if names else "the series"
        raise InputError(
            f"{series} is up to {last[before]} in one partition and goes on at {first[after]} in "
            "another, whose first windows need its last rows; keep each series in one partition, "
            "or bring its rows together first, as groupby does"
        )
