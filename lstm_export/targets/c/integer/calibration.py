"""The real inputs that formats are chosen on, and what the user says of the counts of a sensor."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ....errors import InputError, quoted
from ....model import Array, Model, Signature
from ....parity.endless import Measured, named_by
from ....parity.golden import hard_inputs
from ....series import Table, series_of, sliding_windows
from .formats import InputFormat

MOST_WINDOWS = 256  # of a table, spread evenly over it
USUAL_STEPS = 64  # of a sequence, where the model stores no window
_FORMAT = re.compile(r"q:(?P<step>[-+.\deE]+)(?::(?P<zero>[-+.\deE]+))?")


@dataclass(frozen=True, eq=False)
class Calibration:
    """Inputs that a model will meet.

    Attributes:
        inputs: `(batch, seq, input_size)` each, in the model's own units.
        source: what they are, for people.
        is_table: whether the user named them.
        true: what was measured where the answers point to, `(batch, outputs)`, NaN where that is
            unknown; None where the table does not hold it.
    """

    inputs: tuple[Array, ...]
    source: str
    is_table: bool = False
    true: Array | None = None


def calibration(model: Model, windows: Array | None, table: str) -> Calibration:
    """Windows of a table, else the checkpoint's windows, else a golden set.

    Raises:
        InputError: the table cannot be read, lacks a column, or is too short.
    """
    if table:
        return _of_table(model, Path(table))
    if windows is not None:
        return Calibration((windows,), f"{len(windows)} real windows of the checkpoint")
    return Calibration((hard_inputs(model)["nominal"],), "random inputs of the size of training's")


def _of_table(model: Model, path: Path) -> Calibration:
    signature = model.signature
    table = Table.of(path, signature.table_format)
    runs = series_of(table, named_by(signature, table), "drop")
    steps = signature.window or min(USUAL_STEPS, max(map(len, runs), default=1))
    runs = tuple(run for run in runs if len(run) >= steps)
    if not runs:
        raise InputError(f"{table.title} holds no unbroken run of {steps} rows")
    windows = sum(len(run) - steps + 1 for run in runs)
    every = -(-windows // MOST_WINDOWS)
    picked = np.concatenate([sliding_windows(run.x, steps)[::every] for run in runs])
    true = None
    if signature.window and not model.returns_every_step:
        measured = Measured(table, signature)
        by_run = [measured.at(run, np.arange(steps - 1, len(run), every)) for run in runs]
        true = np.concatenate(by_run)  # at the windows' ends
    count = "a window" if len(picked) == 1 else f"{len(picked)} windows"
    source = f"{count} of {table.title}"
    is_known = true is not None and bool(np.isfinite(true).any())
    return Calibration((picked,), source, is_table=True, true=true if is_known else None)


def input_formats(signature: Signature, text: str) -> dict[int, InputFormat]:
    """What `--input-format "temp_c=q:0.0625,load=q:0.5:-20"` says, by the feature's place.

    `q:STEP` is a count of STEP units, `q:STEP:ZERO` one whose count 0 is ZERO.

    Raises:
        InputError: it cannot be read, or names a feature that is none.
    """
    found: dict[int, InputFormat] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, told = part.rpartition("=")  # an input of text is named such as weather=rain
        entry = _told(part, told.strip())
        found[_place(signature, name.strip())] = entry
    return found


def _place(signature: Signature, name: str) -> int:
    """A feature's place, by its name, or for a model without names x0, x1, ..."""
    names = [column.name for column in signature.features]
    names = names or [f"x{place}" for place in range(signature.input_size)]
    if name not in names:
        raise InputError(
            f"--input-format names {quoted(name)}, which is no input; inputs are {', '.join(names)}"
        )
    return names.index(name)


def _told(part: str, told: str) -> InputFormat:
    found = _FORMAT.fullmatch(told)
    try:
        step = float(found["step"]) if found else 0.0
        zero = float(found["zero"] or 0) if found else 0.0
    except ValueError:
        step = 0.0
        zero = 0.0
    if not (np.isfinite([step, zero]).all() and step != 0):
        raise InputError(
            f"--input-format {quoted(part)} cannot be read; write such as temp_c=q:0.0625, or "
            "temp_c=q:0.0625:-40 where count 0 is -40"
        )
    return InputFormat(step, zero)
