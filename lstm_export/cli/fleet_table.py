"""A fleet's table: a row is a `package` command, after a `train` command where it names data."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ..errors import InputError
from . import package, train
from .options.model_reading import OPTIONS
from .reading_arguments import reading_of
from .row_command import RowCommand
from .training_arguments import options_of, search_of

if TYPE_CHECKING:
    from ..fleet.entry import Entry
    from ..series import Table

NAME = "name"
CHECKPOINT = "checkpoint"
DATA = "data"
# What the whole fleet decides, or what is for a single model.
NOT_OF_A_ROW = ("output", "resume", "sign", "provenance", "trust", *train.WRITES)
_WORDS_OF_TYPER = re.compile(r"Input should be ([^,]+)|is not (one of .+?)\.?$")
_CLOSE = 0.7  # share of letters in common; with less another option is named than was meant
_COLUMNS = f"{NAME}, {CHECKPOINT}, {DATA} and the options of package and train"


def entries_of(path: Path, target_names: Sequence[str]) -> tuple[Entry, ...]:
    """The models that a table names; nothing of what it names is opened.

    Args:
        path: the table, CSV.
        target_names: what models are exported to whose row does not say.

    Raises:
        InputError: a name is no file's, or there twice; a column is no option, or a cell no value
            of its option. The message names the row.
    """
    from ..fleet.entry import check_names_differ
    from ..series import Table

    rows = _Rows(Table.of(path), tuple(target_names))
    entries = tuple(rows.entry(index) for index in range(len(rows.table)))
    check_names_differ(entries)
    return entries


class _Rows:
    """The rows of a table as models."""

    def __init__(self, table: Table, target_names: tuple[str, ...]) -> None:
        self.table = table
        self._target_names = target_names
        self._train = RowCommand(train.train, NOT_OF_A_ROW)
        self._package = RowCommand(package.package, NOT_OF_A_ROW)
        options = self._package.options.items()
        self._of_bundle = [name for name, option in options if _is_of_bundle(option)]
        self._columns = {column: column.replace("_", "-") for column in table.names}
        self._check_columns()

    def _check_columns(self) -> None:
        known = [NAME, CHECKPOINT, DATA, *self._train.options, *self._package.options]
        names = list(self._columns.values())
        for name in names:
            if names.count(name) > 1:
                raise InputError(f"{self.table.title} has two columns {name}; leave out one")
            if name not in known:
                close = difflib.get_close_matches(name, known, n=1, cutoff=_CLOSE)
                raise InputError(
                    f"{self.table.place(name, -1)} is no option of package or train; "  # the header
                    f"expected {close[0] if close else _COLUMNS}"
                )
        if NAME not in names:
            raise InputError(f"{self.table.title} has no column {NAME}, which names each model")

    def entry(self, index: int) -> Entry:
        """The model of a row.

        Raises:
            InputError: the row makes no command.
        """
        row = {}
        for column, name in self._columns.items():
            row[name] = str(self.table[column][index]).strip()
        filled = {name: cell for name, cell in row.items() if cell}
        try:
            return self._entry(filled, self._place(index))
        except typer.BadParameter as error:
            raise InputError(self._refusal(error, row, index)) from error
        except InputError as error:
            raise InputError(f"{self._place(index)}: {error}") from error

    def _refusal(self, error: typer.BadParameter, row: Mapping[str, str], index: int) -> str:
        """The message on a wrong option in a row."""
        column = error.param.opts[-1].removeprefix("--") if error.param else ""
        if row.get(column):
            return f"{self.table.place(column, index)} is {row[column]!r}: {_expected(error)}"
        if error.param and not error.message:  # as typer has it where an option is not there
            state = "empty" if column in row else "missing"
            return f"{self._place(index)}: column {column} is {state}, and the row needs it"
        return f"{self._place(index)}: {error.message}"

    def _place(self, index: int) -> str:
        return f"row {index + self.table.first_row} of {self.table.title}"

    def _entry(self, cells: dict[str, str], place: str) -> Entry:
        from ..fleet.entry import Entry

        name = cells.pop(NAME, "")
        training = None
        search = None
        if CHECKPOINT in cells:
            source = cells.pop(CHECKPOINT)
            rule = "a checkpoint takes the options of package"
            _check_allowed(cells, self._package.options, rule)
        elif DATA in cells:
            source = cells.pop(DATA)
            trained = self._trained(source, cells)
            training = options_of(trained)
            search = search_of(trained)
        else:
            raise InputError(f"neither {CHECKPOINT} nor {DATA} is given; fill in one of them")
        packaged = self._package.values(source, cells)
        return Entry(
            name,
            Path(source),
            place,
            tuple(packaged["target"] or self._target_names),
            reading_of(packaged),
            training,
            search,
            packaged["mode"].value if packaged["mode"] else None,
            packaged["lengths"],
            package.options_of_targets(packaged),
        )

    def _trained(self, data: str, cells: dict[str, str]) -> dict[str, Any]:
        """The parameters of train; its cells are taken out, so that those of package are left."""
        of_train = [column for column in self._train.options if column in cells]
        own = {column: cells.pop(column) for column in of_train}
        of_bundle = ", ".join(self._of_bundle)
        rule = f"data takes the options of train, and of package {of_bundle}"
        _check_allowed(cells, self._of_bundle, rule)
        return self._train.values(data, own)


def _expected(error: typer.BadParameter) -> str:
    """Typer's expectation of a value, in the words of this program."""
    match = _WORDS_OF_TYPER.search(error.message)
    return f"expected {match[1] or match[2]}" if match else error.message


def _is_of_bundle(option: Any) -> bool:
    """Whether an option of package is about what is written, and train has none of the name."""
    return option.name not in (*OPTIONS, "target")


def _check_allowed(cells: Mapping[str, str], allowed: Collection[str], rule: str) -> None:
    """Refuse what would do nothing."""
    for column in cells:
        if column not in allowed:
            raise InputError(f"column {column} is given, but a row with {rule}; leave it empty")
