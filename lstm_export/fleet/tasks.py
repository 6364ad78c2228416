"""The models of a fleet shared out to processes, and whatever happens to each as an outcome."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Protocol

from ..errors import LstmExportError, ParityError, printable
from ..workers import Died, ask_all
from .outcome import Judged, Outcome

Progress = Callable[[Outcome, int], None]  # a model that is done, of how many


class Task(Protocol):
    """What a worker is asked; it travels as a pickle.

    Attributes:
        name: of the model.
        place: where the user named it, for messages; empty where nowhere.
    """

    @property
    def name(self) -> str: ...

    @property
    def place(self) -> str: ...

    def done(self) -> Outcome:
        """Do it.

        Raises:
            LstmExportError: the model failed.
        """


def outcomes(tasks: Sequence[Task], workers: int) -> Iterator[Outcome]:
    """The outcome of every task, as they come; one that fails, or ends its process, is one too.

    Args:
        tasks: what is to be done, a model each.
        workers: processes that share the work.
    """
    for index, answer in ask_all(_outcome, tasks, workers):
        is_dead = isinstance(answer, Died)
        yield _failed(tasks[index], answer.reason) if is_dead else answer


def _outcome(task: Task) -> Outcome:
    """A worker's job."""
    start = time.perf_counter()
    try:
        outcome = task.done()
    except ParityError as error:
        outcome = _failed(task, str(error))
        if error.report:
            outcome = replace(outcome, artifacts=(Judged.of(error.report),))
    except LstmExportError as error:
        outcome = _failed(task, str(error))
    except Exception as error:  # be it a bug of ours: it must not cost the others their work
        outcome = _failed(task, printable(f"{type(error).__name__}: {error}", 400))
    return replace(outcome, seconds=round(time.perf_counter() - start, 3))


def _failed(task: Task, reason: str) -> Outcome:
    return Outcome(task.name, f"{task.place}: {reason}" if task.place else reason)
