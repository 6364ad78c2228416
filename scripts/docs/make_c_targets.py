"""Prove generated C on every processor at hand, measure it there, and write docs/c_targets.md.

The README's model, LSTM(10, 50, num_layers=2) and Linear(50, 1), with random weights, as float32,
int16 and int8, in floats and in whole numbers. The program of every processor prints the bits of
its answers, step by step, as a sequence and as a batch; they must be those of this machine's build,
and in whole numbers those of the definition in NumPy. Sizes and instructions are of the same build,
`-O2 -ffp-contract=off`.

    scripts/install_emulators.sh     # once, as root
    python -m scripts.docs.make_c_targets          # all
    python -m scripts.docs.make_c_targets whole    # rows of weights that begin so; others stay
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from lstm_export.model import LSTM, LastStep, Linear, Model, Signature
from lstm_export.targets import get
from scripts.docs.block import write_block
from tests.kit.emulate import (
    BOARDS,
    FLAGS,
    HOST,
    Board,
    Case,
    Found,
    IntegerCase,
    emulate,
    flash_bytes,
    stack_bytes,
)
from tests.kit.integer_models import UNTRAINED

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = DOCS / "c_targets.md"
WEIGHTS = ("float32", "int16", "int8")
WHOLE = ("whole int16", "whole int8")
# The fastest build for a Cortex-M4F, no longer bit for bit the host's.
FAST = ("-ffp-contract=fast", "-funroll-loops")
# What many firmware builds take; on a Cortex-M0 it leaves the kernel out.
SMALL = ("-Os",)
ROW = "| {} | {} | {} | {} | {} | {} | {} |"


def seed_model() -> Model:
    """Weights as torch.nn draws them."""
    random = np.random.default_rng(0)
    shapes = {}
    for k, width in enumerate((10, 50)):
        shapes |= {f"weight_ih_l{k}": (200, width), f"weight_hh_l{k}": (200, 50)}
        shapes |= {f"bias_ih_l{k}": (200,), f"bias_hh_l{k}": (200,)}
    bound = 1 / np.sqrt(50)
    weights = {key: random.uniform(-bound, bound, shape) for key, shape in shapes.items()}
    head = Linear("fc", random.uniform(-bound, bound, (1, 50)), random.uniform(-bound, bound, 1))
    return Model((LSTM("lstm", weights), LastStep("last"), head), Signature(10, 1))


def main() -> None:
    """Generate, compile, run, compare, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "weights", nargs="?", default="", help="only rows whose weights begin so; others stay"
    )
    asked: str = parser.parse_args().weights
    for board in (HOST, *BOARDS.values()):
        if board.missing():
            sys.exit(board.missing())
    with TemporaryDirectory() as folder:
        cases = {weights: case_of(weights, Path(folder)) for weights in WEIGHTS}
        cases |= {weights: whole_case_of(weights, Path(folder)) for weights in WHOLE}
        rows = [row for row in rows_there() if not cells_of(row)[1].startswith(asked)]
        for board in BOARDS.values():
            for weights, case in cases.items():
                if weights.startswith(asked):
                    rows += rows_of(board, weights, case)
    rows.sort(key=order_of)
    PAGE.write_text(page(rows), encoding="utf-8")
    print("\n".join(rows))
    opening = DOCS / "c.md"
    write_block(opening, "chips", ["", *chips_of(rows), ""])
    print(f"wrote {PAGE} and {opening}")


def rows_there() -> list[str]:
    """The rows of the page as it is."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    names = {board.name for board in BOARDS.values()}
    return [line for line in lines if line.startswith("| ") and cells_of(line)[0] in names]


def cells_of(row: str) -> list[str]:
    """The cells of a line: processor, weights, ..."""
    return [cell.strip() for cell in row.split("|")[1:-1]]


def order_of(row: str) -> tuple[int, int]:
    """Processor by processor, weights by weights."""
    name, weights = cells_of(row)[:2]
    names = [board.name for board in BOARDS.values()]
    return names.index(name), (*WEIGHTS, *WHOLE).index(weights.partition(",")[0])


def chips_of(rows: list[str]) -> Iterator[str]:
    """The table of docs/c.md: a line a processor, instructions and flash by weights."""
    columns = ("float32", "int16", *WHOLE)
    titles = ["floats", "floats, int16 weights", "whole numbers, int16", "whole numbers, int8"]
    yield f"| processor | {' | '.join(titles)} |"
    yield "|---|" + "---|" * len(columns)
    cells: dict[str, dict[str, str]] = {}
    for row in rows:
        name, weights, _, flash, _, _, instructions = cells_of(row)
        cells.setdefault(name, {})[weights] = f"{instructions}; {flash} B"
    for name, by_weights in cells.items():
        yield f"| {name} | {' | '.join(by_weights[column] for column in columns)} |"


def case_of(weights: str, folder: Path) -> Case:
    """The model exported with such weights."""
    name = f"seed_{weights}"
    x = np.random.default_rng(1).normal(size=(4, 25, 10)).astype(np.float32)
    get("c").export(seed_model(), folder / name, name=name, weights=weights)
    return Case(name, folder / name, x, 1)


def whole_case_of(weights: str, folder: Path) -> IntegerCase:
    """The same in whole numbers, on the same inputs."""
    name = f"seed_{weights.replace(' ', '_')}"
    model = seed_model()
    x = np.random.default_rng(1).normal(size=(4, 25, 10)).astype(np.float32)
    get("c").export(model, folder / name, name=name, weights=weights.split()[1], **UNTRAINED)
    definition = get("c").definition(model, (folder / name / f"{name}.c").read_bytes())
    return IntegerCase(name, folder / name, definition.counts(x).astype(np.int16), 1)


def rows_of(board: Board, weights: str, case: Case) -> Iterator[str]:
    """The lines of one processor; stops the script where an answer differs."""
    host = emulate(HOST, [case], case.folder)[case.name]
    found = emulate(board, [case], case.folder)[case.name]
    ways = [answers for answers in found.answers.values() if answers]
    if found.answers != host.answers or any(answers != ways[0] for answers in ways):
        sys.exit(
            f"{board.name}, {weights}: not the host's answers\n{found.answers}\n{host.answers}"
        )
    yield line(board, case, weights, "identical", found)
    if board.name == "Cortex-M4F" and not isinstance(case, IntegerCase):
        fast = emulate(board, [case], case.folder, FAST)[case.name]
        error = np.abs(fast.y("step").astype(np.float64) - host.y("step")).max()
        yield line(board, case, f"{weights}, `{' '.join(FAST)}`", f"within {error:.0e}", fast, FAST)
    if board.name == "Cortex-M0+" and isinstance(case, IntegerCase):
        small = emulate(board, [case], case.folder, SMALL)[case.name]
        if small.answers != host.answers:
            sys.exit(f"{board.name}, {weights}, {' '.join(SMALL)}: not the host's answers")
        yield line(board, case, f"{weights}, `{' '.join(SMALL)}`", "identical", small, SMALL)


def line(  # noqa: PLR0913, PLR0917 - the cells of a line
    board: Board, case: Case, weights: str, answers: str, found: Found, flags: tuple[str, ...] = ()
) -> str:
    """One line of the table."""
    flash, stack = (
        measure(board, case, case.folder, flags) for measure in (flash_bytes, stack_bytes)
    )
    numbers = (
        f"{number:,}" if number else "-"
        for number in (flash, found.state_bytes, stack, found.instructions)
    )
    return ROW.format(board.name, weights, answers, *numbers)


def page(rows: list[str]) -> str:
    """The whole page."""
    tools = dict.fromkeys(
        tool for board in BOARDS.values() for tool in (board.compiler, board.emulator[0])
    )
    calls = (
        subprocess.run([tool, "--version"], capture_output=True, text=True, check=True)
        for tool in tools
    )
    versions = dict.fromkeys(f"- {call.stdout.splitlines()[0]}" for call in calls)
    head = ROW.format(
        "processor", "weights", "answers", "flash, B", "state, B", "stack, B", "instructions a step"
    )
    return TEXT.format(
        table="\n".join([head, "|" + "---|" * 7, *rows]),
        tools="\n".join(versions),
        flags=" ".join(FLAGS[:3]),
    )


TEXT = """# Generated C on other processors

See what a model takes on ten processors: flash, memory, instructions, and whether the answers
are the same bits. The model is LSTM(10, 50, num_layers=2) with Linear(50, 1), 32,851 weights,
compiled with `{flags}` and run under QEMU by
`scripts/docs/make_c_targets.py`.

{table}

- weights: `whole` says that all arithmetic is in whole numbers (`--arithmetic integer`); the other
  rows compute in floats.
- answers: `identical` where the bits of every answer, step by step, as a sequence and as a batch,
  are those of a build for this machine; a build that may fuse multiplications and additions differs
  by roundings.
- flash: what `reset` and `step` add to a program, code and weights.
- state: all memory that the model keeps from sample to sample; it is the caller's. Nothing else is
  written.
- stack: the deepest path of calls from a step, by the compiler's own frames.
- instructions: of a step, counted by QEMU, which knows no cycles (and counts none for Linux
  programs).

Tools:

{tools}
"""

if __name__ == "__main__":
    main()
