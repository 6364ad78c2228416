"""What the verifier calls a bug of one chain: by its own name, by another's, or by none."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from lstm_export.model import Model, Runner
from lstm_export.parity import GoldenSet, Mutation, by_place, catalogue, check, golden_sets
from lstm_export.parity.noise import is_large
from lstm_export.parity.rule import is_judgeable
from lstm_export.parity.suspects import suspects
from lstm_export.targets import onnx as target
from lstm_export.targets.onnx.graph_bugs import broken
from lstm_export.targets.onnx.writer import to_bytes
from tests.kit.mutant_files import mutants
from tests.kit.random_chains import random_chain

from .judged import unguarded
from .records import Record

BUGS_A_CHAIN = 8


def diagnoses(seed: int, index: int, largest_hidden: int = 16) -> Record:
    """Some bugs of the catalogue and one that is not in it: what does the verifier call them?"""
    start = time.process_time()
    model, gain = random_chain(seed, index, largest_hidden=largest_hidden)
    golden = golden_sets(model)  # all of them, as the verifier asks
    random = np.random.default_rng([seed, index, 2])
    bugs = [*catalogue(model), *by_place(model)]
    chosen = [bugs[at] for at in random.permutation(len(bugs))[:BUGS_A_CHAIN]]
    weights = [mutant for mutant in mutants(model, random) if mutant.group.startswith("one ")]
    strange = weights[int(random.integers(len(weights)))].data
    runners = [*((bug, _runner_with(bug, model)) for bug in chosen), (None, unguarded(strange))]
    told = [diagnosed(bug, runner, model, golden) for bug, runner in runners]
    return {
        "index": index,
        "gain": gain,
        "told": [answer for answer in told if answer],
        "seconds": round(time.process_time() - start, 3),
    }


def _runner_with(bug: Mutation, model: Model) -> Runner:
    """A file that has the bug: another model well written, or a correct file with an edited graph.

    Where no file has it, its definition, rounded to float32.
    """
    if bug.is_model:
        return unguarded(to_bytes(bug.model, target.DEFAULT_OPSET))
    data = None if bug.place else broken(to_bytes(model, target.DEFAULT_OPSET), bug.kind)
    return (lambda x: bug(x).y.astype(np.float32)) if data is None else unguarded(data)


def diagnosed(
    bug: Mutation | None, runner: Runner, model: Model, golden: Sequence[GoldenSet]
) -> Record | None:
    """What a file's bug is called; None where its numbers pass, so that nothing is asked.

    The outcome is `right` where the bug's name is said first, `same` where another is said first
    that computes the same, `not judged` where no name is said and the bug's own definition can be
    judged on none of the failed sets.
    """
    report = check(runner, golden, subject="onnx")
    failed = {
        judged.name for judged in report.sets if judged.verdict == "failed" and not judged.reason
    }
    if not failed:
        return None
    found = suspects(runner, model, golden)
    if not found:
        asked = [golden_set for golden_set in golden if golden_set.name in failed]
        outcome = "not judged" if bug and _is_lost(bug, asked) else "unknown"
    elif bug is None:
        outcome = "wrong"
    elif found[0].name == bug.name:
        outcome = "right"
    else:
        outcome = "same" if _alike(found[0], bug, golden) else "wrong"
    said = [named_bug.name for named_bug in found[:4]]
    return {"bug": bug.name if bug else "", "outcome": outcome, "said": said}


def _is_lost(bug: Mutation, golden: Sequence[GoldenSet]) -> bool:
    """Whether the bug's own definition can be judged on none of these sets."""
    return not any(map(is_judgeable, _own(bug, golden)))


def _alike(said: Mutation, bug: Mutation, golden: Sequence[GoldenSet]) -> bool:
    """Whether no rule could tell the exact answers of the bug that is said from the other's."""
    report = check(lambda x: said(x).y, _own(bug, golden), subject=said.name)
    return report.verdict == "passed"


def _own(bug: Mutation, golden: Sequence[GoldenSet]) -> list[GoldenSet]:
    """The sets as the bug defines them."""
    return [
        GoldenSet.by(
            golden_set.name, bug, golden_set.x, golden_set.lengths, large=is_large(bug.model)
        )
        for golden_set in golden
    ]
