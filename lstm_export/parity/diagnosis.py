"""What is wrong with a runner that failed: where it first goes wrong, and which known bug it behaves like.

A bug is named only if the runner agrees with the catalogue's definition of it by the same rule that it failed before,
with that definition's own S and F; otherwise it is "unknown".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..model import Array, Model, Recurrent, Runner, Signature
from .catalogue import Mutation, by_place, catalogue
from .first_wrong import first_wrong_step
from .golden import GoldenSet
from .noise import in_units_of, is_large, output_scale
from .report import ParityReport
from .rule import answer, bound, is_judgeable, largest

# A suspect is only computed in full if its exact answers lie this near, in units of S.
NEAR = 1e-2
# Sets longer than this are left out of the search as long as there are shorter ones.
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
    refused = {result.name for result in report.sets if result.reason}
    answered = [one for one in golden if one.name not in refused]
    if not failed or not answered:
        return None
    found = Diagnosis()
    plain = [one for one in failed if one.lengths is None]
    if plain:
        longest = max(plain, key=lambda one: min(one.x.shape[1], LONGEST))
        step = first_wrong_step(runner, model, longest)
        found = replace(found, golden_set=longest.name, step=step, seq=longest.x.shape[1])
    agreeing = named(runner, model, answered)
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


def named(runner: Runner, model: Model, golden: Sequence[GoldenSet]) -> list[Mutation]:
    """The bugs of the catalogue that the runner agrees with, the nearest first; of single places only if no other."""
    # One step cannot tell many bugs apart, a few can, and short sequences are soon computed.
    by_length = sorted(golden, key=lambda one: (one.x.shape[1] == 1, one.x.shape[1]))
    chosen = [one for one in by_length if one.x.shape[1] <= LONGEST] or by_length[:1]
    answers = [answer(runner, one)[0] for one in chosen]
    for level in (catalogue, by_place):
        shares = ((_share(mutation, chosen, answers), mutation) for mutation in level(model))
        agreeing = [pair for pair in shares if pair[0] <= 1]
        if agreeing:
            return [mutation for _, mutation in sorted(agreeing, key=lambda pair: pair[0])]
    return []


def _share(mutation: Mutation, golden: Sequence[GoldenSet], answers: Sequence[Array]) -> float:
    """The largest share of the bounds of the mutation's own golden sets; infinite where it does not agree."""
    for one, y in zip(golden, answers, strict=True):
        output = mutation(one.x, lengths=one.lengths)
        if output.y.shape != y.shape or not in_units_of(np.abs(y - output.y), output_scale(output)).max() <= NEAR:
            return np.inf
    worst, judged = 0.0, False
    for one, y in zip(golden, answers, strict=True):
        own = GoldenSet.by(one.name, mutation, one.x, one.lengths, large=is_large(mutation.model))
        if is_judgeable(own):
            error = largest(y, own.y, own.scale)[0]
            if not error <= bound(own):
                return np.inf
            worst, judged = max(worst, error / bound(own)), True
    return worst if judged else np.inf
