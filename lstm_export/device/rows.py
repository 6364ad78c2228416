"""Rows of a table as they come: cells in, cells out, a stream for every series in it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from ..bundle import Mode
from ..bundle.archive import pack, unpack
from ..errors import BundleError, InputError
from ..model import Array
from ..series import Table
from ..series.calendar import calendar_features, elapsed, parse_times
from .guards import NotFinite
from .session import Session
from .stream import Stream, Unusable

MAX_SERIES = 4096  # each has a state
_INDEX = "series.json"


class RowStream:
    """Answers a table row by row, as `Session.predict_table` answers it whole, with the time and the group beside.

    A gap in time starts the series anew, as it does there. A skipped row is no gap.

    Attributes:
        names: the columns of the answers.
    """

    def __init__(
        self,
        session: Session,
        *,
        mode: Mode | None = None,
        nonfinite: Unusable = "refuse",
        window: int | None = None,
        say: Callable[[str], None] = print,
    ) -> None:
        """Rows for a session's model; `say` is told of gaps. The options are those of `Session.stream`."""
        self._signature = session.signature
        self._make: Callable[[], Stream] = partial(
            session.stream, mode=mode, nonfinite=nonfinite, window=window
        )
        self._make().close()  # what cannot be made is said before the first row
        self._say = say
        self._held = nonfinite == "hold"
        self._streams: dict[str, Stream] = {}
        self._times: dict[str, Array] = {}  # the last time of each series (1,)
        self._columns: tuple[str, ...] = ()
        self._row = -1
        self.names: tuple[str, ...] = ()

    def begin(self, cells: Sequence[str]) -> bool:
        """Learn from the first row which column is which; whether it is a header, and no row to be answered.

        Raises:
            InputError: the header lacks a column that the model needs.
        """
        signature, cells = self._signature, [cell.strip() for cell in cells]
        measured = [column.name for column in signature.measured]
        time = [signature.time] if signature.time and signature.calendar else []
        if not measured:
            measured = [f"x{index}" for index in range(signature.input_size)]
        known = {*measured, signature.time, signature.group}
        is_header = bool(known & set(cells)) or (
            not signature.features and not all(map(_is_number, cells))
        )
        self._columns = tuple(cells if is_header and signature.features else (*time, *measured))
        if is_header and not signature.features and len(cells) != signature.input_size:
            got, expected = len(cells), signature.input_size
            raise InputError(
                f"the header has {got} columns, expected {expected}: this model names no features"
            )
        lacking = [name for name in (*time, *measured) if name not in self._columns]
        if lacking:
            raise InputError(f"the header lacks {', '.join(lacking)}; it has {', '.join(cells)}")
        if len(set(self._columns)) < len(self._columns):
            raise InputError(f"the header has a column twice: {', '.join(cells)}")
        self._has_time = signature.time is not None and signature.time in self._columns
        self._has_group = signature.group is not None and signature.group in self._columns
        self._measured = measured
        first = signature.time if self._has_time else "row"
        group = [signature.group] if self._has_group else []
        self.names = tuple(
            str(name) for name in (first, *group, *(column.name for column in signature.outputs))
        )
        return is_header

    def answer(self, cells: Sequence[str], line: int) -> tuple[str, ...]:
        """The answer to one row: time or number, group, the outputs; NaN while a window fills, or for a skipped row.

        Raises:
            InputError: the row has another number of cells, or one that is no number or time; or it is refused.
        """
        if len(cells) != len(self._columns):
            raise InputError(
                f"line {line} has {len(cells)} cells, expected {len(self._columns)}: {self._expected()}"
            )
        columns = {
            name: np.array([cell], object) for name, cell in zip(self._columns, cells, strict=True)
        }
        table, signature = Table(columns, first_row=line), self._signature
        measured = np.concatenate([table.numbers(name) for name in self._measured])
        group = cells[self._columns.index(str(signature.group))] if self._has_group else ""
        times = (
            parse_times(table, str(signature.time)) if self._has_time else np.array([self._row + 1])
        )
        x = np.concatenate([measured, calendar_features(times, signature.calendar)[0]]).astype(
            np.float32
        )
        stream = self._stream(group)
        if self._has_time:
            self._check_time(group, times, stream, line)
        try:
            y = stream.step(x)
        except NotFinite as error:
            name = self._measured[error.index[2]]  # columns derived from the time are finite
            cell = cells[self._columns.index(name)].strip() or "empty"
            repair = (
                "begin with a whole row"
                if self._held
                else "repair it, or choose --missing drop or --missing ffill"
            )
            raise InputError(
                f"line {line}, column {name} is {cell}, {error.why}; {repair}"
            ) from error
        except InputError as error:
            raise InputError(f"line {line}: {error}") from error
        self._row, self._times[group] = self._row + 1, times
        return (str(times.astype(str)[0]), *([group] if self._has_group else []), *y.astype(str))

    def state(self) -> bytes:
        """All series, their states and last times, as a zip: `restore` goes on from it."""
        names = list(self._streams)
        times = [_plain(self._times.get(name)) for name in names]
        index = {"series": names, "times": times, "row": self._row}
        files = {f"{k}.npz": self._streams[name].state() for k, name in enumerate(names)}
        return pack(
            {_INDEX: json.dumps(index).encode("ascii"), **files}, max_entries=MAX_SERIES + 1
        )

    def restore(self, state: bytes) -> None:
        """Go on from what `state` gave.

        Raises:
            InputError: it is damaged, or of another model or mode; nothing has changed then.
        """
        try:
            files = unpack(state, max_entries=MAX_SERIES + 1)
            index = json.loads(files.pop(_INDEX, b"null"))
            names, texts, row = ([*index["series"]], [*index["times"]], int(index["row"]))
            times = {
                name: _time(text)
                for name, text in zip(names, texts, strict=True)
                if text is not None
            }
            if set(files) != {f"{k}.npz" for k in range(len(names))} or len(set(names)) < len(
                names
            ):
                raise BundleError("its list of series is not what it holds")
        except (BundleError, ValueError, TypeError, KeyError, RecursionError) as error:
            raise InputError(
                f"this is no saved state of a stream of rows, or a damaged one: {error}"
            ) from error
        streams = {str(name): self._make() for name in names}
        for k, stream in enumerate(streams.values()):
            stream.restore(files[f"{k}.npz"])
        self._streams, self._times, self._row = streams, times, row

    def _stream(self, group: str) -> Stream:
        if group not in self._streams:
            if len(self._streams) >= MAX_SERIES:
                raise InputError(
                    f"more than {MAX_SERIES} series came; start one process for each part of them"
                )
            self._streams[group] = self._make()
        return self._streams[group]

    def _check_time(self, group: str, times: Array, stream: Stream, line: int) -> None:
        """Start anew behind a gap, as a table's runs do.

        Raises:
            InputError: time stands still or goes back.
        """
        before, step = self._times.get(group), self._signature.time_step
        if before is None:
            return
        passed = float(elapsed(np.concatenate([before, times]))[0])
        if passed <= 0:
            problem = "repeats" if not passed else "is earlier than"
            raise InputError(
                f"line {line}: {times[0]} {problem} the row before it; send rows in the order of time"
            )
        if step is not None and abs(passed - step) > 1e-6 * abs(step):
            of = f" of {group}" if group else ""
            self._say(
                f"line {line}: {passed:g} since the row{of} before, expected {step:g}; starting anew"
            )
            stream.reset()

    def _expected(self) -> str:
        return ", ".join(self._columns)


def _plain(times: Array | None) -> str | float | None:
    """One time for JSON: as text, or the number that it counts."""
    if times is None:
        return None
    return str(times.astype(str)[0]) if times.dtype.kind == "M" else float(times[0])


def _time(value: str | float) -> Array:
    return np.array([value], "datetime64[us]" if isinstance(value, str) else np.float64)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
