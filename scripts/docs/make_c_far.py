"""Prove generated C on processors far from this machine, and write docs/c_far.md.

Chains of the tests with float32, int16 and int8 weights, and in whole numbers; on an AVR the small
ones in floats, and whole ones one by one. What each prints are the bits of its answers, as for
docs/c_targets.md. Where they are not this machine's, the build must have said so.

    apt-get install PACKAGES      # below; once, as root
    python -m scripts.docs.make_c_far
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from lstm_export.model import LastStep, Model, Signature
from lstm_export.targets import get
from tests.kit.builders import drawn, linear, lstm
from tests.kit.chains import CHAINS
from tests.kit.emulate import (
    FAR,
    FLAGS,
    HOST,
    Board,
    Case,
    Found,
    IntegerCase,
    emulate,
    flash_bytes,
)
from tests.kit.integer_models import UNTRAINED

PACKAGES = (
    "gcc-avr avr-libc simavr sdcc qemu-user-static gcc-arm-linux-gnueabihf libc6-dev-armhf-cross "
    "gcc-i686-linux-gnu libc6-dev-i386-cross gcc-m68k-linux-gnu libc6-dev-m68k-cross "
    "gcc-s390x-linux-gnu libc6-dev-s390x-cross gcc-powerpc64-linux-gnu libc6-dev-ppc64-cross "
    "gcc-mips-linux-gnu libc6-dev-mips-cross gcc-hppa-linux-gnu libc6-dev-hppa-cross "
    "gcc-sparc64-linux-gnu libc6-dev-sparc64-cross"
)
PAGE = Path(__file__).resolve().parents[2] / "docs" / "c_far.md"
SMALL = (("smallest", "float32"), ("scalers", "int8"), ("gru", "int16"), ("norms", "float32"))
ALL = (*SMALL, ("seed", "float32"), ("seed", "int16"), ("seed", "int8"), ("projected", "int8"))
INTEGER = (("gru", "int16"), ("norms", "int16"), ("seed", "int8"), ("large", "int16"))
SDCC_CHIPS = ("stm8", "z80")
NOTE = "floats are computed otherwise"
# Builds beside the usual one, which mend what that does.
MENDED = {"s390x": ("-std=gnu99",)}
EVERYWHERE = ("-static", "-Qunused-arguments")  # flags that tell nothing of a processor
QUIET = ("-Wno-double-promotion",)  # s390x promotes under -std=c99: that is what is told
Row = tuple[str, ...]


def main() -> None:
    """Generate, compile, run, compare, write."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    for board in FAR.values():
        if board.missing():
            sys.exit(f"{board.missing()}; or: apt-get install {PACKAGES}")
    with TemporaryDirectory() as name:
        folder = Path(name)
        cases = [case_of(chain, weights, folder) for chain, weights in ALL]
        whole = [integer_case_of(chain, weights, folder) for chain, weights in INTEGER]
        host = emulate(HOST, [*cases, *whole], folder)
        check_whole(whole, host, folder)
        rows = [row for key in FAR for row in rows_of(key, cases, host, folder)]
        small = list(avr_rows(cases[: len(SMALL)], SMALL, folder))
        small += avr_rows(whole, INTEGER, folder)
        compile_with_sdcc(cases[0])
    PAGE.write_text(page(rows, small), encoding="utf-8")
    print(f"wrote {PAGE}")


def case_of(chain: str, weights: str, folder: Path) -> Case:
    """The chain exported, with inputs of its size, one row of them far outside."""
    model = CHAINS[chain]
    name = f"{chain}_{weights}"
    get("c").export(model, folder / name, name=name, weights=weights)
    x = drawn(model, 3, 5)
    x[2] *= 30
    return Case(name, folder / name, x, model.signature.output_size, model.returns_every_step)


def large() -> Model:
    """44 kB of weights in a layer, as int16: more than an AVR has in an array."""
    random = np.random.default_rng(3)
    stages = (lstm("lstm", 4, 72, 1, random), LastStep("last"), linear("fc", 72, 1, random))
    return Model(stages, Signature(4, 1))


MODELS = {**CHAINS, "large": large()}


def integer_case_of(chain: str, weights: str, folder: Path) -> IntegerCase:
    """The chain in whole numbers, with counts of every size."""
    model = MODELS[chain]
    name = f"{chain}_whole"
    get("c").export(model, folder / name, name=name, weights=weights, **UNTRAINED)
    shape = (3, 5, model.signature.input_size)
    x = np.random.default_rng(2).integers(-32768, 32768, shape, np.int16)
    return IntegerCase(name, folder / name, x, model.signature.output_size)


def check_whole(cases: Sequence[Case], host: dict[str, Found], folder: Path) -> None:
    """Stop the script where whole numbers differ; an AVR has room for one model at a time."""
    for key, board in FAR.items():
        at_once = [[case] for case in cases] if key == "avr" else [cases]
        found = {name: of for some in at_once for name, of in emulate(board, some, folder).items()}
        for case in cases:
            if found[case.name].answers != host[case.name].answers:
                sys.exit(f"{board.name}: other bits in whole numbers, {case.name}")


def rows_of(key: str, cases: Sequence[Case], host: dict[str, Found], folder: Path) -> Iterator[Row]:
    """The lines of one processor; stops the script where bits differ and nothing was said."""
    board = FAR[key]
    some = cases[: len(SMALL)] if key == "avr" else cases
    for flags in ((), *([MENDED[key]] if key in MENDED else [])):
        found = emulate(board, some, folder, (*flags, *QUIET))
        differs = [case for case in some if found[case.name].answers != host[case.name].answers]
        is_told = NOTE in said(board, some[0], folder, flags)
        if differs and not is_told:
            sys.exit(f"{board.name}: other bits, and the build did not say so")
        answers = "identical"
        if differs:
            worst = max(distance(found[case.name], host[case.name]) for case in differs)
            answers = f"within {worst:.0e} in {len(differs)} of {len(some)}"
        told = (board.other_compiler, *board.flags, *flags)
        build = " ".join(word for word in told if word not in ("", *EVERYWHERE))
        print(board.name, flags, answers, is_told)
        yield (board.name, f"`{build}`" if build else "", answers, "yes" if is_told else "no")


def said(board: Board, case: Case, folder: Path, flags: Sequence[str]) -> str:
    """What the compiler says of a model."""
    command = [board.compiler, *FLAGS, *board.flags, *flags, "-c", str(case.folder / case.name)]
    command[-1] += ".c"
    command += ["-o", str(folder / "said.o")]
    return subprocess.run(command, capture_output=True, text=True, check=True).stderr


def distance(found: Found, host: Found) -> float:
    """The largest difference of an answer."""
    return max(
        float(np.abs(found.y(way).astype(np.float64) - host.y(way)).max())
        for way in ("step", "run", "batch")
    )


def avr_rows(
    cases: Sequence[Case], models: Sequence[tuple[str, str]], folder: Path
) -> Iterator[Row]:
    """Flash, state and cycles on an AVR."""
    for case, (chain, weights) in zip(cases, models, strict=True):
        found = emulate(FAR["avr"], [case], folder)[case.name]
        flash = flash_bytes(FAR["avr"], case, folder)
        numbers = (flash, found.state_bytes, found.instructions)
        described = MODELS[chain].describe()
        stored = f"whole {weights}" if isinstance(case, IntegerCase) else weights
        yield (f"`{described}`", stored, *(f"{number:,}" for number in numbers))


def compile_with_sdcc(case: Case) -> None:
    """Stop the script where sdcc does not compile a model for a chip."""
    source = str(case.folder / f"{case.name}.c")
    for chip in SDCC_CHIPS:
        command = ["sdcc", f"-m{chip}", "--std-c99", "--max-allocs-per-node", "1", "-c", source]
        subprocess.run([*command, "-o", str(case.folder / "model.rel")], check=True)


def page(rows: Sequence[Row], small: Sequence[Row]) -> str:
    """The whole page."""
    heads = (
        ("processor", "build", "answers", "told"),
        ("chain", "weights", "flash, B", "state, B", "cycles a step"),
    )
    tables = []
    for head, lines in zip(heads, (rows, small), strict=True):
        texts = [head, ("---",) * len(head), *lines]
        tables.append("\n".join(f"| {' | '.join(cells)} |" for cells in texts))
    tools = dict.fromkeys(board.compiler for board in FAR.values())
    versions = "\n".join(f"- {version(tool)}" for tool in tools)
    return TEXT.format(
        bits=tables[0],
        avr=tables[1],
        count=len(ALL),
        whole=len(INTEGER),
        flags=" ".join(FLAGS[:3]),
        tools=versions,
    )


def version(tool: str) -> str:
    """What a compiler calls itself."""
    done = subprocess.run([tool, "--version"], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[0]


TEXT = """# Generated C on far processors

See where the answers are the same bits, where they are not and why, and what an AVR needs. Made by
`scripts/docs/make_c_far.py`, which runs {count} models of the tests under QEMU and simavr, compiled
with `{flags}`.

{bits}

- answers: `identical` where the bits of every answer, step by step, as a sequence and as a batch,
  are those of a build for this machine.
- told: whether the build says in one line that its bits may be others: where floats are computed
  with more bits than they have (x87, the 68881, s390x under `-std=c99`), or with `-ffast-math`. The
  answers stay within float rounding. Define `NAME_OTHER_BITS` to silence the line.
- {whole} models in whole numbers, `--arithmetic integer`, gave the same bits in every row.
- NEON of 32 bits is not used: it flushes the smallest numbers to zero, and gcc breaks its vectors
  up into scalars. `-DNAME_VL=4` uses it all the same.

## Flash that is no plain memory

Every constant is declared with `NAME_FLASH` and read with `NAME_READ`. On an AVR both are set:
constants stay in the first 64 kB of flash, beyond which every read would need three bytes of
address; more constants are refused when they are compiled. Its compiler takes no array above
32 kB: a layer of more is several arrays there. In floats a Linear or a projection of more is
refused. Elsewhere `NAME_FLASH` is empty and `NAME_READ` a plain read. Options of the compiler
change both: `-D'NAME_FLASH=__attribute__((section(".model")))'` puts the constants into a section
of yours, and a `NAME_READ(p)` of yours reads them, without vectors then.

Models on an ATmega2560, with 1,024 cycles to a tick; `whole` says that all arithmetic is in whole
numbers:

{avr}

A compiler whose `int` has 16 bits gets types from `<stdint.h>`; sdcc 4.2 compiles models for the
STM8 and the Z80.

Tools:

{tools}
"""

if __name__ == "__main__":
    main()
