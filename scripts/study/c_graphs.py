"""Run chains and graphs drawn at random through C, and write what came of it into docs/parity.md.

Each is written as C, with its recurrent weights as float32, int16 and int8 in turn, compiled, and
judged by the parity rule. A batch, its rows one by one and, where there are any, single steps must
give the same bits. What each one gave is a line of JSON in artifacts/c-study/, so that a run that
was stopped goes on where it was.

    OPENBLAS_NUM_THREADS=1 python -m scripts.study.c_graphs --graphs 1000 --chains 500
"""

from __future__ import annotations

import argparse
import os
from functools import partial
from pathlib import Path

import numpy as np

from lstm_export.model import Array
from lstm_export.parity import check, golden_sets
from lstm_export.targets.c.emit.interface import Interface
from lstm_export.targets.c.emit.layout import BITS, rounded
from lstm_export.targets.c.emit.source import write
from lstm_export.targets.c.host import compiler
from lstm_export.targets.c.host.runner import CRunner, CStream
from scripts.bench.timing import machine
from scripts.docs.block import write_block
from tests.kit.builders import drawn
from tests.kit.random_chains import random_chain
from tests.kit.random_graphs import random_graph
from tests.kit.study.judged import worst
from tests.kit.study.records import Record, run

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "artifacts" / "c-study"
PAGE = ROOT / "docs" / "parity.md"
FLAGS = "-O1 -ffp-contract=off"
LARGEST_HIDDEN = 64
STORAGES = tuple(BITS)
SHAPES = ((1, 9), (33, 3), (12, 2), (1, 130))


def judge(seed: int, index: int, *, graphs: bool) -> Record:
    """One model, written, compiled and asked in every way."""
    draw = random_graph if graphs else random_chain
    model, gain = draw(seed, index, largest_hidden=LARGEST_HIDDEN)
    weights = STORAGES[index % len(STORAGES)]
    interface = Interface.of(model, "model", self_test=False)
    files = {"model.c": write(model, interface, weights).c, "model.h": interface.header()}
    os.environ["XDG_CACHE_HOME"] = str(FOLDER / "cache")
    os.environ["CFLAGS"] = FLAGS
    library = compiler.library(files)
    runner = (CStream if interface.streams else CRunner)(library, interface, model.signature)
    library.unlink()  # loaded it stays
    report = check(runner, golden_sets(rounded(model, BITS[weights])), subject="c")
    shapes = [(batch, max(seq, model.least_steps)) for batch, seq in SHAPES]
    differing = [shape for shape in shapes if not is_one_answer(runner, drawn(model, *shape))]
    return {
        "index": index,
        "gain": gain,
        "chain": model.describe(),
        "weights": weights,
        "streams": interface.streams,
        "verdict": report.verdict,
        "worst": worst(report),
        "differing": differing,
    }


def is_one_answer(runner: CRunner, x: Array) -> bool:
    """Whether batch, rows and steps give the same bits."""
    y = runner(x)
    rows = np.concatenate([runner(row[np.newaxis]) for row in x])
    ways = [rows]
    if isinstance(runner, CStream):
        ways.append(runner.advance(x, runner.initial_state(len(x)))[0])
    return all(way.tobytes() == y.tobytes() for way in ways)


def table(found: dict[str, list[Record]]) -> list[str]:
    """A column for chains, one for graphs."""
    rows = {
        "written, compiled and run": [f"{len(records):,}" for records in found.values()],
        "of them with single steps": [_count(records, "streams") for records in found.values()],
        "failed by the parity rule": [_failed(records) for records in found.values()],
        "batch, rows or steps differ in a bit": [
            _count(records, "differing") for records in found.values()
        ],
        "largest error of the others, as a share of what is allowed": [
            f"{max(_worst_of_passed(records)):.2f}" for records in found.values()
        ],
    }
    heads = ["| drawn at random |", *(f" {name} |" for name in found)]
    lines = ["".join(heads), "|---|" + "---|" * len(found)]
    return lines + [f"| {name} | {' | '.join(cells)} |" for name, cells in rows.items()]


def _count(records: list[Record], key: str) -> str:
    return f"{sum(bool(record[key]) for record in records):,}"


def _worst_of_passed(records: list[Record]) -> list[float]:
    return [record["worst"] or 0.0 for record in records if record["verdict"] != "failed"]


def _failed(records: list[Record]) -> str:
    return f"{sum(record['verdict'] == 'failed' for record in records):,}"


def main() -> None:
    """Run what is missing, print what was found and write it into the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--graphs", type=int, default=1000, metavar="N")
    parser.add_argument("--chains", type=int, default=500, metavar="N")
    parser.add_argument("--seed", type=int, default=2026, metavar="S")
    parser.add_argument("--jobs", type=int, default=1, metavar="J", help="processes")
    options = parser.parse_args()
    seed = options.seed
    found = {}
    for name, count in (("chains", options.chains), ("graphs", options.graphs)):
        one_of = partial(judge, seed, graphs=name == "graphs")
        found[name] = run(FOLDER / f"{name}-{seed}.jsonl", one_of, count, options.jobs)
    lines = [_made_by(options), "", *table(found)]
    print(*lines, sep="\n")
    write_block(PAGE, "c study", lines)


def _made_by(options: argparse.Namespace) -> str:
    of = machine("numpy")
    counts = f"--graphs {options.graphs} --chains {options.chains} --seed {options.seed}"
    command = f"python -m scripts.study.c_graphs {counts}"
    compiled = f"{' '.join(compiler.compiler())} {FLAGS}"
    versions = ", ".join(f"{name} {version}" for name, version in of["versions"].items())
    return f"`{command}` on {of['processor']}, Python {of['python']}, {versions}, `{compiled}`."


if __name__ == "__main__":
    main()
