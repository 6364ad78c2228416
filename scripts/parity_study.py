"""Rerun the study behind the parity rule, and write its table into docs/parity.md.

Three questions, each over chains drawn at random (scripts/random_chains.py), written as real ONNX files by this package
and run in ONNX Runtime:

    alarms      does an artifact without a bug ever fail, in ONNX Runtime or in PyTorch?
    mutants     is an artifact with a bug (scripts/mutants.py) caught, by its structure (R1), by its numbers (R2)?
    diagnosis   does a bug of the catalogue get its own name, and a bug that is not in it no name?

What each chain gave is a line of JSON in artifacts/parity-study/, so that a run that was stopped goes on where it was.
OpenBLAS's threads only get into each other's way here: OPENBLAS_NUM_THREADS=1 python scripts/parity_study.py
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from benchmark import machine
from fixed_tolerances import FIXED
from mutants import Mutant, mutants
from random_chains import GAINS, LARGEST_HIDDEN, random_chain

from lstm_export.device.onnx_runner import OnnxRunner, runtime_errors
from lstm_export.errors import LstmExportError
from lstm_export.model import Array, Model, Runner, forward
from lstm_export.model.lowering import lower_projections
from lstm_export.parity import GoldenSet, Mutation, ParityReport, by_place, catalogue, check, golden_sets
from lstm_export.parity.diagnosis import named
from lstm_export.parity.golden import trouble
from lstm_export.parity.noise import is_large
from lstm_export.parity.rule import is_judgeable
from lstm_export.targets import onnx as target
from lstm_export.targets.onnx.mutants import broken
from lstm_export.targets.onnx.reader import from_bytes
from lstm_export.targets.onnx.writer import to_bytes

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "artifacts" / "parity-study"
PAGE, START, END = ROOT / "docs" / "parity.md", "<!-- parity study -->", "<!-- end of parity study -->"
BUGS_A_CHAIN = 8
OUTCOMES = {
    "right": "named",
    "same": "named as one that computes the same",
    "not judged": "could not be judged",
    "unknown": "unknown",
    "wrong": "named wrongly",
}
Record = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """A chain with its golden sets, and PyTorch's runs of it."""

    model: Model
    gain: float
    golden: tuple[GoldenSet, ...]
    pytorch: Runner

    @classmethod
    def draw(cls, seed: int, index: int, largest_hidden: int = LARGEST_HIDDEN) -> Case:
        """The six sets alone: what the other shapes are for, axes that a graph has fixed, raises no alarm."""
        from lstm_export.model.torch_module import eager, to_module

        model, gain = random_chain(seed, index, largest_hidden=largest_hidden)
        inputs = {name: (x, None) for name, x in trouble(model).items()}
        golden = GoldenSet.several(partial(forward, model), inputs, large=is_large(model))
        return cls(model, gain, golden, eager(to_module(model)))

    @property
    def nominal(self) -> GoldenSet:
        """The set that stands for the one example that other tools compare at."""
        return next(one for one in self.golden if one.name == "nominal")


def structure(data: bytes, model: Model) -> str:
    """R1: what differs between the model and what the file's bytes hold; empty where nothing does."""
    try:
        found = from_bytes(data)
    except LstmExportError as error:
        return str(error)
    expected = lower_projections(model)
    return "" if found == expected else "; ".join(expected.differences(found)) or "the signature differs"


def worst(report: ParityReport) -> float | None:
    """The largest share of its bound that a judged set used; infinity for NaN, None where no set was judged."""
    shares = [one.error / one.bound for one in report.sets if one.verdict != "cannot be judged"]
    return max(np.inf if np.isnan(share) else share for share in shares) if shares else None


def tolerated(y: Array, case: Case) -> dict[str, bool]:
    """What the fixed tolerances say of an answer to the nominal set."""
    expected = case.pytorch(case.nominal.x)
    with np.errstate(all="ignore"):
        return {name: y.shape == expected.shape and passes(y, expected) for name, passes in FIXED.items()}


def alarm(seed: int, index: int, largest_hidden: int = LARGEST_HIDDEN) -> Record:
    """One correct artifact, judged."""
    start = time.process_time()
    case = Case.draw(seed, index, largest_hidden)
    data = to_bytes(case.model, target.DEFAULT_OPSET)
    runner = target.load(data)
    reports = {
        "onnx": check(runner, case.golden, subject="onnx"),
        "pytorch": check(case.pytorch, case.golden, subject="pytorch"),
    }
    return {
        "index": index,
        "gain": case.gain,
        "chain": case.model.describe(),
        "window": case.model.signature.window,
        "structure": structure(data, case.model),
        "not_judged": [one.name for one in reports["onnx"].sets if one.verdict == "cannot be judged"],
        "verdict": {name: report.verdict for name, report in reports.items()},
        "worst": {name: worst(report) for name, report in reports.items()},
        "fixed": tolerated(runner(case.nominal.x), case),
        "seconds": round(time.process_time() - start, 3),
    }


def mutant_kinds(seed: int, index: int, largest_hidden: int = 64) -> Record:
    """Every kind of bug that applies to one chain, judged."""
    start = time.process_time()
    case = Case.draw(seed, index, largest_hidden)
    random = np.random.default_rng([seed, index, 1])
    found = [
        {
            "kind": mutant.kind,
            "group": mutant.group,
            "r1": bool(structure(mutant.data, case.model)),
            **_by_numbers(mutant, case),
        }
        for mutant in mutants(case.model, random)
    ]
    return {
        "index": index,
        "gain": case.gain,
        "chain": case.model.describe(),
        "mutants": found,
        "seconds": round(time.process_time() - start, 3),
    }


def _by_numbers(mutant: Mutant, case: Case) -> Record:
    """R2 alone, the fixed tolerances, and whether the bug matters: whether it moves float64 by more than the bound."""
    runner = _runner(mutant.data)
    report = check(runner, case.golden, subject=mutant.kind)
    try:
        fixed = tolerated(runner(case.nominal.x), case)
    except LstmExportError:  # it refuses the example itself
        fixed = dict.fromkeys(FIXED, False)
    caught = report.verdict == "failed"
    return {"r2": caught, "matters": caught or _matters(mutant, case), "fixed": fixed}


def _runner(data: bytes) -> Runner:
    """Without the guard of this package, which would refuse some of the mutants before they are judged."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    session = ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    return OnnxRunner(session, runtime_errors(ort))


def _matters(mutant: Mutant, case: Case) -> bool:
    if mutant.model is None:
        return True  # what it computes is not known here
    exact, change = mutant.model, mutant.change
    return check(lambda x: forward(exact, change(x)).y, case.golden, subject="float64").verdict == "failed"


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
    runners = [*((bug, _runner_with(bug, model)) for bug in chosen), (None, _runner(strange))]
    told = [diagnosed(bug, runner, model, golden) for bug, runner in runners]
    return {
        "index": index,
        "gain": gain,
        "told": [one for one in told if one],
        "seconds": round(time.process_time() - start, 3),
    }


def _runner_with(bug: Mutation, model: Model) -> Runner:
    """A file that has the bug: another model well written, or a correct file with an edited graph.

    Where no file has it, its definition, rounded to float32.
    """
    if bug.is_model:
        return _runner(to_bytes(bug.model, target.DEFAULT_OPSET))
    data = None if bug.place else broken(to_bytes(model, target.DEFAULT_OPSET), bug.kind)
    return (lambda x: bug(x).y.astype(np.float32)) if data is None else _runner(data)


def diagnosed(bug: Mutation | None, runner: Runner, model: Model, golden: Sequence[GoldenSet]) -> Record | None:
    """What a file's bug is called; None where its numbers pass, so that nothing is asked.

    The outcome is `right` where the bug's name is said first, `same` where another is said first that computes the
    same, `not judged` where no name is said and the bug's own definition can be judged on none of the failed sets.
    """
    report = check(runner, golden, subject="onnx")
    if report.verdict != "failed" or all(one.reason for one in report.sets if one.verdict == "failed"):
        return None
    found = named(runner, model, golden)
    said = [one.name for one in found]
    if not found:
        failed = {one.name for one in report.sets if one.verdict == "failed" and not one.reason}
        lost = bug is not None and not any(map(is_judgeable, _own(bug, [g for g in golden if g.name in failed])))
        outcome = "not judged" if lost else "unknown"
    elif bug is None:
        outcome = "wrong"
    elif said[0] == bug.name:
        outcome = "right"
    else:
        outcome = "same" if _alike(found[0], bug, golden) else "wrong"
    return {"bug": bug.name if bug else "", "outcome": outcome, "said": said[:4]}


def _alike(one: Mutation, other: Mutation, golden: Sequence[GoldenSet]) -> bool:
    """Whether no rule could tell the exact answers of one from what the other defines."""
    return check(lambda x: one(x).y, _own(other, golden), subject=one.name).verdict == "passed"


def _own(bug: Mutation, golden: Sequence[GoldenSet]) -> list[GoldenSet]:
    """The sets as the bug defines them."""
    return [GoldenSet.by(one.name, bug, one.x, one.lengths, large=is_large(bug.model)) for one in golden]


def run(name: str, one: Callable[[int], Record], count: int, seed: int, jobs: int) -> list[Record]:
    """Every record of one question, those that are missing computed now and written as they come."""
    path = FOLDER / f"{name}-{seed}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    done = {record["index"]: record for record in map(json.loads, _lines(path))}
    missing = [index for index in range(count) if index not in done]
    with path.open("a", encoding="utf-8") as file:
        for record in _computed(one, missing, jobs):
            file.write(json.dumps(record) + "\n")
            file.flush()
            done[record["index"]] = record
            if sys.stderr.isatty():
                print(f"\r{name}: {len(done)} of {count}", end="", file=sys.stderr)
    return [done[index] for index in sorted(done) if index < count]


def _lines(path: Path) -> list[str]:
    """The whole lines of a file: the last one may have been cut."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    if text and not text.endswith("\n"):
        text = text[: text.rfind("\n") + 1]
        path.write_text(text, encoding="utf-8")
    return text.splitlines()


def _computed(one: Callable[[int], Record], indices: list[int], jobs: int) -> Iterator[Record]:
    if jobs == 1:
        yield from map(one, indices)
        return
    with get_context("spawn").Pool(jobs) as pool:
        yield from pool.imap_unordered(one, indices)


def alarm_lines(records: list[Record]) -> list[str]:
    """What the chains without a bug gave, in rows of the table."""
    chains, sets = len(records), 6 * len(records)
    lost = {gain: [len(one["not_judged"]) for one in records if one["gain"] == gain] for gain in GAINS}
    alarms = sum(bool(one["structure"]) or "failed" in one["verdict"].values() for one in records)
    largest = max(share for one in records for share in one["worst"].values() if share is not None)
    rows = [
        ("false alarms of the rule, R1 or R2, in ONNX Runtime or PyTorch", f"**{alarms}** of {chains:,} chains"),
        ("largest error, as a share of what is allowed", f"{largest:.2f}"),
        ("golden sets that could be judged", f"{1 - sum(map(sum, lost.values())) / sets:.2%} of {sets:,}"),
        *((f"... sets not judged, weights x{gain:.0f}", f"{sum(counts):,}") for gain, counts in lost.items()),
        *(
            (f"chains without a judged set, weights x{gain:.0f}", f"{counts.count(6):,}")
            for gain, counts in lost.items()
        ),
    ]
    for name in FIXED:
        count = sum(not one["fixed"][name] for one in records)
        rows.append((f"false alarms of {name}", f"{count / chains:.1%}"))
    return ["| correct artifacts | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)]


def mutant_lines(records: list[Record]) -> list[str]:
    """Which share of the bugs was caught by what, a row a group of them."""
    groups: dict[str, list[Record]] = {}
    for mutant in (mutant for one in records for mutant in one["mutants"]):
        # Of single weights all are counted: most of them move the answers by less than rounding does.
        if mutant["matters"] or mutant["group"].startswith("one "):
            groups.setdefault(mutant["group"], []).append(mutant)
    header = ["bug", "artifacts", "R1 or R2", "R2 alone", *FIXED]
    lines = [f"| {' | '.join(header)} |", "|---" * len(header) + "|"]
    for group, found in groups.items():
        kinds = len({mutant["kind"] for mutant in found})
        shares = [
            _share(mutant["r1"] or mutant["r2"] for mutant in found),
            _share(mutant["r2"] for mutant in found),
            *(_share(not mutant["fixed"][name] for mutant in found) for name in FIXED),
        ]
        label = group if kinds == 1 else f"{group}, {kinds} kinds"
        lines.append(f"| {label} | {len(found):,} | {' | '.join(shares)} |")
    return lines


def diagnosis_lines(records: list[Record]) -> list[str]:
    """How often a bug got its own name, that of one that computes the same, no name, or a wrong one."""
    told = [one for record in records for one in record["told"]]
    header = ["artifacts that fail by their numbers", "", *OUTCOMES.values()]
    lines = [f"| {' | '.join(header)} |", "|---" * len(header) + "|"]
    for label, found in (
        ("bugs of the catalogue", [one for one in told if one["bug"]]),
        ("other bugs, one weight changed: unknown is right", [one for one in told if not one["bug"]]),
    ):
        counts = [sum(one["outcome"] == outcome for one in found) for outcome in OUTCOMES]
        lines.append(f"| {label} | {len(found):,} | {' | '.join(f'{count:,}' for count in counts)} |")
    return lines


def _share(caught: Iterable[bool]) -> str:
    counted = list(caught)
    share = sum(counted) / len(counted)
    return f"{share:.1%}" if share in (0, 1) or 0.001 <= share <= 0.999 else f"{share:.2%}"


def written(page: Path, lines: list[str]) -> None:
    """Put the lines between the page's markers."""
    text = page.read_text(encoding="utf-8")
    before, start, rest = text.partition(START)
    _, end, after = rest.partition(END)
    if not end:
        sys.exit(f"{page} has no block between {START} and {END}")
    page.write_text("\n".join([before + start, *lines, end + after]), encoding="utf-8")


def main() -> None:
    """Run what is missing, print what was found and write it into the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--chains", type=int, default=10_000, metavar="N", help="chains without a bug")
    parser.add_argument("--mutated", type=int, default=300, metavar="N", help="chains that are given every bug")
    parser.add_argument("--diagnosed", type=int, default=200, metavar="N", help="chains whose bugs are to be named")
    parser.add_argument("--seed", type=int, default=2026, metavar="S", help="another seed gives other chains")
    parser.add_argument("--jobs", type=int, default=1, metavar="J", help="processes")
    options = parser.parse_args()
    seed, jobs = options.seed, options.jobs
    alarms = run("alarms", partial(alarm, seed), options.chains, seed, jobs)
    judged = run("mutants", partial(mutant_kinds, seed), options.mutated, seed, jobs)
    asked = run("diagnosis", partial(diagnoses, seed), options.diagnosed, seed, jobs)
    lines = [_made_by(options), "", *alarm_lines(alarms), "", *mutant_lines(judged), "", *diagnosis_lines(asked)]
    print(*lines, sep="\n")
    written(PAGE, lines)


def _made_by(options: argparse.Namespace) -> str:
    found = machine("numpy", "onnx", "onnxruntime", "torch")
    versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    counts = f"--chains {options.chains} --mutated {options.mutated} --diagnosed {options.diagnosed}"
    command = f"python scripts/parity_study.py {counts} --seed {options.seed}"
    return f"`{command}` on {found['processor']}, Python {found['python']}, {versions}."


if __name__ == "__main__":
    main()
