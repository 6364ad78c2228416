"""What a benchmark found, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import zip_longest
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

LATENCY_HEADER = (
    "",
    "min",
    "p50",
    "p90",
    "p99",
    "spread",
    "times the fastest",
    "calls",
    "answers",
)
COST_HEADER = ("", "start-up", "load", "peak memory", "of it Python", "artifact")
TO_THE_LEFT = (0, 8)  # columns of names; numbers stand to the right


@dataclass(frozen=True)
class WorkResult:
    """One engine at one work.

    Attributes:
        work: `step`, or `batch x seq`.
        times_fastest: its time in units of the fastest engine's, round by round: median, 10th, 90th
            percentile.
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
            yield (
                f"deadline {time_text(self.deadline_s)}: {verdict}, "
                f"p99 of {self.work} is {time_text(self.p99_s)}"
            )
        if self.rate_hz is not None and self.core_share is not None:
            verdict = "" if self.keeps_up else ": failed, there is only one"
            share = f"{self.core_share:.2%} of a core"
            yield f"{self.work} at {rate_text(self.rate_hz)} takes {share}{verdict}"


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
        every = [result for engine in self.engines for result in engine.works]
        most = max(self.engines, key=lambda engine: len(engine.works))  # one that streams has all
        names = [result.work for result in most.works]
        return {name: [result for result in every if result.work == name] for name in names}

    @property
    def warnings(self) -> tuple[str, ...]:
        """What keeps the figures from saying much: a busy machine, engines too close to tell
        apart."""
        every = [result for engine in self.engines for result in engine.works]
        found = []
        worst = max(every, key=lambda result: result.timing.spread)
        if worst.timing.spread > NOISY:
            found.append(
                "the machine is too noisy for these figures: blocks of "
                f"{worst.engine} at {worst.work} differ by {worst.timing.spread:.0%}; "
                "close other programs, or give it longer with --seconds"
            )
        found += [_too_close(result) for result in every if _is_close(result)]
        return tuple(found)

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
        for engine in record["engines"]:
            for result in engine["works"]:
                del result["timing"]["block_medians_s"]
                verification = result["verification"]
                error = verification["error"]
                if error is not None and not np.isfinite(error):
                    verification["error"] = str(error)
        return record

    def text(self) -> str:
        """Tables for people."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        rows: list[Sequence[str]] = [LATENCY_HEADER]
        for work, results in self.by_work().items():
            rows.append((work,))
            rows += [_row(result) for result in results]
        yield from _aligned(rows)
        yield ""
        yield from _aligned([COST_HEADER, *(_cost(engine) for engine in self.engines)])
        yield from self._deadlines()
        yield ""
        for note in self.notes:
            yield f"note: {note}"
        yield machine_text(self.machine)

    def _deadlines(self) -> Iterator[str]:
        judged = [engine for engine in self.engines if engine.deadline]
        if judged:
            yield ""
        for engine in judged:
            for sentence in engine.deadline.sentences() if engine.deadline else ():
                yield f"{engine.name}: {sentence}"


def _is_close(result: WorkResult) -> bool:
    middle, low, high = result.times_fastest
    return middle > 1 and low <= 1 <= high


def _too_close(result: WorkResult) -> str:
    middle, low, high = result.times_fastest
    times = f"{middle:.2f} times its time, {low:.2f} to {high:.2f}"
    return f"{result.engine} at {result.work} is too close to the fastest to tell: {times}"


def _row(result: WorkResult) -> Sequence[str]:
    timing = result.timing
    middle, low, high = result.times_fastest
    is_fastest = (low, high) == (1.0, 1.0)
    return (
        f"  {result.engine}",
        time_text(timing.min_s),
        time_text(timing.p50_s),
        time_text(timing.p90_s),
        time_text(timing.p99_s),
        f"{timing.spread:.0%}",
        "1" if is_fastest else f"{middle:.2f} ({low:.2f}-{high:.2f})",
        f"{timing.calls:,}",
        _answers(result),
    )


def _answers(result: WorkResult) -> str:
    found = result.verification
    if found.against == "nothing":
        return "not checked"
    return f"{found.verdict} against {found.against}"


def _cost(engine: EngineResult) -> Sequence[str]:
    cost = engine.process
    return (
        f"  {engine.name}",
        time_text(cost.start_up_s),
        time_text(cost.load_s),
        bytes_text(cost.peak_memory_bytes),
        bytes_text(cost.python_memory_bytes),
        bytes_text(engine.size_bytes),
    )


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Names to the left, numbers to the right; a row of one cell is a heading."""
    columns = zip_longest(*rows, fillvalue="")
    widths = [max(map(len, column)) for column in columns]
    for row in rows:
        cells = []
        for at, cell in enumerate(row):
            width = widths[at]
            cells.append(cell.ljust(width) if at in TO_THE_LEFT else cell.rjust(width))
        yield "  ".join(cells).rstrip()
