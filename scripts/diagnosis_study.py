"""How often a bug of the catalogue is given its own name: every bug, on random chains, each in float32.

    python scripts/diagnosis_study.py --chains 40 --write

An artifact with a bug is PyTorch running the mutated model; where no model has the bug, its definition in float64,
rounded to float32. Chains and bugs are drawn anew from the seed. `--write` puts the table into docs/parity.md.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from lstm_export.errors import LstmExportError  # noqa: E402
from lstm_export.model import Model, Runner  # noqa: E402
from lstm_export.model.torch_module import eager, to_module  # noqa: E402
from lstm_export.parity import Mutation, by_place, catalogue, check, golden_sets  # noqa: E402
from lstm_export.parity.diagnosis import named  # noqa: E402
from scripts.random_chains import random_chain  # noqa: E402

LARGEST_HIDDEN, LARGEST_GAIN = 32, 3.0
PAGE, SECTION = ROOT / "docs" / "parity.md", r"(<!-- diagnosis study -->\n).*?(<!-- end of diagnosis study -->)"


def runner_of(bug: Mutation) -> Runner:
    """An engine that has this bug and no other."""
    if bug.is_model:
        return eager(to_module(bug.model))
    return lambda x: bug(x).y.astype(np.float32)


def verdicts(model: Model, bugs: list[Mutation]) -> Iterator[tuple[str, str]]:
    """What became of each bug that the golden sets see, and which it was."""
    golden = golden_sets(model)
    for bug in bugs:
        runner = runner_of(bug)
        try:
            report = check(runner, golden, subject="bug")
        except (LstmExportError, ValueError):
            continue
        refused = {result.name for result in report.sets if result.reason}
        answered = [one for one in golden if one.name not in refused]
        if report.verdict != "failed" or not answered:
            continue  # within the bound, not to be judged, or never an answer of the right shape
        yield _verdict(bug, named(runner, model, answered)), bug.name


def _verdict(bug: Mutation, found: list[Mutation]) -> str:
    if not found:
        return "unknown"
    if found[0].name == bug.name:
        return "named"
    if any(one.name == bug.name or _same(one, bug) for one in found):
        return "named beside others with the same answers"
    return "named wrongly"


def _same(one: Mutation, other: Mutation) -> bool:
    """Whether two bugs are one for this chain: where only one layer can have it, all layers having it is the same."""
    x = np.random.default_rng(0).normal(size=(3, 6, one.model.signature.input_size)).astype(np.float32)
    answers = one(x).y, other(x).y
    return answers[0].shape == answers[1].shape and bool(np.allclose(*answers, rtol=1e-6, atol=1e-9))


def study(chains: int, bugs: int, seed: int) -> Counter[str]:
    """The counts over `chains` random chains with up to `bugs` bugs each."""
    counts: Counter[str] = Counter()
    index = 0
    while chains:
        model, gain = random_chain(seed, index, largest_hidden=LARGEST_HIDDEN)
        index += 1
        if gain > LARGEST_GAIN:
            continue
        chains -= 1
        every = [*catalogue(model), *by_place(model)]
        chosen = np.random.default_rng((seed, index)).permutation(len(every))[:bugs]
        for verdict, name in verdicts(model, [every[one] for one in sorted(chosen)]):
            counts[verdict] += 1
            if verdict in ("unknown", "named wrongly"):
                print(f"{verdict}: {name} (chain {index - 1}: {model.describe()})")
    return counts


def main() -> None:
    """Run the study and print or write its table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chains", type=int, default=40)
    parser.add_argument("--bugs", type=int, default=25, help="of each chain")
    parser.add_argument("--seed", type=int, default=71)
    parser.add_argument("--write", action="store_true", help="put the table into docs/parity.md")
    options = parser.parse_args()
    counts = study(options.chains, options.bugs, options.seed)
    total = sum(counts.values())
    lines = [f"{total} bugs in {options.chains} chains of seed {options.seed}, weights x1 and x3:", ""]
    lines += ["| verdict | bugs | share |", "|---|---|---|"]
    kinds = ("named", "named beside others with the same answers", "unknown", "named wrongly")
    lines += [f"| {kind} | {counts[kind]} | {100 * counts[kind] / max(total, 1):.1f} % |" for kind in kinds]
    table = "\n".join(lines)
    print(table)
    if options.write:
        page = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(re.sub(SECTION, rf"\g<1>{table}\n\g<2>", page, flags=re.DOTALL), encoding="utf-8")


if __name__ == "__main__":
    main()
