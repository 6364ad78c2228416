"""Play a table through a bundle, row by row, and show prediction against measurement as they come.

    python scripts/demo/play.py BUNDLE TABLE.csv [--mode window|state] [--speed ROWS_A_SECOND]
    [--rows N]

On a terminal: bars are what was measured, dots what had been predicted for that hour one step
before, and after the present hour stands the forecast as it is now. Elsewhere: a line a day, as
fast as it goes.
"""

from __future__ import annotations

import argparse
import csv
import os
import shutil
import sys
import time
import warnings
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

import lstm_export
from lstm_export.device import InputRangeWarning, RowStream

FRAMES_A_SECOND = 25
BARS = " ▁▂▃▄▅▆▇█"
GREY = "\x1b[90m"
RED = "\x1b[91m"
BOLD = "\x1b[1m"
PLAIN = "\x1b[0m"
CHART_ROWS = 14
LEFT = 8  # lines of the chart, columns of its scale


@dataclass
class Played:
    """What has been measured and predicted so far.

    Attributes:
        measured: the target of the last rows.
        expected: what had been predicted for each of them one step before; NaN where nothing had.
        forecast: what is predicted now for the steps to come.
        errors: of predictions, and of taking the value before as one, `(prediction, persistence)`.
        seconds: time that each answer took.
        notes: gaps that were met.
        warnings: features that left the range of training.
    """

    measured: deque[float] = field(default_factory=lambda: deque(maxlen=2048))
    expected: deque[float] = field(default_factory=lambda: deque(maxlen=2048))
    forecast: Sequence[float] = ()
    errors: list[tuple[float, float]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    when: str = ""

    def take(self, when: str, value: float, forecast: Sequence[float], seconds: float) -> None:
        """One more row: its time, the target measured in it, and the answer to it."""
        expected = self.forecast[0] if len(self.forecast) else float("nan")
        if np.isfinite(expected):
            self.errors.append((expected - value, self.measured[-1] - value))
        self.measured.append(value)
        self.expected.append(expected)
        self.when = when
        self.forecast = forecast
        self.seconds.append(seconds)

    def rmse(self, since: int = 0) -> tuple[float, float]:
        """Of prediction and persistence, in the target's unit; NaN while there is nothing."""
        part = np.array(self.errors[since:] or [(np.nan, np.nan)])
        prediction, persistence = np.sqrt((part**2).mean(axis=0))
        return float(prediction), float(persistence)


def rows(
    path: Path, stream: RowStream, target: str, played: Played, limit: int
) -> Iterator[Played]:
    """Every row of the table taken, one after another."""
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.reader(file)
        header = next(reader)
        stream.begin(header)
        column = header.index(target)
        for line, cells in enumerate(reader, start=2):
            if limit and line > limit + 1:
                return
            gaps = len(played.notes)
            start = time.perf_counter()
            when, *answer = stream.answer(cells, line)
            seconds = time.perf_counter() - start
            if len(played.notes) > gaps:  # what was predicted was for another hour
                played.forecast = ()
            played.take(when, float(cells[column]), [float(cell) for cell in answer], seconds)
            yield played


def picture(played: Played, title: str, unit: str, color: bool) -> str:
    """One frame for a terminal of the present size."""
    width = max(20, shutil.get_terminal_size().columns - LEFT - 2)
    ahead = len(played.forecast)
    measured, expected = (
        [*values][-(width - ahead - 1) :] for values in (played.measured, played.expected)
    )
    dots = [*expected, float("nan"), *played.forecast]
    top = max([1.0, *measured, *(dot for dot in dots if np.isfinite(dot))]) * 1.05
    lines = [title, ""]
    for row in range(CHART_ROWS, 0, -1):
        scale = f"{top * row / CHART_ROWS:>{LEFT - 2},.0f} " if row % 4 == 0 else " " * (LEFT - 1)
        cells = [cell(k, row, top, measured, dots, color) for k in range(len(dots))]
        lines.append(scale + "".join(cells))
    prediction, persistence = played.rmse()
    now = f"{played.when}   measured {measured[-1]:,.0f} {unit}   predicted {expected[-1]:,.0f}"
    errors = f"RMSE one step ahead {prediction:,.0f}, of the value before {persistence:,.0f}"
    lines += ["", now, f"{len(played.seconds):,} samples   {errors}"]
    row_us = np.median(played.seconds[-500:]) * 1e6
    lines.append(f"{row_us:,.0f} microseconds a row, from its text to the answer")
    lines.append((played.warnings[-1:] or played.notes[-1:] or [""])[0])
    return "\n".join(f"{line}\x1b[K" for line in lines)


def cell(  # noqa: PLR0913, PLR0917 - what a character depends on
    k: int, row: int, top: float, measured: Sequence[float], dots: Sequence[float], color: bool
) -> str:
    """One character: a dot where the prediction is, else what of the bar reaches this row."""
    if (
        np.isfinite(dots[k])
        and int(np.clip(dots[k] / top * CHART_ROWS, 0, CHART_ROWS - 1)) == row - 1
    ):
        return f"{RED}●{PLAIN}" if color else "o"
    if k >= len(measured):
        return " "
    eighths = int(np.clip(round((measured[k] / top * CHART_ROWS - row + 1) * 8), 0, 8))
    return f"{GREY}{BARS[eighths]}{PLAIN}" if color else BARS[eighths]


@contextmanager
def screen() -> Iterator[None]:
    """The terminal's other screen without a cursor; what stood there before comes back."""
    sys.stdout.write("\x1b[?1049h\x1b[?25l\x1b[2J")
    try:
        yield
    finally:
        sys.stdout.write("\x1b[?25h\x1b[?1049l")
        sys.stdout.flush()


def play(found: Iterator[Played], title: str, unit: str, speed: float) -> None:
    """Frame after frame, no more than a terminal can show."""
    color = "NO_COLOR" not in os.environ
    start = time.monotonic()
    shown = 0.0
    with screen():
        for count, played in enumerate(found, start=1):
            due = start + count / speed
            if due > time.monotonic():
                time.sleep(due - time.monotonic())
            if time.monotonic() - shown >= 1 / FRAMES_A_SECOND:
                sys.stdout.write("\x1b[H" + picture(played, title, unit, color) + "\x1b[J")
                sys.stdout.flush()
                shown = time.monotonic()


def log(found: Iterator[Played], unit: str) -> None:
    """A line for every day that has ended."""
    day = ""
    since = 0
    for played in found:
        if day and played.when[:10] != day:
            prediction, persistence = played.rmse(since)
            ahead = f"RMSE one step ahead {prediction:7.1f} {unit}"
            print(f"{day}  {ahead}, of the value before {persistence:7.1f}", flush=True)
            since = len(played.errors)
        day = played.when[:10]


def main() -> None:
    """Play, then sum up."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundle", type=Path)
    parser.add_argument("table", type=Path)
    parser.add_argument("--mode", choices=["window", "state"], help="by default as the bundle says")
    parser.add_argument("--speed", type=float, default=60.0, help="rows a second on a terminal")
    parser.add_argument("--rows", type=int, default=0, help="stop after so many; 0 for all")
    options = parser.parse_args()
    session = lstm_export.load(options.bundle)
    played = Played()
    stream = RowStream(session, mode=options.mode, say=played.notes.append)
    target = session.signature.targets[0]
    found = rows(options.table, stream, target.name, played, options.rows)
    mode = options.mode or session.stream().mode
    legend = f"{target.name}: bars measured, dots predicted one step before"
    title = f"{legend}   {options.bundle.name}, {mode} mode"
    code = 0
    warnings.simplefilter("always", InputRangeWarning)
    warnings.showwarning = lambda message, *_, **__: played.warnings.append(f"warning: {message}")
    try:
        if sys.stdout.isatty():
            play(found, title, target.unit, max(options.speed, 0.1))
        else:
            log(found, target.unit)
    except KeyboardInterrupt:
        code = 130
    prediction, persistence = played.rmse()
    print(*played.notes, *played.warnings, sep="\n")
    row_us = np.median(played.seconds) * 1e6
    print(
        f"{len(played.seconds):,} samples one by one, {len(played.notes)} gaps; "
        f"one step ahead RMSE {prediction:.1f} {target.unit}, "
        f"of the value before {persistence:.1f}; {row_us:.0f} us a row"
    )
    sys.exit(code)


if __name__ == "__main__":
    main()
