"""Which known bugs a runner that failed behaves like.

A bug is named only if the runner agrees with the catalogue's definition of it by the same rule that
it failed before, with that definition's own S and F, on every set that this definition lets judge,
a failed one among them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..model import Array, Model, Runner
from ..model.forward import Noise
from .catalogue import Mutation, by_place, catalogue
from .golden_set import GoldenSet
from .noise import SharedWeights, floor_without_weights, is_large, output_scale
from .rule import EPS, FACTOR, LARGEST_NOISE, answer, bound, error_of, is_judgeable, largest

# A noise floor that leaves the weights alone is soon computed. On 8,748 sets of random chains with
# bugs the whole floor was 0.6 to 11 times that one, in the middle 1.2 times: only a suspect that
# this does not rule out is judged in full.
SMALLER = 0.5
LARGER = 16
# Artifacts without a bug were seen to use up to 0.37 of what is allowed. A whole-model bug that
# uses more may be the shadow of one in a single place.
CLOSE = 0.5
# Of large models longer sets than this are left out of the search as long as there are shorter ones
# that failed.
LONGEST = 64


class _Agreement(NamedTuple):
    """How well a suspect agrees; the smallest is the best.

    Attributes:
        explained: minus the number of failed sets that it explains.
        share: the largest share of its bounds that the runner uses.
    """

    explained: int
    share: float


@dataclass(frozen=True)
class _Answered:
    """A golden set and what the runner answered; `error` is the largest, in units of S."""

    golden: GoldenSet
    y: Array
    error: float

    @property
    def failed(self) -> bool:
        return is_judgeable(self.golden) and not self.error <= bound(self.golden)


def suspects(runner: Runner, model: Model, golden: Sequence[GoldenSet]) -> list[Mutation]:
    """The bugs of the catalogue that the runner agrees with, the best first.

    Those of single places only if no other is close. The best explains most of the failed sets and,
    of those, uses the smallest share of what is allowed. Sets that the runner refuses say nothing.
    """
    tried = _cheapest_first(list(_answers(runner, golden)), model)
    if not any(entry.failed for entry in tried):
        return []
    exact = SharedWeights(model)
    agreeing: list[tuple[_Agreement, Mutation]] = []
    levels: tuple[Callable[[Model], Iterator[Mutation]], ...] = (catalogue, by_place)
    for bugs in levels:
        for bug in bugs(model):
            agreement = _agreement(bug, tried, exact)
            if agreement is not None:
                agreeing.append((agreement, bug))
        agreeing.sort(key=lambda pair: pair[0])
        if agreeing and agreeing[0][0].share <= CLOSE:
            break
    return [bug for _, bug in agreeing]


def _answers(runner: Runner, golden: Sequence[GoldenSet]) -> Iterator[_Answered]:
    for entry in golden:
        y, refused = answer(runner, entry)
        if not refused:
            yield _Answered(entry, y, error_of(y, entry))


def _cheapest_first(tried: list[_Answered], model: Model) -> list[_Answered]:
    """Short sets first, since most suspects are out after them; of large models no long ones.

    Unless only a long one failed: then the first of those is kept.
    """
    tried.sort(key=lambda entry: entry.golden.seq)
    if not is_large(model):
        return tried
    short = [entry for entry in tried if entry.golden.seq <= LONGEST]
    if any(entry.failed for entry in short):
        return short
    return short + [entry for entry in tried if entry.failed][:1]


def _agreement(bug: Mutation, tried: Sequence[_Answered], exact: Noise) -> _Agreement | None:
    """How well the runner agrees with this bug; None if it does not."""
    near = []
    for entry in tried:
        x = entry.golden.x
        lengths = entry.golden.lengths
        output = bug(x, exact, lengths=lengths)
        if output.y.shape != entry.y.shape:
            return None
        error = largest(entry.y, output.y, output_scale(output)).error
        if not np.isfinite(error):
            return None
        floor = floor_without_weights(bug, ((x, lengths), output), exact)
        if SMALLER * floor > LARGEST_NOISE:
            continue  # not to be judged
        is_far = error > FACTOR * (LARGER * floor + EPS)  # beyond the largest bound it can have
        # A bug that is no nearer than the model itself explains nothing.
        is_no_nearer = entry.failed and error >= entry.error
        if is_far or is_no_nearer:
            return None
        near.append(entry)
    return _explained(bug, near)


def _explained(bug: Mutation, near: Sequence[_Answered]) -> _Agreement | None:
    """How well the runner agrees by the noise floors of the bug's own definition; None if not.

    Failed sets come first, since they tell most suspects apart.
    """
    explained = 0
    worst = 0.0
    for entry in sorted(near, key=lambda entry: not entry.failed):
        if not entry.failed and not explained:
            return None  # every failed set has been seen, and none is explained
        own = _by_definition_of(bug, entry.golden)
        if not is_judgeable(own):
            continue
        error = error_of(entry.y, own)
        if not error <= bound(own):
            return None
        explained += entry.failed
        worst = max(worst, error / bound(own))
    return _Agreement(-explained, worst) if explained else None


def _by_definition_of(bug: Mutation, golden: GoldenSet) -> GoldenSet:
    """The same inputs with the answers, S and F that the bug's definition gives."""
    large = is_large(bug.model)
    return GoldenSet.by(golden.name, bug, golden.x, golden.lengths, large=large)
