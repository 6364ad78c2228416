"""Random user modules: how many are proved, how many refused by name, and that none is wrong.

    python -m scripts.study.random_modules --modules 10000 --jobs 2

What became of each is a line of JSON in artifacts/random-modules/, so that a run that was stopped
goes on where it was. The counts are written into docs/checkpoints.md.
"""

from __future__ import annotations

import argparse
from collections import Counter
from functools import partial
from pathlib import Path

import numpy as np
import torch

from lstm_export.chains import Checkpoint, ReadingOptions
from lstm_export.errors import LstmExportError
from lstm_export.parity import GoldenSet, check
from lstm_export.verification.subject import read
from scripts.bench.timing import machine, machine_text
from scripts.docs.block import write_block
from tests.kit.random_modules import RandomModule, random_module
from tests.kit.study.records import Record, run

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "artifacts" / "random-modules"
PAGE = ROOT / "docs" / "checkpoints.md"
PROVED = "proved"
WRONG = "proved and wrong"
OUTCOMES = (
    PROVED,
    "refused by name",
    "not judged",
    "refused though supported",
    "refused otherwise",
    "proved though it lacks",
    WRONG,
)


def outcome(drawn: RandomModule) -> tuple[str, str]:
    """What became of a module, and why."""
    try:
        names = [f"x{index}" for index in range(drawn.width)]
        found = read(drawn.module, ReadingOptions(features=names))
    except LstmExportError as error:
        if drawn.lacks and drawn.lacks in str(error):
            return "refused by name", ""
        return ("refused otherwise" if drawn.lacks else "refused though supported"), str(error)
    if not found.model.origin.startswith("proved"):
        return "not judged", found.doubts[0]
    if _is_wrong(drawn, found):
        return WRONG, found.forward or found.model.describe()
    return ("proved though it lacks" if drawn.lacks else PROVED), drawn.lacks


def _is_wrong(drawn: RandomModule, found: Checkpoint) -> bool:
    """By the parity rule, on inputs of the module's own units that the proof has not seen."""
    random = np.random.default_rng(1)
    level = random.normal(size=drawn.width)
    x = drawn.size * (level + random.normal(size=(6, 9, drawn.width)))
    golden = GoldenSet.of("its units", found.model, x.astype(np.float32))
    exact = drawn.module.double()
    default = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        with torch.no_grad():
            y = exact(torch.from_numpy(golden.x.astype(np.float64))).numpy()
    finally:
        torch.set_default_dtype(default)
    report = check(lambda _: y.reshape(golden.y.shape), (golden,), subject="the module")
    return report.verdict == "failed"


def judge(seed: int, index: int) -> Record:
    """What became of a module, as a record of the study."""
    drawn = random_module(seed, index)
    what, why = outcome(drawn)
    return {"index": index, "outcome": what, "why": why, "operations": list(drawn.operations)}


def lines_of(records: list[Record]) -> list[str]:
    """The counts as a table, and how many of the supported modules were proved."""
    counts = Counter(record["outcome"] for record in records)
    refused = {"refused by name", "refused otherwise"}
    supported = sum(number for what, number in counts.items() if what not in refused)
    share = counts[PROVED] / max(supported, 1)
    return [
        "| what became of it | modules |",
        "|---|---|",
        *(f"| {what} | {counts[what]:,} |" for what in OUTCOMES if counts[what] or what == WRONG),
        "",
        f"Of {supported:,} without an operation that is lacked, {share:.1%} are proved.",
    ]


def main() -> None:
    """Judge those that are missing, name those that are not as they should be, write the counts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--modules", type=int, default=1000, metavar="N")
    parser.add_argument("--seed", type=int, default=12, metavar="S")
    parser.add_argument("--jobs", type=int, default=1, metavar="J", help="processes")
    options = parser.parse_args()
    records = run(
        FOLDER / f"{options.seed}.jsonl",
        partial(judge, options.seed),
        options.modules,
        options.jobs,
    )
    for record in records:
        if record["outcome"] not in (PROVED, "refused by name"):
            drawn = ", ".join(record["operations"])
            print(f"{record['index']}: {record['outcome']}: {drawn}: {record['why'][:300]}")
    command = f"python -m scripts.study.random_modules --modules {options.modules}"
    where = machine_text(machine("numpy", "torch"))
    lines = [f"`{command} --seed {options.seed}`; {where}.", "", *lines_of(records)]
    print(*lines, sep="\n")
    write_block(PAGE, "random modules", lines)


if __name__ == "__main__":
    main()
