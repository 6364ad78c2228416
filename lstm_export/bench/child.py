"""The program of a fresh process: open, answer, say `ready`; then measure memory and load time.

Its text is handed to Python, so that nothing is imported but what a device's program imports.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
import warnings
from pathlib import Path

LOADS = 9
READY = "ready"


def main() -> None:
    """Arguments: file, engine, batch, seq, `trust` or nothing, a public key or nothing, and the
    steps that are answered first.

    Prints READY, then one JSON object.
    """
    import numpy as np

    import lstm_export

    path = Path(sys.argv[1])
    engine = sys.argv[2]
    batch = int(sys.argv[3])
    seq = int(sys.argv[4])
    trust = sys.argv[5] == "trust"
    key = sys.argv[6] or None
    least = int(sys.argv[7])
    warnings.simplefilter("ignore")  # zeros may lie outside the training range
    python = peak_memory_bytes()
    session = lstm_export.load(path, engine, trust=trust, key=key)
    session(np.zeros((1, least, session.input_size), np.float32))
    print(READY, flush=True)
    session(np.zeros((batch, seq, session.input_size), np.float32))
    peak = peak_memory_bytes()
    loads = []
    for _ in range(LOADS):
        start = time.perf_counter()
        lstm_export.load(path, engine, trust=trust, key=key)
        loads.append(time.perf_counter() - start)
    record = {
        "load_s": statistics.median(loads),
        "peak_memory_bytes": peak,
        "python_memory_bytes": python,
    }
    print(json.dumps(record))


def peak_memory_bytes() -> int | None:
    """The most memory that this process has held; None where the system does not tell."""
    status = Path("/proc/self/status")
    if status.exists():  # not ru_maxrss: on Linux a process inherits that of its parent
        lines = status.read_text(encoding="utf-8").splitlines()
        kilobytes = [line.split()[1] for line in lines if line.startswith("VmHWM:")]
        if kilobytes:
            return int(kilobytes[0]) * 1024
    if sys.platform == "win32":
        return None
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


if __name__ == "__main__":
    main()
