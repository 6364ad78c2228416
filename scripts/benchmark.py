"""What the benchmarks beside this file share: timing turn and turn about, and what they ran on."""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

Times = dict[str, list[float]]


def alternate(
    functions: Mapping[str, Callable[[], object]],
    rounds: int,
    *,
    calls: int = 1,
    clock: Callable[[], float] = time.perf_counter,
) -> Times:
    """Seconds a call of every function, once a round; the order turns around every round, the first round is dropped.

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


def machine(*packages: str) -> dict[str, Any]:
    """Processor, system, Python, and the versions of this package and of `packages`."""
    versions = {name: metadata.version(name) for name in ("lstm-export", *packages)}
    system = f"{platform.system()} {platform.release()}"
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": system,
        "python": platform.python_version(),
        "versions": versions,
    }


def _processor() -> str:
    """Its name where the system tells one, else its architecture."""
    cpuinfo = Path("/proc/cpuinfo")
    text = cpuinfo.read_text(encoding="utf-8") if cpuinfo.exists() else ""
    names = [line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def report(lines: Sequence[str], record: Mapping[str, Any], found: Mapping[str, Any]) -> None:
    """Print the lines and what they were measured on; with `--json FILE` on the command line, write all of it there."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    target = parser.parse_args().json
    print(*lines, sep="\n")
    versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    print(f"\n{found['processor']}, {found['cores']} cores, {found['system']}")
    print(f"python {found['python']}, {versions}")
    if target:
        target.write_text(json.dumps({**record, "machine": found}, indent=2) + "\n", encoding="utf-8")
