"""The benchmark: engines against each other at every work, then each in a process of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ..errors import InputError
from ..model import Array
from ..verification.artifact import UsersWord
from .engines import Engine, Stepper, open_engines
from .machine import machine
from .process import cost_of_process
from .report import BenchReport, Deadline, EngineResult, WorkResult
from .timing import Block, race
from .work import Answers, Question, Work, timed, works

DEFAULT_SEQ = 100
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Options:
    """What to measure, and for how long.

    Attributes:
        engines: targets to run; all by default.
        batch, seq: the sizes of sequences; `seq` is the stored window by default, 100 without one.
        budget_s, warm_up_s: seconds for each engine at each work.
        deadline_s: the longest that the answer to one new sample may take.
        rate_hz: samples a second, for the share of a core.
        trust: run code that is in the files, see `verification.artifact`.
    """

    engines: tuple[str, ...] = ()
    batch: int = 32
    seq: int | None = None
    budget_s: float = 1.0
    warm_up_s: float = 0.2
    deadline_s: float | None = None
    rate_hz: float | None = None
    trust: bool = False

    def __post_init__(self) -> None:
        for name, value in (("batch", self.batch), ("seq", 1 if self.seq is None else self.seq)):
            if value < 1:
                raise InputError(f"{name} is {value}, expected at least 1")
        if not (self.budget_s > 0 and self.warm_up_s >= 0):
            raise InputError(
                f"{self.budget_s} s of timing after {self.warm_up_s} s of warm-up, expected more than none"
            )


def bench(
    paths: Sequence[Path | str], options: Options | None = None, progress: Progress | None = None
) -> BenchReport:
    """Measure every engine that bundles and artifacts hold; it never raises over a slow or a wrong one.

    Args:
        paths: bundles and artifacts.
        options: what to measure, and for how long.
        progress: called with what is measured next.

    Raises:
        InputError: a file is of no known format, or holds nothing that runs here.
        BundleError: a bundle is damaged or unsafe.
    """
    options = options or Options()
    say = progress or (lambda _: None)
    word = UsersWord(options.trust)
    engines, notes = open_engines([Path(path) for path in paths], options.engines, word)
    windows = [engine.signature.window for engine in engines if engine.signature.window]
    seq = options.seq or next(iter(windows), DEFAULT_SEQ)
    questions: list[Question] = []
    found: list[WorkResult] = []
    for work in works(options.batch, seq):
        say(f"timing {work.name}")
        found += _timed(engines, work, options, questions)
    results = []
    for engine in engines:
        say(f"starting {engine.name} in a process of its own")
        cost = cost_of_process(engine.path, engine.target, options.batch, seq, word)
        mine = tuple(result for result in found if result.engine == engine.name)
        deadline = _deadline(mine, options)
        results.append(
            EngineResult(
                engine.name, engine.target, engine.path, engine.size_bytes, cost, mine, deadline
            )
        )
    packages = dict.fromkeys(("numpy", *(engine.needs for engine in engines if engine.needs)))
    return BenchReport(tuple(results), notes, machine(*packages))


def _timed(
    engines: Sequence[Engine], work: Work, options: Options, known: list[Question]
) -> list[WorkResult]:
    """All engines that can do this work, in turns."""
    able = [engine for engine in engines if engine.stepper or not work.streaming]
    if not able:
        return []
    for engine in sorted(able, key=lambda engine: engine.model is None):
        _question(engine, work, known)
    answers = {engine.name: Answers(_question(engine, work, known), work) for engine in able}
    blocks: dict[str, Block] = {
        one.name: partial(_block, one, work, answers[one.name]) for one in able
    }
    timings = race(blocks, options.budget_s, options.warm_up_s)
    quickest = min(timings.values(), key=lambda timing: timing.p50_s)
    results = []
    for name, timing in timings.items():
        others = [other for other_name, other in answers.items() if other_name != name]
        verification = answers[name].verification(others)
        results.append(
            WorkResult(
                name, work.name, work.batch, work.seq, timing, timing.times(quickest), verification
            )
        )
    return results


def _question(engine: Engine, work: Work, known: list[Question]) -> Question:
    """The same for all engines of a model. One whose model is not known takes another's inputs, to be compared."""
    shape = (work.batch, work.seq, engine.signature.input_size)
    question = next((one for one in known if one.fits(engine.model, *shape)), None)
    if question is None:
        others = [one for one in known if one.x.shape == shape] if engine.model is None else []
        if others:
            question = Question(None, others[0].x, None)
        else:
            question = Question.of(engine.model, engine.signature, work.batch, work.seq)
        known.append(question)
    return question


def _block(engine: Engine, work: Work, answers: Answers, calls: int) -> list[int]:
    """At least `calls` timed calls, and the last answer judged."""
    x = answers.x
    if work.streaming and engine.stepper:
        return _steps(engine.stepper, x, answers, calls)
    times, y = timed(engine.runner, [x] * calls)
    answers.judge(y)
    return times


def _steps(stepper: Stepper, x: Array, answers: Answers, calls: int) -> list[int]:
    """Whole sequences from the initial state on, every step timed; the last step's answer is the sequence's."""
    every: list[int] = []
    steps = [x[:, t : t + 1] for t in range(x.shape[1])]  # each (1, 1, input_size)
    while len(every) < calls:
        stepper.reset()
        times, y = timed(stepper, steps)
        every += times
    answers.judge(y.reshape(1, -1))
    return every


def _deadline(results: Sequence[WorkResult], options: Options) -> Deadline | None:
    """Judged on what one new sample takes: a step, or all of the window again where the engine cannot stream."""
    if options.deadline_s is None and options.rate_hz is None:
        return None
    one_row = [result for result in results if result.batch == 1]
    result = next((one for one in one_row if one.work == "step"), one_row[-1])
    share = None if options.rate_hz is None else result.timing.mean_s * options.rate_hz
    name = "a step" if result.work == "step" else result.work
    return Deadline(name, result.timing.p99_s, options.deadline_s, options.rate_hz, share)
