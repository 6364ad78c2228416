"""Rows of a table as they come: cells in, cells out, a stream for every series in it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Literal, NamedTuple

import numpy as np

from ..bundle import Mode
from ..bundle.archive import pack, unpack
from ..errors import BundleError, InputError, cause_of
from ..model import Array
from ..series import Table, gaps_in_time, group_name, step_text
from ..series.calendar import calendar_features
from ..series.cells import fills
from ..series.measured import measured_columns
from ..series.steps import elapsed, elapsed_text
from ..series.times import local_times, parse_times
from .guards import NotFinite
from .row_columns import RowColumns, columns_of
from .row_counts import RowCounts
from .session import Session
from .stream import Stream, Unusable

# What happens to a row that is earlier than the row before, and to one of the same time: `last`
# takes it in the place of the row before.
Late = Literal["error", "drop"]
Duplicate = Literal["error", "drop", "last"]

MAX_SERIES = 4096  # each has a state
_INDEX = "series.json"
# What reading an index raises that is not one, by its numbers, its names and its depth.
_WRONG_INDEX = (ValueError, ArithmeticError, TypeError, KeyError, RecursionError)


class _Row(NamedTuple):
    """The cells of a row, read.

    Attributes:
        x: float32 `(input_size,)`.
        times: its time `(1,)`, or its number.
        keys: of its series; empty where there is a single series.
    """

    x: Array
    times: Array
    keys: tuple[str, ...]

    @property
    def group(self) -> str:
        """The series' name; empty where there is a single series."""
        return group_name(self.keys)


class RowStream:
    """Answers a table row by row, as `Session.predict_table` answers it whole.

    The time and the group stand beside the answers. A gap in time starts the series anew, as it
    does there. A skipped row is no gap.

    Attributes:
        names: the columns of the answers.
        counts: what became of the rows so far.
    """

    def __init__(  # noqa: PLR0913 - every choice about rows is made by name
        self,
        session: Session,
        *,
        mode: Mode | None = None,
        nonfinite: Unusable = "refuse",
        window: int | None = None,
        late: Late = "error",
        duplicate: Duplicate = "error",
        say: Callable[[str], None] = print,
    ) -> None:
        """Answer rows with a session's model; `say` is told of gaps.

        For the other arguments see `Session.stream`.

        Two times are the same where they are no further apart than the signature's tolerance.
        """
        self._signature = session.signature
        self._new_stream: Callable[[], Stream] = partial(
            session.stream, mode=mode, nonfinite=nonfinite, window=window
        )
        self._new_stream().close()  # what cannot be made is said before the first row
        self._say = say
        self._late = late
        self._duplicate = duplicate
        self._before: dict[str, bytes] = {}  # each stream's state before its last row
        self._refilling: set[str] = set()  # series whose window a gap has emptied
        self._holds = nonfinite == "hold"
        self._streams: dict[str, Stream] = {}
        self._times: dict[str, Array] = {}  # the last time of each series (1,)
        self._columns = RowColumns((), (), None, (), is_header=False)
        self._last_row = -1
        self.names: tuple[str, ...] = ()
        self.counts = RowCounts()

    def begin(self, cells: Sequence[str]) -> bool:
        """Learn from the first row which column is which; whether it is a header, not answered.

        Raises:
            InputError: the header lacks a column that the model needs.
        """
        columns = columns_of(cells, self._signature)
        outputs = [column.name for column in self._signature.outputs]
        self._columns = columns
        self.names = (columns.time or "row", *columns.groups, *outputs)
        return columns.is_header

    def answer(self, cells: Sequence[str], line: int) -> tuple[str, ...] | None:
        """The answer to one row: time or number, group, the outputs; None for a dropped row.

        NaN while a window fills, or for a skipped row.

        Raises:
            InputError: the row has another number of cells, or one that is no number or time; or it
                is refused.
        """
        names = self._columns.names
        if not fills(cells, len(names)):
            raise InputError(
                f"line {line} has {len(cells)} cells, expected {len(names)}: {', '.join(names)}"
            )
        row = self._read(cells, line)
        stream = self._stream(row.group)
        if self._columns.time and not self._takes(row, stream, line):
            return None
        before = stream.state() if self._duplicate == "last" else b""
        try:
            y = stream.step(row.x)
        except NotFinite as error:
            raise self._not_finite(error, cells, line) from error
        except InputError as error:
            raise InputError(f"line {line}: {error}") from error
        self._last_row += 1
        self._times[row.group] = row.times
        self._before[row.group] = before
        self._count(row, y)
        return (_text(row.times), *row.keys, *y.astype(str))

    def _read(self, cells: Sequence[str], line: int) -> _Row:
        columns = self._columns
        by_name = dict(zip(columns.names, cells, strict=False))
        arrays = {name: np.array([cell], object) for name, cell in by_name.items()}
        table = Table.of(Table(arrays, first_row=line), self._signature.table_format)
        measured = measured_columns(table, columns.measured, self._signature).values[0]
        times = np.array([self._last_row + 1])
        if columns.time:
            times = parse_times(table, columns.time)
        signature = self._signature
        clock = local_times(times, signature.table_format)
        calendar = calendar_features(clock, signature.calendar, signature.country)[0]
        x = np.concatenate([measured, calendar]).astype(np.float32)  # (input_size,)
        return _Row(x, times, tuple(by_name[name] for name in columns.groups))

    def _not_finite(self, error: NotFinite, cells: Sequence[str], line: int) -> InputError:
        feature = error.index[2]
        name = self._names_of_measured()[feature]  # columns derived from the time are finite
        cell = cells[self._columns.names.index(name)].strip() or "empty"
        repair = "repair it, or choose --missing drop or --missing ffill"
        if self._holds:
            repair = "begin with a whole row"
        return InputError(f"line {line}, column {name} is {cell}, {error.why}; {repair}")

    def _names_of_measured(self) -> list[str]:
        names = list(self._columns.measured)
        for category in self._signature.categories:
            names += [category.name] * len(category.levels)
        return names

    def state(self) -> bytes:
        """All series, their states and last times, as a zip: `restore` goes on from it."""
        names = list(self._streams)
        times = [_json_time(self._times.get(name)) for name in names]
        index = {"series": names, "times": times, "row": self._last_row}
        files = {_INDEX: json.dumps(index).encode("ascii")}
        for number, stream in enumerate(self._streams.values()):
            files[_state_name(number)] = stream.state()
        return pack(files, max_entries=MAX_SERIES + 1)

    def restore(self, state: bytes) -> None:
        """Go on from what `state` gave.

        Raises:
            InputError: it is damaged, or of another model or mode; nothing has changed then.
        """
        try:
            files = unpack(state, max_entries=MAX_SERIES + 1)
            index = json.loads(files.pop(_INDEX, b"null"))
            names, times, last_row = _checked_index(index, files)
        except (BundleError, *_WRONG_INDEX) as error:
            raise InputError(
                "this is no saved state of a stream of rows, or a damaged one: "
                f"{cause_of(error)}; copy it again, or start without it"
            ) from error
        streams = {name: self._new_stream() for name in names}
        for number, stream in enumerate(streams.values()):
            stream.restore(files[_state_name(number)])
        self._streams = streams
        self._before = {}
        self._times = times
        self._last_row = last_row

    def _stream(self, group: str) -> Stream:
        if group not in self._streams:
            if len(self._streams) >= MAX_SERIES:
                raise InputError(
                    f"more than {MAX_SERIES} series came; start one process for each part of them"
                )
            self._streams[group] = self._new_stream()
        return self._streams[group]

    def _takes(self, row: _Row, stream: Stream, line: int) -> bool:
        """Whether a row of this time is stepped; after a gap the stream starts anew.

        Raises:
            InputError: time stands still or goes back and that is an error, or it is of another
                kind than before.
        """
        before = self._times.get(row.group)
        if before is None:
            return True
        if (before.dtype.kind == "M") != (row.times.dtype.kind == "M"):
            raise InputError(
                f"line {line}: {_text(row.times)} and {_text(before)}, the time of the row before "
                "it, are not both dates or both numbers; write all times in one form"
            )
        both = np.concatenate([before, row.times])  # (2,)
        passed = float(elapsed(both)[0])
        if abs(passed) <= (self._signature.time_tolerance or 0.0):
            return self._takes_duplicate(row, stream, line)
        if passed < 0:
            return self._takes_late(row, line)
        if gaps_in_time(both, self._signature)[0]:
            of_group = f" of {row.group}" if row.group else ""
            self._say(
                f"line {line}: {elapsed_text(passed, both)} since the row{of_group} before, "
                f"expected {step_text(self._signature, both)}; starting anew"
            )
            stream.reset()
            self._refilling.add(row.group)
        return True

    def _takes_late(self, row: _Row, line: int) -> bool:
        if self._late == "error":
            raise InputError(
                f"line {line}: {row.times[0]} is earlier than the row before it; "
                "send rows in the order of time, or choose --late drop"
            )
        self.counts.late += 1
        return False

    def _takes_duplicate(self, row: _Row, stream: Stream, line: int) -> bool:
        """Whether a row of the same time is stepped.

        With `last` the stream first goes back to before the row that this one replaces.
        """
        if self._duplicate == "error":
            raise InputError(
                f"line {line}: {row.times[0]} repeats the row before it; "
                "send rows in the order of time, or choose --duplicate drop or --duplicate last"
            )
        if self._duplicate == "last":
            state = self._before.get(row.group)
            if state is None:
                raise InputError(
                    f"line {line}: {row.times[0]} repeats a row from before the saved state, which "
                    "cannot be taken back; choose --duplicate drop"
                )
            stream.restore(state)
        self.counts.duplicates += 1
        return self._duplicate == "last"

    def _count(self, row: _Row, y: Array) -> None:
        if not np.isnan(y).any():
            self.counts.answered += 1
            self._refilling.discard(row.group)
        elif not np.isfinite(row.x).all():
            self.counts.empty_cells += 1
        elif row.group in self._refilling:
            self.counts.after_gaps += 1
        else:
            self.counts.filling += 1


def _state_name(number: int) -> str:
    return f"{number}.npz"


def _checked_index(
    index: Any, files: Mapping[str, bytes]
) -> tuple[list[str], dict[str, Array], int]:
    """The names of the series in order, their last times, and the number of the last row."""
    names = [*index["series"]]
    times = [*index["times"]]
    if not all(isinstance(name, str) for name in names):
        raise BundleError("a series is named by no text")
    expected = {_state_name(number) for number in range(len(names))}
    if set(files) != expected or len(set(names)) < len(names):
        raise BundleError("its list of series is not what it holds")
    last_times = {}
    for name, time in zip(names, times, strict=True):
        if time is not None:
            last_times[name] = _checked_time(time)
    return names, last_times, int(index["row"])


def _checked_time(value: Any) -> Array:
    """The inverse of `_json_time`."""
    if isinstance(value, str):
        time = np.array([value], "datetime64[us]")
    else:
        time = np.array([float(value)])
    if not np.isfinite(time).all():  # NaT counts as not finite
        raise BundleError(f"a series was last seen at {value!r}, which is no time")
    return time


def _json_time(times: Array | None) -> str | float | None:
    """One time for JSON: as text, or the number that it counts."""
    if times is None:
        return None
    return _text(times) if times.dtype.kind == "M" else float(times[0])


def _text(times: Array) -> str:
    return str(times.astype(str)[0])
