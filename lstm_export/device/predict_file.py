"""From a file of data to a file of predictions."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..files import check_output, replacing, unreadable
from ..model import Array, Signature
from ..series import Missing, Table
from .guards import NotFinite
from .session import Session
from .table_predictions import Progress

# What numpy raises over a damaged header, or bytes that begin as a zip does.
_DAMAGE = (
    EOFError,
    KeyError,
    MemoryError,
    OverflowError,
    RecursionError,
    SyntaxError,
    TypeError,
    ValueError,
    zipfile.BadZipFile,
)


@dataclass(frozen=True, eq=False)
class Predictions:
    """The answers to a file of data.

    Attributes:
        y: float32 `(predictions, output_size)`, or `(batch, seq, output_size)` as it came.
        table: the same with a row each, beside its time, group, row or step.
    """

    y: Array
    table: Table

    def write(self, path: Path) -> None:
        """Write `.csv`, the table, or `.npy`, the array alone.

        Raises:
            InputError: the name ends in neither, or the file cannot be written.
        """
        if path.suffix.lower() == ".csv":
            self.table.write_csv(path)
            return
        with replacing(path) as partial, partial.open("wb") as file:
            np.save(file, self.y)


def check_prediction_output(path: Path, *inputs: Path) -> None:
    """Refuse an output before any work is done for it.

    Raises:
        InputError: it is one of the inputs, ends in neither `.csv` nor `.npy`, or cannot be
            written.
    """
    if path.suffix.lower() not in (".csv", ".npy"):
        raise InputError(
            f"cannot write {path}: predictions are written as .csv or .npy; give it such a name"
        )
    check_output(path, *inputs)


def predict_file(
    session: Session,
    data: Path,
    *,
    window: int | None = None,
    missing: Missing = "refuse",
    progress: Progress | None = None,
) -> Predictions:
    """Answer a table (`.csv`, `.csv.gz`, `.parquet`), or an array (`.npy`).

    A table and an array `(seq, input_size)` are slid over with the given or the stored window; an
    array `(batch, seq, input_size)` is answered row by row.

    Raises:
        InputError: the file cannot be read, or does not hold what the model takes.
    """
    if data.suffix.lower() != ".npy":
        table = session.predict_table(data, progress, window=window, missing=missing)
        outputs = [table[column.name] for column in session.signature.outputs]
        return Predictions(np.stack(outputs, axis=1), table)
    if missing != "refuse":
        raise InputError(
            f"--missing {missing} is for the cells of a table; repair {data}, or write it as .csv"
        )
    try:
        y = _answers_of_array(session, data, window, progress)
    except NotFinite as error:
        # Without what a Python program would do, which is no option of the command.
        raise InputError(
            f"{data}: {error.place} {error.found}, {error.why}; "
            "repair it, or write it as .csv and choose --missing"
        ) from error
    return Predictions(y, _indexed_table(y, session.signature))


def _indexed_table(y: Array, signature: Signature) -> Table:
    """`y (batch, output_size)` or `(batch, seq, output_size)` by row, and by step where it has."""
    *axes, _ = y.shape
    columns: dict[str, Array] = {}
    for name, index in zip(("row", "step"), np.indices(axes), strict=False):
        columns[name] = index.ravel()
    for k, column in enumerate(signature.outputs):
        columns[column.name] = y[..., k].ravel()
    return Table(columns)


def _answers_of_array(
    session: Session, data: Path, window: int | None, progress: Progress | None
) -> Array:
    x = _load_array(data)
    if x.ndim == 2:
        return session.slide(x, progress, window=window)
    if window:
        raise InputError(
            f"{data} holds whole sequences, {x.shape}; "
            "--window is for a single one, (seq, input_size)"
        )
    return session(x)


def _load_array(path: Path) -> Array:
    try:
        # Mapped, so that a header that claims more than the file holds allocates nothing.
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except OSError as error:
        raise unreadable(path, error, "a table or a .npy array") from error
    except _DAMAGE as error:
        raise InputError(
            f"{path} is no .npy array of numbers as numpy.save writes it, or a damaged one; "
            "save it again"
        ) from error
    if not isinstance(array, np.ndarray):
        raise InputError(
            f"{path} is an archive of arrays, expected one array as numpy.save writes it"
        )
    return array
