"""Where each series of a partition begins and ends, by which a series in two of them is found."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ..model import Array, Signature
from ..series import Run, gaps_in_time


@dataclass(frozen=True, eq=False)
class SeriesEnds:
    """The series of a partition.

    Attributes:
        hashes: uint64 `(series,)`, of their cells in the group columns.
        first: `(series,)` the first time of each, as `parse_times` gives it; rows without a time.
        last: `(series,)` the last.
    """

    hashes: Array
    first: Array
    last: Array

    @classmethod
    def of(cls, runs: Sequence[Run]) -> SeriesEnds:
        """Those of a table's runs, which come in the order of time within each series."""
        first: dict[tuple[str, ...], Any] = {}
        last: dict[tuple[str, ...], Any] = {}
        for run in runs:
            first.setdefault(run.keys, run.times[0])
            last[run.keys] = run.times[-1]
        hashes = np.array([hash_of(keys) for keys in first], np.uint64)
        # both dicts hold the series in order of appearance
        begins = np.array(list(first.values()))
        ends = np.array(list(last.values()))
        return cls(hashes, begins, ends)

    def __len__(self) -> int:
        return len(self.hashes)

    def to_record(self) -> dict[str, Any]:
        """A JSON-ready mapping; `from_record` is its inverse."""
        return {
            "hashes": self.hashes.tolist(),
            "first": _listed(self.first),
            "last": _listed(self.last),
            "times": str(self.first.dtype),
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> SeriesEnds:
        """Read what `to_record` wrote."""
        first = np.array(record["first"], record["times"])
        last = np.array(record["last"], record["times"])
        return cls(np.array(record["hashes"], np.uint64), first, last)


def _listed(times: Array) -> list[Any]:
    if times.dtype.kind == "M":
        times = times.astype(str)
    written: list[Any] = times.tolist()
    return written


class Split(NamedTuple):
    """A series that goes on in another partition.

    Attributes:
        earlier: the partition, by its place in the order, that holds its rows before.
        later: the one that holds the rows after.
    """

    earlier: int
    later: int


def splits(partitions: Sequence[SeriesEnds], signature: Signature) -> Iterator[Split]:
    """The partitions whose series go on from others, or lie among their rows.

    A gap in time between two partitions is no split, since no window crosses one. Without a group
    column only what goes on in the very next step is: whole series may be partitions then.
    """
    for kind in sorted({ends.first.dtype.kind for ends in partitions if len(ends)}):
        yield from _splits_of_kind(partitions, kind, signature)


def _splits_of_kind(
    partitions: Sequence[SeriesEnds], kind: str, signature: Signature
) -> Iterator[Split]:
    """Among partitions whose times are of a kind, dates or numbers."""
    of_kind = [len(ends) > 0 and ends.first.dtype.kind == kind for ends in partitions]
    places = np.flatnonzero(of_kind).tolist()
    # (series of all partitions,): the partition that each is of
    owners = np.repeat(places, [len(partitions[index]) for index in places])
    hashes = np.concatenate([partitions[index].hashes for index in places])
    first = np.concatenate([partitions[index].first for index in places])
    last = np.concatenate([partitions[index].last for index in places])
    for before, after in parts_that_go_on(hashes, first, last, signature):
        yield Split(int(owners[before]), int(owners[after]))


def parts_that_go_on(
    hashes: Array, first: Array, last: Array, signature: Signature
) -> Iterator[tuple[int, int]]:
    """Which parts of series go on from which, or lie among their rows: `(before, after)`.

    Args:
        hashes: `(parts,)`, of the series that each part is of.
        first: `(parts,)`, the time of its first row.
        last: of its last.
        signature: of the model.
    """
    before = -1  # of the series at hand, the part that reaches furthest
    for after in np.lexsort((first, hashes)):  # by series, and by time within each
        if before < 0 or hashes[after] != hashes[before]:
            before = after
            continue
        if _goes_on(last[before], first[after], signature):
            yield int(before), int(after)
        if last[after] > last[before]:
            before = after


def _goes_on(last: Any, first: Any, signature: Signature) -> bool:
    if signature.time is None:
        return signature.group is not None
    if first <= last:
        return signature.group is not None
    is_known = signature.time_step or signature.calendar_step
    return bool(is_known and not gaps_in_time(np.array([last, first]), signature)[0])


def hash_of(keys: tuple[str, ...]) -> int:
    """64 bits for a series, the same in every process."""
    digest = hashlib.blake2b("\x1f".join(keys).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little")
