"""The models of a fleet shared out to processes, and whatever happens to each as an outcome."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from ..errors import LstmExportError, ParityError, printable
from ..scale.sharing import Answers, Engine, ask_on
from ..workers import Died, ask_all
from .outcome import Judged, Outcome

Progress = Callable[[Outcome, int], None]  # a model that is done, of how many


@dataclass(frozen=True)
class Sharing:
    """How the models of a fleet are shared out to processes.

    Attributes:
        engine: what runs the processes: `local`, or a cluster's.
        workers: how many; None for one a core here, and for what a cluster has.
    """

    engine: Engine = "local"
    workers: int | None = None

    def describe(self) -> str:
        """For people: `2 processes here`."""
        where = "here" if self.engine == "local" else f"on {self.engine.capitalize()}"
        if self.workers is None:
            return f"a process a core {where}" if self.engine == "local" else f"processes {where}"
        return f"{self.workers} {'process' if self.workers == 1 else 'processes'} {where}"

    def answers(self, job: Callable[[Any], Any], questions: Sequence[Any]) -> Answers:
        """As `workers.ask_all`.

        Raises:
            MissingDependency: the engine is not installed.
        """
        if self.engine == "local":  # never in this process, which outlives what a model does to it
            return ask_all(job, questions, self.workers or os.cpu_count() or 1)
        return ask_on(self.engine, job, questions, self.workers)


HERE = Sharing()


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


def outcomes(tasks: Sequence[Task], sharing: Sharing) -> Iterator[Outcome]:
    """The outcome of every task, as they come; one that fails, or ends its process, is one too.

    Raises:
        MissingDependency: the engine is not installed.
    """
    for index, answer in sharing.answers(_outcome, tasks):
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
