"""A task of a fleet whose name says what becomes of it."""

from __future__ import annotations

from dataclasses import dataclass

from lstm_export.errors import InputError
from lstm_export.fleet.outcome import Outcome
from tests.kit.worker_jobs import answer


@dataclass(frozen=True)
class NamedTask:
    """It ends its process, raises, or is done."""

    name: str
    place: str = "row 3 of fleet.csv"

    def done(self) -> Outcome:
        if self.name == "refused":
            raise InputError("it is refused")
        if self.name == "bug":
            raise ZeroDivisionError("division\nby zero")
        answer(self.name)
        return Outcome(self.name)
