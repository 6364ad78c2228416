"""Random user modules: how many are proved, how many refused by name, and that none is wrong.

python -m scripts.study.random_modules [COUNT] [FIRST]     the figures in docs/checkpoints.md
"""

from __future__ import annotations

import sys
from collections import Counter

import numpy as np
import torch

from lstm_export.chains import Checkpoint, ReadingOptions
from lstm_export.errors import LstmExportError
from lstm_export.parity import GoldenSet, check
from lstm_export.verification.subject import read
from tests.kit.random_modules import RandomModule, random_module

SEED = 12
SHOWN = 10  # modules of each kind that are named


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
        return "PROVED AND WRONG", found.forward or found.model.describe()
    return ("proved though it lacks" if drawn.lacks else "proved"), drawn.lacks


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


def main() -> None:
    """Print the counts, and the modules that are not as they should be."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    counts: Counter[str] = Counter()
    named: list[str] = []
    for index in range(first, first + count):
        drawn = random_module(SEED, index)
        what, why = outcome(drawn)
        counts[what] += 1
        if what not in ("proved", "refused by name") and counts[what] <= SHOWN:
            named.append(f"{index}: {what}: {', '.join(drawn.operations)}: {why[:300]}")
    print("\n".join(named))
    supported = sum(number for what, number in counts.items() if "refused" not in what)
    supported += counts["refused though supported"]
    print(f"{count} modules: " + ", ".join(f"{number} {what}" for what, number in counts.items()))
    share = counts["proved"] / max(supported, 1)
    print(f"of {supported} without an operation that is lacked, {share:.1%} proved")


if __name__ == "__main__":
    main()
