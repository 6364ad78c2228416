"""What is wrong with a runner that failed: where it first goes wrong, and which known bug it behaves like.

A bug is named only if the runner agrees with the catalogue's definition of it by the same rule that it failed before,
with that definition's own S and F, on every set that this definition lets judge, a failed one among them; otherwise it
is "unknown".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..model import Array, Model, Recurrent, Runner, Signature
from ..model.forward import Noise
from .catalogue import Mutation, by_place, catalogue
from .first_wrong import first_wrong_step
from .golden import GoldenSet
from .noise import SharedWeights, floor_without_weights, is_large, output_scale
from .report import ParityReport
from .rule import EPS, FACTOR, LARGEST_NOISE, answer, bound, is_judgeable, largest

# A noise floor that leaves the weights alone is soon computed. On 8,748 sets of random chains with bugs the whole floor
# was 0.6 to 11 times that one, in the middle 1.2 times: only a suspect that this does not rule out is judged in full.
SMALLER, LARGER = 0.5, 16
# Artifacts without a bug were seen to use up to 0.37 of what is allowed. A whole-model bug that uses more may be the
# shadow of one in a single place.
CLOSE = 0.5
# Of large models longer sets than this are left out of the search as long as there are shorter ones that failed.
LONGEST = 64

UNKNOWN = "unknown"


@dataclass(frozen=True)
class Diagnosis:
    """What is known of a failure.

    Attributes:
        golden_set: the failed set in which the first wrong step was looked for; empty where there was none.
        step: the first wrong step, from 1 to `seq`; None where it was not found.
        seq: steps of that set.
        layer: the first recurrent layer whose own output is wrong, such as `lstm_l1`; `behind the recurrent layers`
            where all of them are right; empty where the artifact cannot be probed.
        bug: the catalogue's name of the bug, or `unknown`.
        place: the cell or stage that has it; empty for the whole model.
        also: other bugs that give the same answers within rounding.
    """

    golden_set: str = ""
    step: int | None = None
    seq: int = 0
    layer: str = ""
    bug: str = UNKNOWN
    place: str = ""
    also: tuple[str, ...] = ()

    def sentences(self) -> Iterator[str]:
        """For people."""
        if self.step is not None:
            yield f"first wrong at step {self.step} of {self.seq} (golden set {self.golden_set})"
        if self.layer:
            yield f"first wrong layer: {self.layer}"
        place = f" in {self.place}" if self.place else ""
        named = "unknown, none of the known bugs" if self.bug == UNKNOWN else f"{self.bug}{place}"
        yield f"it behaves like: {named}" + "".join(f", or {name}" for name in self.also)


def diagnose(
    runner: Runner,
    model: Model,
    golden: Sequence[GoldenSet],
    report: ParityReport,
) -> Diagnosis | None:
    """What is wrong where golden sets failed; None where none did, or the runner never gave a comparable answer."""
    failed = _failed(golden, report)
    if not failed or all(result.reason for result in report.sets):
        return None
    found = Diagnosis()
    plain = [one for one in failed if one.lengths is None]
    if plain:
        longest = max(plain, key=lambda one: min(one.x.shape[1], LONGEST))
        step = first_wrong_step(runner, model, longest)
        found = replace(found, golden_set=longest.name, step=step, seq=longest.x.shape[1])
    agreeing = named(runner, model, golden)
    if not agreeing:
        return found
    best, *others = agreeing
    also = tuple(mutation.name for mutation in others[:3])
    return replace(found, bug=best.kind, place=best.place, also=also)


def _failed(golden: Sequence[GoldenSet], report: ParityReport) -> list[GoldenSet]:
    failed = {result.name for result in report.sets if result.verdict == "failed"}
    return [one for one in golden if one.name in failed]


def first_wrong_layer(probes: Iterable[Runner], model: Model, golden: Sequence[GoldenSet], report: ParityReport) -> str:
    """Each recurrent layer's output against the chain that ends there.

    Args:
        probes: the artifact again, but giving the output of its first recurrent layer, its second, and so on,
            `(batch, seq, directions * size)`; none where it cannot be opened up.
        model: what it should compute, as its format holds it.
        golden: the sets that were judged.
        report: what was found.
    """
    failed, probes = _failed(golden, report), list(probes)
    if not failed or not probes:
        return ""
    shortest = min(failed, key=lambda one: (one.lengths is not None, one.x.shape[1]))
    for probe, (layer, ending) in zip(probes, _endings(model), strict=False):
        one = GoldenSet.of(layer, ending, shortest.x, shortest.lengths)
        if is_judgeable(one) and not largest(answer(probe, one)[0], one.y, one.scale)[0] <= bound(one):
            return layer
    return "behind the recurrent layers"


def _endings(model: Model) -> Iterator[tuple[str, Model]]:
    """The chain cut off behind every recurrent layer."""
    for index, stage in enumerate(model.stages):
        if not isinstance(stage, Recurrent):
            continue
        ways = 1 + stage.bidirectional
        for k in range(stage.num_layers):
            weights = {key: array for key, array in stage.weights.items() if _layer(key) <= k}
            weights |= {key: array[: (k + 1) * ways] for key, array in weights.items() if key in ("h0", "c0")}
            ending = replace(stage, weights=weights)
            signature = Signature(model.signature.input_size, ways * stage.state_size)
            yield f"{stage.name}_l{k}", Model((*model.stages[:index], ending), signature)


def _layer(key: str) -> int:
    """The layer that an array of a recurrent stage belongs to; -1 for the learned states of all."""
    return -1 if key in ("h0", "c0") else int(key.removesuffix("_reverse").rpartition("_l")[2])


@dataclass(frozen=True)
class _Answered:
    """A golden set and what the runner answers to it; `error` is the largest, in units of S."""

    golden: GoldenSet
    y: Array
    error: float

    @property
    def failed(self) -> bool:
        return is_judgeable(self.golden) and not self.error <= bound(self.golden)


def named(runner: Runner, model: Model, golden: Sequence[GoldenSet]) -> list[Mutation]:
    """The bugs of the catalogue that the runner agrees with, the best first; of single places if no other is close.

    The best explains most of the failed sets and, of those, uses the smallest share of what is allowed. Sets that the
    runner refuses say nothing.
    """
    answered, exact = _chosen(list(_answers(runner, golden)), model), SharedWeights(model)
    agreeing: list[tuple[tuple[int, float], Mutation]] = []
    for level in (catalogue, by_place) if any(one.failed for one in answered) else ():
        pairs = [(_agreement(mutation, answered, exact), mutation) for mutation in level(model)]
        agreeing += [(found, mutation) for found, mutation in pairs if found is not None]
        agreeing.sort(key=lambda pair: pair[0])
        if agreeing and agreeing[0][0][1] <= CLOSE:
            break
    return [mutation for _, mutation in agreeing]


def _answers(runner: Runner, golden: Sequence[GoldenSet]) -> Iterator[_Answered]:
    for one in golden:
        y, refused = answer(runner, one)
        if not refused:
            yield _Answered(one, y, largest(y, one.y, one.scale)[0])


def _chosen(answered: list[_Answered], model: Model) -> list[_Answered]:
    """What costs least comes first, since most suspects are out after it."""
    answered.sort(key=lambda one: one.golden.x.shape[1])
    short = [one for one in answered if one.golden.x.shape[1] <= LONGEST or not is_large(model)]
    return short if any(one.failed for one in short) else [*short, *[one for one in answered if one.failed][:1]]


def _agreement(mutation: Mutation, answered: Sequence[_Answered], exact: Noise) -> tuple[int, float] | None:
    """Minus the failed sets that the mutation explains, and the largest share of its bounds; None if it disagrees."""
    near = []
    for one in answered:
        x, lengths = one.golden.x, one.golden.lengths
        output = mutation(x, exact, lengths=lengths)
        if output.y.shape != one.y.shape:
            return None
        error = largest(one.y, output.y, output_scale(output))[0]
        if not np.isfinite(error):
            return None
        floor = floor_without_weights(mutation, ((x, lengths), output), exact)
        if SMALLER * floor > LARGEST_NOISE:
            continue  # not to be judged
        if error > FACTOR * (LARGER * floor + EPS) or (one.failed and error >= one.error):
            return None  # what is no nearer than the model explains nothing
        near.append(one)
    return _explained(mutation, near)


def _explained(mutation: Mutation, near: Sequence[_Answered]) -> tuple[int, float] | None:
    """The same, by the noise floors of the mutation itself; failed sets first, since they tell most suspects apart."""
    explained, worst = 0, 0.0
    for one in sorted(near, key=lambda one: not one.failed):
        if not (one.failed or explained):
            return None
        golden = one.golden
        own = GoldenSet.by(golden.name, mutation, golden.x, golden.lengths, large=is_large(mutation.model))
        if is_judgeable(own):
            error = largest(one.y, own.y, own.scale)[0]
            if not error <= bound(own):
                return None
            explained, worst = explained + one.failed, max(worst, error / bound(own))
    return (-explained, worst) if explained else None
