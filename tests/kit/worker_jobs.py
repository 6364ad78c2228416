"""What workers are asked in tests: a module that a fresh process can import, and nothing heavy."""

from __future__ import annotations

import os
import signal
import sys
import time

THREADS = "OMP_NUM_THREADS"


def answer(question: str) -> tuple[str, int]:
    """The question and who answers; some questions end the process, or take for ever."""
    if question == "be killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if question == "exit":
        os._exit(3)
    if question == "sleep":
        time.sleep(600)
    if question == "print":
        print("printed", flush=True)
    if question == THREADS:
        return os.environ[THREADS], os.getpid()
    return question, os.getpid()


def is_imported(module: str) -> bool:
    """Whether a process has a module."""
    return module in sys.modules
