"""Rerun the study behind the parity rule, and write its table into docs/parity.md.

Three questions, each over chains drawn at random (tests/kit/random_chains.py), the first over
graphs (tests/kit/random_graphs.py) as well, written as real ONNX files by this package and run in
ONNX Runtime:

    alarms      does an artifact without a bug ever fail, in ONNX Runtime or in PyTorch?
    mutants     is an artifact with a bug (tests/kit/mutant_files.py) caught: by its structure (R1),
                its numbers (R2)?
    diagnosis   does a bug of the catalogue get its own name, and a bug that is not in it no name?

What each chain gave is a line of JSON in artifacts/parity-study/, so that a run that was stopped
goes on where it was. OpenBLAS's threads only get into each other's way here:

    OPENBLAS_NUM_THREADS=1 python -m scripts.study.parity_study
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

from scripts.bench.timing import machine
from scripts.docs.block import write_block
from tests.kit.study.judged import alarm, mutant_kinds
from tests.kit.study.named import diagnoses
from tests.kit.study.records import run
from tests.kit.study.tables import alarm_lines, diagnosis_lines, mutant_lines

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "artifacts" / "parity-study"
PAGE = ROOT / "docs" / "parity.md"


def main() -> None:
    """Run what is missing, print what was found and write it into the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--chains", type=int, default=10_000, metavar="N", help="chains without a bug"
    )
    parser.add_argument(
        "--graphs", type=int, default=10_000, metavar="N", help="graphs without a bug"
    )
    parser.add_argument(
        "--mutated", type=int, default=300, metavar="N", help="chains that are given every bug"
    )
    parser.add_argument(
        "--diagnosed", type=int, default=200, metavar="N", help="chains whose bugs are to be named"
    )
    parser.add_argument(
        "--seed", type=int, default=2026, metavar="S", help="another seed gives other chains"
    )
    parser.add_argument("--jobs", type=int, default=1, metavar="J", help="processes")
    options = parser.parse_args()
    seed = options.seed
    jobs = options.jobs
    alarms = run(_kept("alarms", seed), partial(alarm, seed), options.chains, jobs)
    of_graphs = partial(alarm, seed, graphs=True)
    graphs = run(_kept("graph-alarms", seed), of_graphs, options.graphs, jobs)
    judged = run(_kept("mutants", seed), partial(mutant_kinds, seed), options.mutated, jobs)
    asked = run(_kept("diagnosis", seed), partial(diagnoses, seed), options.diagnosed, jobs)
    lines = [
        _made_by(options),
        "",
        *alarm_lines(alarms),
        "",
        *alarm_lines(graphs, "graphs"),
        "",
        *mutant_lines(judged),
        "",
        *diagnosis_lines(asked),
    ]
    print(*lines, sep="\n")
    write_block(PAGE, "parity study", lines)


def _kept(question: str, seed: int) -> Path:
    return FOLDER / f"{question}-{seed}.jsonl"


def _made_by(options: argparse.Namespace) -> str:
    found = machine("numpy", "onnx", "onnxruntime", "torch")
    versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    asked = ("chains", "graphs", "mutated", "diagnosed")
    counts = " ".join(f"--{name} {vars(options)[name]}" for name in asked)
    command = f"python -m scripts.study.parity_study {counts} --seed {options.seed}"
    return f"`{command}` on {found['processor']}, Python {found['python']}, {versions}."


if __name__ == "__main__":
    main()
