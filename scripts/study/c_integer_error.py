"""What whole numbers cost a trained model: error against bits, and where it comes from.

A model of the README's size, LSTM(7, 50, num_layers=2) with Linear(50, 1), is trained for a few
passes on the built-in traffic counter, exported in whole numbers with int16 and int8 weights, and
compared with its float64 definition on windows of the whole table. Writes the table of
docs/c_integer.md. The trained model stays in artifacts/c-integer-error.pt and is not trained again.

    python -m scripts.study.c_integer_error
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from lstm_export import train
from lstm_export.bench.machine import machine, machine_text
from lstm_export.chains import Checkpoint, read_checkpoint
from lstm_export.model import Array, Model, Runner, forward
from lstm_export.series import Table, series_of, sliding_windows
from lstm_export.targets.c.integer.error_parts import parts_of
from lstm_export.targets.c.integer.weight_rounding import fitted
from lstm_export.training import TrainingOptions
from scripts.docs.block import write_block

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "lstm_export" / "data" / "i94_traffic.csv.gz"
PAGE = ROOT / "docs" / "c_integer.md"
TRAINED = ROOT / "artifacts" / "c-integer-error.pt"
WINDOWS = 4_000
PART = 500  # windows at once


def options() -> TrainingOptions:
    """48 hours in, an hour out; three passes, since the cost hardly follows the quality."""
    return TrainingOptions(
        targets="volume",
        features=("volume", "temp_c", "clouds_pct"),
        window=48,
        horizon=1,
        time="hour",
        calendar=("hour", "weekday"),
        hidden_size=50,
        num_layers=2,
        epochs=3,
        seed=0,
    )


def trained_model() -> Checkpoint:
    """The model, trained where that was not done before."""
    if not TRAINED.exists():
        train(DATA, TRAINED, options())
    return read_checkpoint(TRAINED)


def windows_of(model: Model) -> Array:
    """Windows spread evenly over the table, `(4000, 48, 7)`."""
    table = Table.of(DATA, model.signature.table_format)
    runs = [run for run in series_of(table, model.signature, "drop") if len(run) >= 48]
    every = np.concatenate([sliding_windows(run.x, 48) for run in runs])
    picked = np.linspace(0, len(every) - 1, WINDOWS).round().astype(int)
    return every[picked]


def lines_of(model: Model, calibration: Array, windows: Array) -> Iterator[str]:
    """The table, a line each."""
    exact = answers(lambda x: forward(model, x).y, windows)
    spread = exact.std()
    yield "| weights | largest error | rms | of the spread, largest | rms |"
    yield "|---|---|---|---|---|"
    for bits in (16, 8):
        _, whole = fitted(model, [calibration], bits)
        error = np.abs(answers(whole, windows) - exact)
        rms = float(np.sqrt((error**2).mean()))
        shares = f"{error.max() / spread:.1e} | {rms / spread:.1e}"
        yield f"| int{bits} | {error.max():.2g} vehicles/h | {rms:.2g} | {shares} |"
    yield ""
    for bits in (16, 8):
        _, whole = fitted(model, [calibration], bits)
        told = []
        for part in parts_of(model, whole, windows[:PART]):
            name = f"{part.name} {part.layer}".strip()
            told.append(f"{name} {part.share:.1e}")
        yield f"int{bits}, each source alone, rms of the spread: {', '.join(told)}."
        yield ""


def answers(run: Runner, windows: Array) -> Array:
    """`(windows,)`, some at a time."""
    parts = [run(windows[start : start + PART]) for start in range(0, len(windows), PART)]
    return np.concatenate(parts)[:, 0]


def main() -> None:
    """Measure, write."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    trained = trained_model()
    windows = windows_of(trained.model)
    where = machine_text(machine("numpy", "torch"))
    counted = f"{len(windows):,} windows of the traffic counter; {where}."
    lines = ["", *lines_of(trained.model, trained.windows, windows), counted, ""]
    print(*lines, sep="\n")
    write_block(PAGE, "errors", lines)


if __name__ == "__main__":
    main()
