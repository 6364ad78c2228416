"""What an engine's workers call: a DataFrame in, a DataFrame of predictions out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from ..device import Session
from ..errors import InputError, require
from ..model import Array
from ..series import Missing, Table, group_columns, parse_times
from .answered import Choices, answer
from .carried import Carried, check_can_carry
from .wholeness import FIRST, LAST, ends_of

# Of pandas: finer than any time of a table, and one for all of them.
TIMES = "datetime64[us]"


class Predictor:
    """Answers DataFrames as `run` answers tables; travels as its session does.

    A DataFrame holds series whole, as groups of an engine do; `each` takes those that hold parts of
    them in the order of time. Also the class of an actor, made from the same arguments.
    """

    def __init__(
        self,
        session: Session,
        *,
        window: int | None = None,
        missing: Missing = "refuse",
        sort: bool = False,
    ) -> None:
        """A predictor on a session that was opened from a file.

        Args:
            session: the model.
            window: steps that a prediction sees; the stored window by default.
            missing: what happens to a row with an empty cell, see `series_of`.
            sort: put rows in the order of time first, as after a shuffle; otherwise other orders
                are refused.
        """
        self._session = session
        self._choices = Choices(window, missing)
        self._sort = sort

    def __call__(self, frame: Any) -> Any:
        """The predictions of a DataFrame with whole series: time, group, outputs; maybe none.

        Raises:
            InputError: see `Session.predict_table`.
        """
        if not len(frame):
            return self.meta(frame)
        table = self._table(frame)
        return self._frame(answer(self._session, table, self._choices).predictions)

    def each(self, frames: Iterable[Any]) -> Iterator[Any]:
        """The predictions of DataFrames that follow each other, a series maybe in several.

        A model whose answers depend on more than a window gets all of them at once.

        Raises:
            InputError: as in a call; or a series does not go on in the order of time.
        """
        carried: Carried = {}
        try:
            check_can_carry(self._session.signature, self._choices.window)
        except InputError:
            parts = list(frames)
            if parts:  # there are none in an empty partition of Spark
                yield self(_pandas().concat(parts, ignore_index=True))
            return
        for frame in frames:
            if not len(frame):
                continue
            found = answer(self._session, self._table(frame), self._choices, carried)
            carried = found.carried or {}
            yield self._frame(found.predictions)

    def meta(self, frame: Any) -> Any:
        """No predictions: the columns and types of the answers to such a DataFrame."""
        signature = self._session.signature
        columns = {signature.time or "row": self._no_times(frame), **self._no_groups(frame)}
        columns |= {column.name: np.empty(0, np.float32) for column in signature.outputs}
        return self._frame(Table(columns))

    def ends(self, frame: Any) -> Any:
        """Where the series of a partition begin and end, for `check_whole`; see `ends_of`.

        Raises:
            InputError: the column of time or group is missing, or a cell is no time.
        """
        if len(frame):
            return self._frame(ends_of(self._table(frame), self._session.signature))
        nothing = self._no_times(frame)
        return self._frame(Table({**self._no_groups(frame), FIRST: nothing, LAST: nothing}))

    def _no_times(self, frame: Any) -> Array:
        """No times of the type that those of answers have."""
        time = self._session.signature.time
        if time is None:
            return np.empty(0, np.int64)
        is_count = time in frame and _holds_numbers(frame[time])
        return np.empty(0, np.float64 if is_count else TIMES)

    def _no_groups(self, frame: Any) -> dict[str, Array]:
        names = [str(name) for name in frame]
        group = self._session.signature.group
        return {name: np.empty(0, object) for name in group_columns(group, names)}

    def _table(self, frame: Any) -> Table:
        signature = self._session.signature
        table = Table.of(frame, signature.table_format)
        if not self._sort or signature.time is None:
            return table
        order = np.argsort(parse_times(table, signature.time), kind="stable")
        columns = {name: column[order] for name, column in table.columns.items()}
        return Table(columns, format=table.format)

    def _frame(self, predictions: Table) -> Any:
        pandas = _pandas()
        columns = {}
        for name, column in predictions.columns.items():
            if column.dtype.kind == "O":
                columns[name] = pandas.Series(column, dtype=str)
            else:
                columns[name] = column.astype(TIMES) if column.dtype.kind == "M" else column
        return pandas.DataFrame(columns)


def _holds_numbers(column: Any) -> bool:
    return np.issubdtype(np.asarray(column).dtype, np.number)


def _pandas() -> Any:
    return require("pandas", "", "answering DataFrames")
