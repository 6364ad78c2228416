"""Processes that answer questions, each one at a time; one that dies costs its question alone.

Nothing heavy is imported here: a process sets its threads before the job brings numpy and torch.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import forkserver
from multiprocessing.connection import Connection, wait
from types import FrameType, ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext, SpawnContext

# Workers share the cores already.
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_WARM = "forkserver"  # a start method of multiprocessing
_PATIENCE_S = 10.0  # for a process to clear up and end
_LEAVING_OUT = threading.Lock()  # of two threads the later would put the other's stand-in back


@dataclass(frozen=True)
class Died:
    """The answer of a process that ended over its question; `reason` says how, for people."""

    reason: str


def ask_all(
    job: Callable[[Any], Any], questions: Sequence[Any], workers: int
) -> Iterator[tuple[int, Any]]:
    """The index of each question and its answer, as they come; `Died` where there is none.

    Whoever stops asking ends the processes, and what they were at.

    Args:
        job: a function of a module, which answers a question and raises nothing.
        questions: what pickle takes, as it must take the answers.
        workers: processes at most; each keeps what it has imported for its next question.
    """
    waiting = deque(enumerate(questions))
    idle: list[_Worker] = []
    busy: dict[Any, tuple[_Worker, int]] = {}  # by connection
    try:
        while waiting or busy:
            while waiting and len(busy) < workers:
                index, question = waiting.popleft()
                worker = idle.pop() if idle else _Worker()
                busy[worker.connection] = (worker, index)
                worker.ask(job, question)
            for connection in wait(list(busy)):
                worker, index = busy.pop(connection)
                answer = worker.answer()
                if not isinstance(answer, Died):
                    idle.append(worker)
                yield index, answer
    finally:
        _end([*idle, *(worker for worker, _ in busy.values())])


def import_beforehand(modules: Sequence[str]) -> None:
    """Import once what all processes of `ask_all` need, while this process does something else.

    For a program's main process, whose start method becomes forkserver: its workers are forked
    from a process that holds the modules, and share their memory. Outside Linux, where a fork is no
    safe way, every worker goes on to import for itself.

    Args:
        modules: which start no thread when they are imported, since a fork leaves threads behind;
            one that is not installed is left out.
    """
    if sys.platform != "linux":
        return
    multiprocessing.set_start_method(_WARM, force=True)
    multiprocessing.set_forkserver_preload(list(modules))
    with _interrupts_held(), _one_thread():
        forkserver.ensure_running()


class _Worker:
    """A process, and our end of the pipe to it."""

    def __init__(self) -> None:
        if multiprocessing.get_start_method(allow_none=True) == _WARM:
            try:
                self._start(multiprocessing.get_context("forkserver"))
            except (EOFError, ConnectionError):  # importing beforehand ended in an error
                pass
            else:
                return
        self._start(multiprocessing.get_context("spawn"))

    def _start(self, context: SpawnContext | ForkServerContext) -> None:
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs,), daemon=True)
        with _interrupts_held(), _main_module_left_out():
            self.process.start()
        theirs.close()

    def ask(self, job: Callable[[Any], Any], question: Any) -> None:
        try:
            self.connection.send((job, question))
        except OSError:  # it died while it was idle, which its answer will say
            return

    def answer(self) -> Any:
        try:
            return self.connection.recv()
        except (EOFError, OSError):
            self.connection.close()
            self.process.join()
            return Died(_reason(self.process.exitcode or 0))


def _end(workers: Sequence[_Worker]) -> None:
    for worker in workers:
        worker.process.terminate()
    for worker in workers:
        worker.process.join(_PATIENCE_S)
        worker.process.kill()
        worker.connection.close()


def _reason(exit_code: int) -> str:
    if exit_code >= 0:
        return f"its process ended with exit code {exit_code}"
    name = signal.Signals(-exit_code).name
    hint = ", which is what a system does that runs out of memory" if name == "SIGKILL" else ""
    return f"its process was ended by {name}{hint}"


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Ctrl-C goes to every process of a terminal; a process that starts now never sees it, and is
    ended by us."""
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _main_module_left_out() -> Iterator[None]:
    """A process would import the program once more, in which no job is; and a script that asks
    without `if __name__ == "__main__":` would ask again."""
    with _LEAVING_OUT:
        program = sys.modules["__main__"]
        sys.modules["__main__"] = ModuleType("__main__")
        try:
            yield
        finally:
            sys.modules["__main__"] = program


@contextmanager
def _one_thread() -> Iterator[None]:
    """A process that starts now leaves the other cores alone."""
    before = {name: os.environ[name] for name in _ONE_THREAD if name in os.environ}
    os.environ.update(dict.fromkeys(_ONE_THREAD, "1"))
    try:
        yield
    finally:
        for name in _ONE_THREAD:
            del os.environ[name]
        os.environ.update(before)


def _serve(connection: Connection) -> None:
    """The process's side, until the other ends."""
    os.environ.update(dict.fromkeys(_ONE_THREAD, "1"))
    os.dup2(2, 1)  # what a job prints must not get into its parent's output
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)
    while True:
        try:
            job, question = connection.recv()
        except EOFError:
            return
        connection.send(job(question))


def _leave(number: int, frame: FrameType | None) -> None:
    """End as Python does, so that a half-written file is removed on the way."""
    raise SystemExit(128 + number)
