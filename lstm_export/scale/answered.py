"""A table answered on a worker: as `run` answers it, with the series that go on before it."""

from __future__ import annotations

from dataclasses import dataclass

from ..device import Session
from ..series import Missing, Run, Table, TableSource
from .carried import Carried, carried_on, check_can_carry, joined


@dataclass(frozen=True)
class Choices:
    """What `run` is told about tables.

    Attributes:
        window: steps that a prediction sees; the stored window by default.
        missing: what happens to a row with an empty cell, see `series_of`.
    """

    window: int | None = None
    missing: Missing = "refuse"


AS_STORED = Choices()


@dataclass(frozen=True, eq=False)
class Answered:
    """A table's answers.

    Attributes:
        predictions: one row a prediction: time, group and the outputs; maybe none.
        rows: of the table.
        runs: its unbroken runs of rows, with those that were carried.
        gaps: where a series breaks off and goes on.
        carried: what the next table of the same series needs; None where nothing is carried.
    """

    predictions: Table
    rows: int
    runs: tuple[Run, ...]
    gaps: int
    carried: Carried | None = None


def answer(
    session: Session,
    source: TableSource,
    choices: Choices = AS_STORED,
    carried: Carried | None = None,
) -> Answered:
    """Slide over the unbroken runs of a table.

    Law: with `carried`, all tables of a series in order give what one table of all would.

    Args:
        session: the model.
        source: as of `Session.predict_table`.
        choices: how its rows are taken.
        carried: the last rows of each series, from the table before; `{}` before the first; by
            default every series is whole in its table.

    Raises:
        InputError: see `Session.predict_table`; or series of this model cannot be carried.
    """
    table = Table.of(source, session.signature.table_format)
    if carried is None:
        found = session.table_answers(table, window=choices.window, missing=choices.missing)
        return Answered(found.predictions, len(table), tuple(found.runs), found.gaps)
    kept = check_can_carry(session.signature, choices.window)
    whole, before = joined(table, carried, session.signature)
    found = session.table_answers(whole, window=choices.window, missing=choices.missing)
    is_new = found.rows >= before
    columns = {name: column[is_new] for name, column in found.predictions.columns.items()}
    if session.signature.time is None:
        columns["row"] = found.rows[is_new] - before
    return Answered(
        Table(columns),
        len(table),
        tuple(found.runs),
        found.gaps,
        carried_on(whole, carried, session.signature, kept, choices.missing),
    )


def carried_through(session: Session, table: Table, choices: Choices, carried: Carried) -> Carried:
    """What the next table needs, of a table that was answered before."""
    kept = check_can_carry(session.signature, choices.window)
    whole, _ = joined(table, carried, session.signature)
    return carried_on(whole, carried, session.signature, kept, choices.missing)
