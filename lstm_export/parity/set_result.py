"""The result of one golden set: its error, what is allowed, and the verdict."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import perf_counter

import numpy as np

from ..model import Runner
from .golden_set import GoldenSet
from .rule import Verdict, answer, bound, error_of, is_judgeable, largest


@dataclass(frozen=True)
class SetResult:
    """One golden set. Errors and bound are in units of S.

    Attributes:
        error: largest error of the artifact against the float64 definition; NaN where it gave NaN.
        reference_error: the same for PyTorch, where it ran.
        difference: artifact against PyTorch.
        bound: the error that is allowed, `8 F + 8 eps`; 0 where the answers must be equal, whose
            error is in the outputs' own units.
        worst: index of the worst output, `(row, output)` or `(row, step, output)`.
        reason: why the artifact gave no comparable answer; empty where it gave one.
        seconds: that the artifact took to answer.
    """

    name: str
    shape: tuple[int, ...]
    noise_floor: float
    bound: float
    error: float
    reference_error: float | None
    difference: float | None
    worst: tuple[int, ...]
    verdict: Verdict
    reason: str = ""
    seconds: float = field(default=0.0, compare=False)

    @property
    def is_judged(self) -> bool:
        """Whether there is a verdict."""
        return self.verdict != "cannot be judged"

    @property
    def share(self) -> float:
        """How much of what is allowed the error takes; infinite where it is NaN."""
        if self.bound == 0:  # nothing is allowed
            return 0.0 if self.error == 0 else float("inf")
        share = self.error / self.bound
        return float("inf") if np.isnan(share) else share

    @property
    def place(self) -> str:
        """Which output was worst, `row 0, output 2`; empty where none is known."""
        names = ("row", "output") if len(self.worst) == 2 else ("row", "step", "output")
        pairs = zip(names, self.worst, strict=False)
        return ", ".join(f"{name} {index}" for name, index in pairs)


def judge(runner: Runner, golden: GoldenSet, reference: Runner | None) -> SetResult:
    """The rule on one golden set; PyTorch as `reference` is judged by it too."""
    start = perf_counter()
    y, reason = answer(runner, golden)  # y all NaN where there is a reason
    seconds = perf_counter() - start
    expected = answer(reference, golden) if reference else None
    error, worst = largest(y, golden.y, golden.scale)
    reference_error = None if expected is None else error_of(expected.y, golden)
    if expected is not None and expected.reason and not reason:
        reason = f"pytorch: {expected.reason}"
    return SetResult(
        name=golden.name,
        shape=golden.x.shape,
        noise_floor=golden.noise_floor,
        bound=bound(golden),
        error=error,
        reference_error=reference_error,
        difference=None if expected is None else largest(y, expected.y, golden.scale).error,
        worst=worst,
        verdict=_verdict(golden, error, reference_error),
        reason=reason,
        seconds=seconds,
    )


def _verdict(golden: GoldenSet, error: float, reference_error: float | None) -> Verdict:
    if not is_judgeable(golden):
        return "cannot be judged"
    allowed = bound(golden)
    is_good = error <= allowed  # not `error > allowed`: NaN must fail
    is_reference_good = reference_error is None or reference_error <= allowed
    return "passed" if is_good and is_reference_good else "failed"
