"""Signals that end a command: one line, nothing half-written, exit code 128 + the signal."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import FrameType

_ENDING = ("SIGTERM", "SIGHUP")  # a request to end, and a terminal that hangs up


class Ended:
    """The signal that ended a command.

    Attributes:
        number: the signal; Ctrl-C's unless another came.
    """

    def __init__(self) -> None:
        self.number = int(signal.SIGINT)

    @property
    def exit_code(self) -> int:
        """The exit code that a shell gives for a program that the signal ended."""
        return 128 + self.number

    @property
    def word(self) -> str:
        """For people."""
        return "interrupted" if self.number == signal.SIGINT else "terminated"


def not_ignored(names: Iterable[str]) -> list[signal.Signals]:
    """The signals of these names that this system has and that the caller does not ignore."""
    known = [signal.Signals[name] for name in names if name in signal.Signals.__members__]
    return [number for number in known if signal.getsignal(number) is not signal.SIG_IGN]


@contextmanager
def as_interrupts() -> Iterator[Ended]:
    """Let these signals do what Ctrl-C does, KeyboardInterrupt, so that temporary files go and
    training keeps its best.

    A signal that the caller ignores, as under nohup, stays ignored; a second one does not disturb
    the clearing up.
    """
    ended = Ended()

    def end(number: int, frame: FrameType | None) -> None:
        ended.number = number
        for handled in before:
            signal.signal(handled, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {}
    if threading.current_thread() is threading.main_thread():  # no other may set handlers
        before = {number: signal.getsignal(number) for number in not_ignored(_ENDING)}
    try:
        for number in before:
            signal.signal(number, end)
        yield ended
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
