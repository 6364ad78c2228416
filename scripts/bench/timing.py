"""What the benchmarks beside this file share: timing turn and turn about, and what they ran on."""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lstm_export.bench.machine import machine, machine_text

__all__ = ["Times", "alternate", "machine", "medians", "options", "ratio", "report"]

Times = dict[str, list[float]]


def alternate(
    functions: Mapping[str, Callable[[], object]],
    rounds: int,
    *,
    calls: int = 1,
    clock: Callable[[], float] = time.perf_counter,
) -> Times:
    """Seconds a call of every function, once a round; the order turns around every round, the first
    round is dropped.

    What slows the machine for a while slows all of them: compare them round by round, with `ratio`.
    """
    times: Times = {name: [] for name in functions}
    for round_ in range(rounds + 1):
        order = list(functions.items())
        for name, function in order if round_ % 2 else reversed(order):
            start = clock()
            for _ in range(calls):
                function()
            times[name].append((clock() - start) / calls)
    return {name: seconds[1:] for name, seconds in times.items()}


def ratio(times: Times, slow: str, fast: str) -> float:
    """The median over the rounds of one function's time in units of another's."""
    return statistics.median(a / b for a, b in zip(times[slow], times[fast], strict=True))


def medians(times: Times) -> dict[str, float]:
    """The median of every function, in seconds."""
    return {name: statistics.median(seconds) for name, seconds in times.items()}


def options(docstring: str) -> argparse.ArgumentParser:
    """What all of them take; help says what the first line of a program's docstring does."""
    parser = argparse.ArgumentParser(description=docstring.splitlines()[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    return parser


def report(
    lines: Sequence[str],
    record: Mapping[str, Any],
    found: Mapping[str, Any],
    given: argparse.Namespace,
) -> None:
    """Print the lines and what they were measured on; with `--json FILE` write all of it there.

    `given` is what was parsed by `options`.
    """
    print(*lines, sep="\n")
    print(f"\n{machine_text(found)}")
    if given.json:
        given.json.write_text(
            json.dumps({**record, "machine": found}, indent=2) + "\n", encoding="utf-8"
        )
