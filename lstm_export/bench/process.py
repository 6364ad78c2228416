"""A fresh process with one engine, as a device starts it: start-up, load time, peak memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..verification.permission import NO_PERMISSION, Permission
from .child import READY

STARTS = 3
_PROGRAM = Path(__file__).with_name("child.py")


@dataclass(frozen=True)
class ProcessCost:
    """What a process with one engine costs.

    Attributes:
        start_up_s: from the start of Python to the first answer, the quickest of three.
        load_s: opening the file in a process that has opened it before, median.
        peak_memory_bytes: the most that the whole process held, a (batch, seq) run included; None
            where unknown.
        python_memory_bytes: the same before the file was opened: Python and numpy.
    """

    start_up_s: float
    load_s: float
    peak_memory_bytes: int | None
    python_memory_bytes: int | None


def cost_of_process(  # noqa: PLR0913, PLR0917 - the arguments of the program
    path: Path,
    engine: str,
    batch: int,
    seq: int,
    permission: Permission = NO_PERMISSION,
    key: Path | None = None,
    least: int = 1,
) -> ProcessCost:
    """Measure in processes of their own; the first answer is to `least` steps.

    Raises:
        InputError: such a process failed; the last line that it wrote is in the message.
    """
    program = _PROGRAM.read_text(encoding="utf-8")
    trust = "trust" if permission.trust else ""
    arguments = [str(path), engine, str(batch), str(seq), trust, str(key or ""), str(least)]
    command = [sys.executable, "-c", program, *arguments]
    starts = [_start(command) for _ in range(STARTS)]
    start_up_s = min(start_up_s for start_up_s, _ in starts)
    _, record = starts[-1]
    return ProcessCost(start_up_s, **record)


def _start(command: list[str]) -> tuple[float, dict[str, Any]]:
    """Seconds until the process says that it is ready, and what it found of itself."""
    quiet = {**os.environ, "PYTHONWARNINGS": "ignore"}
    start = time.perf_counter()
    with subprocess.Popen(  # noqa: S603 - this Python, and names that the user gave
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=quiet
    ) as process:
        assert process.stdout  # noqa: S101 - for the type checker: it is a pipe
        said = process.stdout.readline().strip()
        start_up_s = time.perf_counter() - start
        rest, errors = process.communicate()
    if said != READY or process.returncode:
        reason = (errors.strip().splitlines() or [f"exit code {process.returncode}"])[-1]
        raise InputError(f"a fresh process could not run {command[3]} with {command[4]}: {reason}")
    return start_up_s, json.loads(rest)
