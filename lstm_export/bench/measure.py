"""The benchmark: engines against each other at every work, then each in a process of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ..errors import InputError
from ..verification.permission import Permission
from .engines import Engine, Stepper, open_engines
from .machine import machine
from .process import ProcessCost, cost_of_process
from .report import BenchReport, Deadline, EngineResult, WorkResult
from .timing import Block, race
from .work import Question, Referee, Work, timed, works

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
        trust: run code that is in the files, see `verification.permission`.
        key: the public key that must have signed all of them; opening a file checks it.
    """

    engines: tuple[str, ...] = ()
    batch: int = 32
    seq: int | None = None
    budget_s: float = 1.0
    warm_up_s: float = 0.2
    deadline_s: float | None = None
    rate_hz: float | None = None
    trust: bool = False
    key: Path | None = None

    def __post_init__(self) -> None:
        for name, value in (("batch", self.batch), ("seq", 1 if self.seq is None else self.seq)):
            if value < 1:
                raise InputError(f"{name} is {value}, expected at least 1")
        if not (self.budget_s > 0 and self.warm_up_s >= 0):
            raise InputError(
                f"{self.budget_s} s of timing after {self.warm_up_s} s of warm-up, "
                "expected more than none"
            )


def bench(
    paths: Sequence[Path | str], options: Options | None = None, progress: Progress | None = None
) -> BenchReport:
    """Measure every engine that bundles and artifacts hold.

    It never raises because one is slow or wrong.

    Args:
        paths: bundles and artifacts.
        options: what to measure, and for how long.
        progress: called with what is measured next.

    Raises:
        InputError: a file is of no known format, or holds nothing that runs here; or its model
            takes more steps than `seq`.
        SignatureError: the key did not sign one of them.
        BundleError: a bundle is damaged or unsafe.
    """
    options = options or Options()
    say = progress or (lambda _: None)
    permission = Permission(options.trust)
    files = [Path(path) for path in paths]
    engines, notes = open_engines(files, options.engines, permission, options.key)
    least = max((engine.model.least_steps for engine in engines if engine.model), default=1)
    seq = _seq(engines, least, options.seq)
    questions: list[Question] = []
    found: list[WorkResult] = []
    for work in works(options.batch, seq, least):
        say(f"timing {work.name}")
        found += _timed(engines, work, options, questions)
    results = []
    for engine in engines:
        say(f"starting {engine.name} in a process of its own")
        shape = (options.batch, seq)
        cost = cost_of_process(engine.path, engine.target, *shape, permission, options.key, least)
        mine = tuple(result for result in found if result.engine == engine.name)
        results.append(_result(engine, cost, mine, options))
    packages = dict.fromkeys(["numpy", *(engine.needs for engine in engines if engine.needs)])
    return BenchReport(tuple(results), notes, machine(*packages))


def _seq(engines: Sequence[Engine], least: int, told: int | None) -> int:
    """Steps of a sequence: those that were told, else the first stored window."""
    windows = [engine.signature.window for engine in engines if engine.signature.window]
    seq = told or max(least, next(iter(windows), DEFAULT_SEQ))
    if seq < least:
        raise InputError(f"--seq {seq} is too short for a model that takes {least} steps at least")
    return seq


def _result(
    engine: Engine, cost: ProcessCost, works: tuple[WorkResult, ...], options: Options
) -> EngineResult:
    return EngineResult(
        name=engine.name,
        target=engine.target,
        path=engine.path,
        size_bytes=engine.size_bytes,
        process=cost,
        works=works,
        deadline=_deadline(works, options),
    )


def _timed(
    engines: Sequence[Engine], work: Work, options: Options, known: list[Question]
) -> list[WorkResult]:
    """All engines that can do this work, in turns."""
    able = [engine for engine in engines if engine.stepper or not work.streaming]
    if not able:
        return []
    for engine in sorted(able, key=lambda engine: engine.model is None):
        _question(engine, work, known)
    referees: dict[str, Referee] = {}
    blocks: dict[str, Block] = {}
    for engine in able:
        referee = Referee(_question(engine, work, known), work, engine.definition)
        referees[engine.name] = referee
        blocks[engine.name] = partial(_block, engine, work, referee)
    timings = race(blocks, options.budget_s, options.warm_up_s)
    quickest = min(timings.values(), key=lambda timing: timing.p50_s)
    results = []
    for name, timing in timings.items():
        others = [referee for other, referee in referees.items() if other != name]
        results.append(
            WorkResult(
                engine=name,
                work=work.name,
                batch=work.batch,
                seq=work.seq,
                timing=timing,
                times_fastest=timing.times(quickest),
                verification=referees[name].verification(others),
            )
        )
    return results


def _question(engine: Engine, work: Work, known: list[Question]) -> Question:
    """The same for all engines of a model; one whose model is not known takes another's inputs."""
    shape = (work.batch, work.seq, engine.signature.input_size)
    for question in known:
        if question.fits(engine.model, *shape):
            return question
    same_shape = [question for question in known if question.x.shape == shape]
    if engine.model is None and same_shape:
        question = Question(None, same_shape[0].x, None)
    else:
        question = Question.of(engine.model, engine.signature, work.batch, work.seq)
    known.append(question)
    return question


def _block(engine: Engine, work: Work, referee: Referee, calls: int) -> list[int]:
    """Nanoseconds of at least `calls` timed calls, the last answer judged."""
    if work.streaming and engine.stepper:
        return _steps(engine.stepper, referee, calls)
    times, y = timed(engine.runner, [referee.x] * calls)
    referee.judge(y)
    return times


def _steps(stepper: Stepper, referee: Referee, calls: int) -> list[int]:
    """Whole sequences from the initial state on, every step timed; the last answer is judged."""
    x = referee.x  # (1, seq, input_size)
    steps = [x[:, t : t + 1] for t in range(x.shape[1])]  # each (1, 1, input_size)
    every: list[int] = []
    while len(every) < calls:
        stepper.reset()
        times, y = timed(stepper, steps)
        every += times
    referee.judge(y.reshape(1, -1))
    return every


def _deadline(results: Sequence[WorkResult], options: Options) -> Deadline | None:
    """What a new sample takes: a step, or the whole window where the engine cannot stream."""
    if options.deadline_s is None and options.rate_hz is None:
        return None
    one_row = {result.work: result for result in results if result.batch == 1}
    longest = list(one_row.values())[-1]
    result = one_row.get("step", longest)
    share = None
    if options.rate_hz is not None:
        share = result.timing.mean_s * options.rate_hz
    name = "a step" if result.work == "step" else result.work
    return Deadline(name, result.timing.p99_s, options.deadline_s, options.rate_hz, share)
