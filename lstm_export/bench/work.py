"""What is timed: one step, one sequence, a batch of sequences; and who judges the answers."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ..model import Array, Model, Runner, Signature
from ..parity import GoldenSet, SetResult, check, golden_sets
from ..parity.rule import Verdict

# Without the model, answers are held against another engine's. Weights rounded to 8 bits move an
# answer by some thousandths of the largest; a mixed-up gate moves it by tenths.
AGREEMENT = 1e-2
SEED = 0


@dataclass(frozen=True)
class Work:
    """`x (batch, seq, input_size)` at once, or step by step with the state kept."""

    name: str
    batch: int
    seq: int
    streaming: bool = False


def works(batch: int, seq: int, least: int = 1) -> tuple[Work, ...]:
    """A streaming step, the `least` steps that a model takes, one sequence, a batch of sequences;
    each shape once."""
    shapes = dict.fromkeys(((1, least), (1, seq), (batch, seq)))
    whole = [Work(f"{rows} x {steps}", rows, steps) for rows, steps in shapes]
    return (Work("step", 1, seq, streaming=True), *whole)


@dataclass(frozen=True, eq=False)
class Question:
    """Inputs, and the answers of the definition where the model is known.

    Attributes:
        x: float32 `(batch, seq, input_size)`.
    """

    model: Model | None
    x: Array
    golden: GoldenSet | None

    @classmethod
    def of(cls, model: Model | None, signature: Signature, batch: int, seq: int) -> Question:
        """Inputs of the size that the model was made for."""
        if model is None:
            return cls(None, _drawn(signature, batch, seq), None)
        nominal = next(golden.x for golden in golden_sets(model) if golden.name == "nominal")
        # The rows of input_size values of the golden set, over again.
        x = np.resize(nominal, (batch, seq, signature.input_size))
        return cls(model, x, GoldenSet.of(f"{batch} x {seq}", model, x))

    def fits(self, model: Model | None, batch: int, seq: int, input_size: int) -> bool:
        """Whether this is the question for that model at that shape."""
        return self.x.shape == (batch, seq, input_size) and self.model == model


@dataclass(frozen=True)
class Verification:
    """What the answers of the timed runs were found to be.

    Attributes:
        against: `float64`, the definition; `whole numbers`, an artifact's own definition, whose
            every answer must be equal; `other engines`; or `nothing`, where an engine of an
            unknown model is alone.
        error, bound: the largest error and what is allowed; relative to S, the summed magnitude of
            the last operation's terms, or against other engines to the largest answer.
        reason: why there was no comparable answer.
    """

    against: str
    verdict: Verdict
    error: float | None = None
    bound: float | None = None
    reason: str = ""


class Referee:
    """Judges what one engine answers on its timed runs; by a definition of its own, where it has
    one."""

    def __init__(self, question: Question, work: Work, definition: Runner | None = None) -> None:
        self.x = question.x
        self._expected: Array | None = None
        if definition:
            y = definition(self.x)
            self._expected = y[:, -1] if work.streaming and y.ndim == 3 else y
        self._error = 0.0
        golden = question.golden
        if golden and work.streaming and golden.y.ndim == 3:
            golden = replace(golden, y=golden.y[:, -1])  # of every step's answers, the last
        self.golden = golden
        self.last: Array | None = None
        self._worst: SetResult | None = None

    def judge(self, y: Array) -> None:
        """Hold an answer against the definition, the worst one counts; it is kept to be held
        against other engines'."""
        self.last = y
        if self._expected is not None:
            self._error = max(self._error, _distance(y, self._expected))
            return
        if self.golden is None:
            return
        (result,) = check(lambda x: y, (self.golden,), subject="timed run").sets
        if self._worst is None or _is_worse(result.error, self._worst.error):
            self._worst = result

    def verification(self, others: list[Referee]) -> Verification:
        """The verdict, by the parity rule where the model is known, else by the others' last
        answers."""
        if self._expected is not None:
            is_equal: Verdict = "passed" if self._error == 0 else "failed"
            return Verification("whole numbers", is_equal, self._error, 0.0)
        if self._worst is not None:
            worst = self._worst
            return Verification("float64", worst.verdict, worst.error, worst.bound, worst.reason)
        assert self.last is not None  # noqa: S101 - for the type checker: every race has its blocks
        comparable = []
        for other in others:
            if other.last is not None and other.last.shape == self.last.shape:
                comparable.append(other.last)
        if not comparable:
            return Verification("nothing", "cannot be judged")
        error = max(_difference(self.last, answer) for answer in comparable)
        verdict: Verdict = "passed" if error <= AGREEMENT else "failed"
        return Verification("other engines", verdict, error, AGREEMENT)


def _is_worse(error: float, known: float) -> bool:
    """NaN is the worst."""
    return not np.isnan(known) and not error <= known


def _distance(y: Array, expected: Array) -> float:
    """The largest difference; infinite for a NaN or another shape."""
    if y.shape != expected.shape:
        return float("inf")
    return float(np.nan_to_num(np.abs(y - expected), nan=np.inf).max())


def timed(call: Callable[[Array], Array], inputs: list[Array]) -> tuple[list[int], Array]:
    """Nanoseconds of each call, and the last answer."""
    clock = time.perf_counter_ns
    times = []
    for x in inputs:
        start = clock()
        y = call(x)
        times.append(clock() - start)
    return times, y


def _difference(y: Array, other: Array) -> float:
    """The largest difference, as a share of the other's largest value."""
    expected = other.astype(np.float64)
    largest = float(np.abs(expected).max()) or 1.0
    return float(np.abs(y.astype(np.float64) - expected).max()) / largest


def _drawn(signature: Signature, batch: int, seq: int) -> Array:
    """Normal inputs, within the ranges that training saw where they are known."""
    z = np.random.default_rng(SEED).normal(size=(batch, seq, signature.input_size))
    low = np.full(signature.input_size, -2.0)
    high = np.full(signature.input_size, 2.0)
    for index, column in enumerate(signature.features):
        low[index] = low[index] if column.low is None else column.low
        high[index] = high[index] if column.high is None else column.high
    return np.asarray((low + high) / 2 + (high - low) / 4 * z, np.float32)
