"""A series that an engine has in two partitions is told from the ends of all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from lstm_export.errors import InputError
from lstm_export.model import Signature
from lstm_export.scale import check_whole, ends_of
from lstm_export.series import Table
from tests.kit.meters import meters_model, readings

SIGNATURE = meters_model().signature
ALONE = replace(SIGNATURE, group=None)


def check(parts: Sequence[Table], signature: Signature) -> None:
    ends = [ends_of(part, signature) for part in parts]
    names = ends[0].names
    joined = {name: np.concatenate([end[name] for end in ends]) for name in names}
    check_whole(joined, signature)


def mixed(table: Table) -> Table:
    """Rows in another order, as a shuffle leaves them."""
    order = np.random.default_rng(0).permutation(len(table))
    return Table({name: column[order] for name, column in table.columns.items()})


@pytest.mark.parametrize(
    ("start", "signature", "is_whole"),
    [
        (10, SIGNATURE, False),  # it goes on
        (11, SIGNATURE, True),  # over a gap, which no window crosses
        (4, SIGNATURE, False),  # among the rows of the other
        (10, ALONE, False),
        (4, ALONE, True),  # two series without a name
    ],
)
def test_a_series_in_two_partitions_is_told(
    start: int, signature: Signature, is_whole: bool
) -> None:
    parts = [readings(("a",), 10), readings(("b",), 3), mixed(readings(("a",), 10, start=start))]
    if signature is ALONE:
        del parts[1]
    if is_whole:
        check(parts, signature)
        return
    series = "series 'a'" if signature.group else "the series"
    begins = np.datetime64("2024-01-01T00:00:00") + np.timedelta64(start, "h")
    words = f"{series} is up to 2024-01-01T09:00:00 in one partition and goes on at {begins} in "
    with pytest.raises(InputError, match=words):
        check(parts, signature)


def test_a_group_that_is_called_as_an_end_is_refused() -> None:
    signature = replace(SIGNATURE, group="last")
    columns = dict(readings(("a",), 10).columns)
    table = Table({**columns, "last": columns[str(SIGNATURE.group)]})
    with pytest.raises(InputError, match="column last tells series apart, and is to tell where"):
        ends_of(table, signature)
