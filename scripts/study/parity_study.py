"""Rerun the study behind the parity rule, and write its tables into docs/parity.md.

Each question is asked of models drawn at random (tests/kit/random_chains.py, random_graphs.py),
which this package writes as real ONNX files, run in ONNX Runtime:

    chains      does an artifact without a bug ever fail, in ONNX Runtime or in PyTorch?
    graphs      the same of models whose stages take more than the value before them
    mutated     is an artifact with a bug (tests/kit/mutant_files.py) caught: by its structure (R1),
                its numbers (R2)?
    diagnosed   does a bug of the catalogue get its own name, and a bug that is not in it no name?

What each model gave is a line of JSON in artifacts/parity-study/, so that a run that was stopped
goes on where it was. A question that is asked of 0 models keeps its table. OpenBLAS's threads only
get into each other's way here:

    OPENBLAS_NUM_THREADS=1 python -m scripts.study.parity_study
    OPENBLAS_NUM_THREADS=1 python -m scripts.study.parity_study --chains 0 --mutated 0 --diagnosed 0
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from scripts.bench.timing import machine
from scripts.docs.block import write_block
from tests.kit.study.judged import alarm, mutant_kinds
from tests.kit.study.named import diagnoses
from tests.kit.study.records import Record, run
from tests.kit.study.tables import alarm_lines, diagnosis_lines, mutant_lines

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "artifacts" / "parity-study"
PAGE = ROOT / "docs" / "parity.md"


class Question(NamedTuple):
    """What is asked of many models.

    Attributes:
        models: of how many, where nobody says; also the name of the option.
        about: what the option's help says.
        judge: asks the model that a seed and a number draw.
        lines: the table of what all of them gave.
    """

    models: int
    about: str
    judge: Callable[[int, int], Record]
    lines: Callable[[list[Record]], list[str]]


QUESTIONS = {
    "chains": Question(10_000, "chains without a bug", alarm, alarm_lines),
    "graphs": Question(
        10_000,
        "graphs without a bug",
        partial(alarm, graphs=True),
        partial(alarm_lines, what="graphs"),
    ),
    "mutated": Question(300, "chains that are given every bug", mutant_kinds, mutant_lines),
    "diagnosed": Question(200, "chains whose bugs are to be named", diagnoses, diagnosis_lines),
}


def main() -> None:
    """Run what is missing, print what was found and write it into the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, question in QUESTIONS.items():
        parser.add_argument(
            f"--{name}", type=int, default=question.models, metavar="N", help=question.about
        )
    parser.add_argument(
        "--seed", type=int, default=2026, metavar="S", help="another seed gives other models"
    )
    parser.add_argument("--jobs", type=int, default=1, metavar="J", help="processes")
    options = parser.parse_args()
    for name, question in QUESTIONS.items():
        count = vars(options)[name]
        if not count:
            continue
        path = FOLDER / f"{name}-{options.seed}.jsonl"
        records = run(path, partial(question.judge, options.seed), count, options.jobs)
        lines = [_made_by(name, count, options.seed), "", *question.lines(records)]
        print(*lines, sep="\n")
        write_block(PAGE, f"parity study, {name}", lines)


def _made_by(name: str, count: int, seed: int) -> str:
    found = machine("numpy", "onnx", "onnxruntime", "torch")
    versions = ", ".join(f"{package} {version}" for package, version in found["versions"].items())
    command = f"python -m scripts.study.parity_study --{name} {count} --seed {seed}"
    return f"`{command}` on {found['processor']}, Python {found['python']}, {versions}."


if __name__ == "__main__":
    main()
