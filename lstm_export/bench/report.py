"""What a benchmark found, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .machine import machine_text
from .process import ProcessCost
from .quantities import bytes_text, rate_text, time_text
from .timing import Timing
from .work import Verification

# A quiet machine stays below; more says that something else was running.
NOISY = 0.15


@dataclass(frozen=True)
class WorkResult:
    """One engine at one work.

    Attributes:
        work: `step`, or `batch x seq`.
        times_fastest: its time in units of the fastest engine's, round by round: median, 10th, 90th percentile.
    """

    engine: str
    work: str
    batch: int
    seq: int
    timing: Timing
    times_fastest: tuple[float, float, float]
    verification: Verification


@dataclass(frozen=True)
class Deadline:
    """Whether an engine answers a new sample in time.

    Attributes:
        work: what a new sample takes: a step, or the whole sequence where the engine cannot stream.
        p99_s: what is judged.
        deadline_s: the longest that is allowed; None where no one asked.
        rate_hz, core_share: samples a second, and the mean share of one core that they take.
    """

    work: str
    p99_s: float
    deadline_s: float | None
    rate_hz: float | None
    core_share: float | None

    @property
    def met(self) -> bool:
        """Whether 99 of 100 answers come in time."""
        return self.deadline_s is None or self.p99_s <= self.deadline_s

    @property
    def keeps_up(self) -> bool:
        """Whether samples come no faster than the answers."""
        return self.core_share is None or self.core_share <= 1

    def sentences(self) -> Iterator[str]:
        """The verdict on the deadline, and the share of a core."""
        if self.deadline_s is not None:
            verdict = "passed" if self.met else "failed"
            yield f"deadline {time_text(self.deadline_s)}: {verdict}, p99 of {self.work} is {time_text(self.p99_s)}"
        if self.rate_hz is not None and self.core_share is not None:
            verdict = "" if self.keeps_up else ": failed, there is only one"
            yield f"{self.work} at {rate_text(self.rate_hz)} takes {self.core_share:.2%} of a core{verdict}"


@dataclass(frozen=True)
class EngineResult:
    """One engine: its file, its process, its work.

    Attributes:
        deadline: None where neither deadline nor rate was asked for.
    """

    name: str
    target: str
    path: Path
    size_bytes: int | None
    process: ProcessCost
    works: tuple[WorkResult, ...]
    deadline: Deadline | None

    def failures(self) -> Iterator[str]:
        """Wrong answers, a missed deadline, samples that come too fast."""
        for result in self.works:
            if result.verification.verdict == "failed":
                reason = result.verification.reason or f"error {result.verification.error:.1e}"
                yield f"{self.name} answered wrongly at {result.work}: {reason}"
        if self.deadline and not self.deadline.met:
            yield f"{self.name} missed the deadline"
        if self.deadline and not self.deadline.keeps_up:
            yield f"{self.name} cannot keep up with the rate"


@dataclass(frozen=True)
class BenchReport:
    """All engines, what does not run here, and what they were measured on."""

    engines: tuple[EngineResult, ...]
    notes: tuple[str, ...]
    machine: dict[str, Any]

    @property
    def failures(self) -> tuple[str, ...]:
        """What makes `ok` false."""
        return tuple(failure for engine in self.engines for failure in engine.failures())

    @property
    def ok(self) -> bool:
        """Whether all answers were right and all deadlines met."""
        return not self.failures

    def by_work(self) -> dict[str, list[WorkResult]]:
        """The results of every work in the order of `works`, engines in theirs."""
        most = max(self.engines, key=lambda engine: len(engine.works))  # one that streams knows all of them
        every = [result for engine in self.engines for result in engine.works]
        return {known.work: [result for result in every if result.work == known.work] for known in most.works}

    @property
    def warnings(self) -> tuple[str, ...]:
        """What keeps the figures from saying much: a busy machine, engines too close to tell apart."""
        every = [result for engine in self.engines for result in engine.works]
        worst = max(every, key=lambda result: result.timing.spread)
        noisy = (
            f"the machine is too noisy for these figures: blocks of {worst.engine} at {worst.work} differ by "
            f"{worst.timing.spread:.0%}; close other programs, or give it longer with --seconds",
        )
        return (*(noisy if worst.timing.spread > NOISY else ()), *map(_too_close, filter(_is_close, every)))

    def to_record(self) -> dict[str, Any]:
        """A JSON-ready mapping; numbers that JSON lacks become strings."""
        record: dict[str, Any] = {
            "ok": self.ok,
            "failures": list(self.failures),
            "warnings": list(self.warnings),
            "engines": [asdict(engine) | {"path": str(engine.path)} for engine in self.engines],
            "notes": list(self.notes),
            "machine": self.machine,
        }
        for result in (work for engine in record["engines"] for work in engine["works"]):
            del result["timing"]["block_medians_s"]
            error = result["verification"]["error"]
            result["verification"]["error"] = str(error) if error is not None and not np.isfinite(error) else error
        return record

    def text(self) -> str:
        """Tables for people."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        header = ("", "min", "p50", "p90", "p99", "spread", "times the fastest", "calls", "answers")
        rows: list[Sequence[str]] = [header]
        for work, results in self.by_work().items():
            rows.append((work,))
            rows += [_row(result) for result in results]
        yield from _aligned(rows)
        yield ""
        costs = [("", "start-up", "load", "peak memory", "of it Python", "artifact"), *map(_cost, self.engines)]
        yield from _aligned(costs)
        sentences = [(one.name, text) for one in self.engines if one.deadline for text in one.deadline.sentences()]
        yield from ["", *(f"{name}: {text}" for name, text in sentences)] if sentences else ()
        yield from ("", *(f"note: {note}" for note in self.notes), machine_text(self.machine))


def _is_close(result: WorkResult) -> bool:
    middle, low, high = result.times_fastest
    return middle > 1 and low <= 1 <= high


def _too_close(result: WorkResult) -> str:
    middle, low, high = result.times_fastest
    times = f"{middle:.2f} times its time, {low:.2f} to {high:.2f}"
    return f"{result.engine} at {result.work} is too close to the fastest to tell: {times}"


def _row(result: WorkResult) -> Sequence[str]:
    timing, (middle, low, high) = result.timing, result.times_fastest
    times = [time_text(value) for value in (timing.min_s, timing.p50_s, timing.p90_s, timing.p99_s)]
    ratio = "1" if (low, high) == (1.0, 1.0) else f"{middle:.2f} ({low:.2f}-{high:.2f})"
    return (f"  {result.engine}", *times, f"{timing.spread:.0%}", ratio, f"{timing.calls:,}", _answers(result))


def _answers(result: WorkResult) -> str:
    found = result.verification
    if found.against == "nothing":
        return "not checked"
    return f"{found.verdict} against {found.against}"


def _cost(engine: EngineResult) -> Sequence[str]:
    cost = engine.process
    memory = map(bytes_text, (cost.peak_memory_bytes, cost.python_memory_bytes, engine.size_bytes))
    return (f"  {engine.name}", time_text(cost.start_up_s), time_text(cost.load_s), *memory)


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """The first column to the left, the last of nine too, numbers to the right."""
    wide = max(rows, key=len)
    widths = [max(len(row[k]) for row in rows if k < len(row)) for k in range(len(wide))]
    for row in rows:
        cells = [cell.ljust(w) if k in (0, 8) else cell.rjust(w) for k, (cell, w) in enumerate(zip(row, widths))]  # noqa: B905 - a heading has one cell
        yield "  ".join(cells).rstrip()
