"""Windows of a user's own data, on which a module is compared with its translation."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError
from ..model import Array, Column, Signature
from ..series import Table, series_of, sliding_windows
from ..series.table_files import KINDS

if TYPE_CHECKING:
    from ..series import TableSource

USUAL_WINDOW = 32  # steps, where no window is known and the data have more
DAMAGE = (EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile, zlib.error)  # of a .npz
MOST_WINDOWS = 48  # spread evenly, besides those that hold the ends of a column's range


def real_windows(data: TableSource, names: Sequence[str], size: int, window: int | None) -> Array:
    """Real inputs in raw units, float32 `(n, steps, size)`.

    Args:
        data: a table, or the path of one or of an .npz with `x (n, seq, size)` or `(seq, size)`.
        names: the columns of x in order; without them a table's are taken by place.
        size: columns that the model takes.
        window: steps of a window of a table, where that is known.

    Raises:
        InputError: the file cannot be read, lacks a column, or holds no window.
    """
    if isinstance(data, str | Path) and Path(data).suffix.lower() == ".npz":
        return _chosen([_stored(Path(data), size)])
    if isinstance(data, str | Path) and not Path(data).name.lower().endswith(KINDS):
        raise InputError(
            f"--data {data} is nothing that can be read here; expected a name ending in "
            f"{', '.join(KINDS)} or .npz"
        )
    table = Table.of(data)
    runs = series_of(table, Signature(size, 1, _columns(table, names, size)), missing="drop")
    longest = max((len(run) for run in runs), default=0)
    steps = window or min(longest, USUAL_WINDOW)
    if not steps or longest < steps:
        raise InputError(
            f"--data {table.title} holds no window of {window or 1} rows without an empty cell; "
            f"its longest run has {longest}"
        )
    return _chosen([sliding_windows(run.x, steps) for run in runs if len(run) >= steps])


def _columns(table: Table, names: Sequence[str], size: int) -> tuple[Column, ...]:
    found = ", ".join(table.names)
    if not names and len(table.names) != size:
        raise InputError(
            f"--data {table.title} has {len(table.names)} columns ({found}), and x {size}; "
            "say which of them x takes: --features COL,COL"
        )
    lacking = [name for name in names if name not in table]
    if lacking:
        raise InputError(f"--data {table.title} lacks {', '.join(lacking)}; it has {found}")
    return tuple(map(Column, names or table.names))


def _stored(path: Path, size: int) -> Array:
    """The array x of an .npz, or its only one, `(n, seq, size)`."""
    try:
        # Opened here, since NumPy leaves open what it finds to be damaged.
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            name = "x" if "x" in file.files else next(iter(file.files))
            x: Any = np.asarray(file[name], np.float64)
    except (OSError, StopIteration, *DAMAGE) as error:
        raise InputError(
            f"--data {path} is no .npz with an array x of numbers; "
            "write it with numpy.savez(path, x=x)"
        ) from error
    x = x[np.newaxis] if x.ndim == 2 else x
    if x.ndim != 3 or x.shape[2] != size or not x.size:
        raise InputError(f"--data {path} holds x {x.shape}, expected (n, seq, {size})")
    if not np.isfinite(x.astype(np.float32)).all():
        raise InputError(
            f"--data {path} holds values that are no finite float32 numbers; leave out the windows "
            "with them"
        )
    return np.asarray(x, np.float32)


def _chosen(groups: Sequence[Array]) -> Array:
    """Some of the windows `(n, steps, size)` of each group: evenly spread, and those that hold the
    smallest and the largest value of a column."""
    windows = np.concatenate(groups)
    spread = np.linspace(0, len(windows) - 1, min(len(windows), MOST_WINDOWS)).astype(int)
    lowest = windows.min(axis=1).argmin(axis=0)  # (size,)
    highest = windows.max(axis=1).argmax(axis=0)  # of each column the window that holds it
    rows = np.unique(np.concatenate([spread, lowest[:MOST_WINDOWS], highest[:MOST_WINDOWS]]))
    return np.ascontiguousarray(windows[rows])
