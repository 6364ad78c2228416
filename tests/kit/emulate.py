"""Compile generated C for a processor, run it there, and read what it answered.

It runs under QEMU, or on this machine.

What the program prints are the bits of every answer, so two machines can be compared by their text.
`BOARDS` are the processors; scripts/install_emulators.sh installs what they need.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from lstm_export.model import Array

SOURCES = Path(__file__).resolve().parents[2] / "scripts" / "boards"
# Without contraction every processor rounds every product; with -O2 this is what a firmware build
# uses.
FLAGS = (
    "-std=c99",
    "-O2",
    "-ffp-contract=off",
    "-ffunction-sections",
    "-fdata-sections",
    "-Wl,--gc-sections",
)
WARNINGS = ("-pedantic", "-Wall", "-Wextra", "-Werror", "-Wdouble-promotion")
SCRATCH_FLOATS = (
    60_000  # for all models in turn; the most is for a vector machine with rounded weights
)
SCRATCH_WORDS = 4_000  # for each integer model that needs any
SMALL_SCRATCH_FLOATS = 600  # an AVR has 8 kB
HOW = "run scripts/install_emulators.sh (Debian, Ubuntu; as root)"


@dataclass(frozen=True)
class Board:
    """A processor and how to get a program onto it.

    Attributes:
        name: as the table shows it.
        tools: what its compiler's commands start with, such as `arm-none-eabi-`.
        flags: which processor, and where its memory is.
        start: the file of scripts/boards that starts it.
        emulator: the command that runs a program given as its last argument; empty on this machine.
        other_compiler: the command that compiles and links, where that is not `tools` with gcc.
    """

    name: str
    tools: str
    flags: tuple[str, ...]
    start: str
    emulator: tuple[str, ...] = ()
    other_compiler: str = ""

    @property
    def compiler(self) -> str:
        """The command that compiles and links."""
        return self.other_compiler or f"{self.tools}gcc"

    def missing(self) -> str:
        """Which command is not installed and how to get it; empty where all are."""
        absent = [
            command for command in (self.compiler, *self.emulator[:1]) if not shutil.which(command)
        ]
        return f"{', '.join(absent)} not installed; {HOW}" if absent else ""


def _cortex_m(name: str, machine: str, flags: str, memory: tuple[int, int, int]) -> Board:
    """`memory`: where flash begins, where RAM begins, bytes of RAM."""
    symbols = ",".join(
        f"--defsym={key}={value:#x}"
        for key, value in zip(("FLASH", "RAM", "RAM_SIZE"), memory, strict=True)
    )
    script = f"-ffreestanding -nostdlib -T {SOURCES / 'cortex_m.ld'} -Wl,{symbols} -lgcc"
    emulator = f"qemu-system-arm -M {machine} -nographic -monitor none -serial none -icount shift=0"
    semihosting = "-semihosting-config enable=on,target=native -kernel"
    options = ("-mthumb", *flags.split(), *script.split())
    return Board(
        name, "arm-none-eabi-", options, "cortex_m.c", (*emulator.split(), *semihosting.split())
    )


def _riscv(name: str, bits: int, flags: str) -> Board:
    bare = "-mcmodel=medany -mno-relax -ffreestanding -nostdlib -nostartfiles"
    script = f"-T {SOURCES / 'riscv.ld'} -lgcc"
    machine = f"qemu-system-riscv{bits} -M virt -bios none -nographic -monitor none"
    emulator = f"{machine} -serial stdio -icount shift=0 -kernel"
    options = (*flags.split(), *bare.split(), *script.split())
    return Board(name, "riscv64-unknown-elf-", options, "riscv.c", tuple(emulator.split()))


HOST = Board("host", "", ("-O1",), "linux.c")  # quicker to compile; optimisation changes no bit
_HARD = "-mfloat-abi=hard -mcpu="
_SSRAM = (0x0, 0x20000000, 0x400000)
BOARDS = {
    # QEMU has no M0+ with room for the tests; an M3 runs all of its instructions.
    "m0": _cortex_m("Cortex-M0+", "mps2-an385", "-mcpu=cortex-m0plus -mfloat-abi=soft", _SSRAM),
    "m3": _cortex_m("Cortex-M3", "mps2-an385", "-mcpu=cortex-m3 -mfloat-abi=soft", _SSRAM),
    "m4f": _cortex_m("Cortex-M4F", "mps2-an386", f"{_HARD}cortex-m4 -mfpu=fpv4-sp-d16", _SSRAM),
    "m7": _cortex_m("Cortex-M7", "mps2-an500", f"{_HARD}cortex-m7 -mfpu=fpv5-sp-d16", _SSRAM),
    "m33": _cortex_m(
        "Cortex-M33",
        "mps2-an505",
        f"{_HARD}cortex-m33 -mfpu=fpv5-sp-d16",
        (0x10000000, 0x38000000, 0x200000),
    ),
    "m55": _cortex_m("Cortex-M55", "mps3-an547", f"{_HARD}cortex-m55", (0x0, 0x20000000, 0x80000)),
    "rv32imc": _riscv("RV32IMC", 32, "-march=rv32imc -mabi=ilp32"),
    "rv32": _riscv("RV32IMAFC", 32, "-march=rv32imafc -mabi=ilp32f"),
    "rv64": _riscv("RV64IMAFDC", 64, "-march=rv64imafdc -mabi=lp64d"),
    "aarch64": Board(
        "aarch64", "aarch64-linux-gnu-", ("-static",), "linux.c", ("qemu-aarch64-static",)
    ),
}


def _linux(name: str, tools: str, emulator: str, flags: str = "") -> Board:
    options = ("-static", *flags.split())
    return Board(name, f"{tools}-", options, "linux.c", (f"qemu-{emulator}-static",))


def _clang(gcc: Board, target: str, flags: str = "") -> Board:
    """The same processor by clang, with what gcc's tools bring for it."""
    options = ("-static", "-Qunused-arguments", f"--target={target}", *flags.split())
    return replace(gcc, flags=options, other_compiler="clang")


_SIMAVR = ("simavr", "-m", "atmega2560", "-f", "16000000")
# Farther from this machine, for scripts/docs/make_c_far.py.
FAR = {
    "avr": Board("AVR, ATmega2560", "avr-", ("-mmcu=atmega2560",), "avr.c", _SIMAVR),
    "armhf": _linux("ARMv7 with NEON", "arm-linux-gnueabihf", "arm", "-mfpu=neon"),
    "i386": _linux("i386, x87", "i686-linux-gnu", "i386", "-march=i386 -mno-sse"),
    "i386 sse": _linux("i386, SSE2", "i686-linux-gnu", "i386", "-msse2 -mfpmath=sse"),
    "m68k": _linux("68020, 68881", "m68k-linux-gnu", "m68k"),
    "s390x": _linux("s390x", "s390x-linux-gnu", "s390x"),
    "ppc64": _linux("PowerPC 64, big-endian", "powerpc64-linux-gnu", "ppc64"),
    "mips": _linux("MIPS, big-endian", "mips-linux-gnu", "mips"),
    "hppa": _linux("PA-RISC", "hppa-linux-gnu", "hppa"),
    "sparc64": _linux("SPARC V9", "sparc64-linux-gnu", "sparc64"),
}
FAR |= {
    "armhf clang": _clang(FAR["armhf"], "arm-linux-gnueabihf", "-march=armv7-a -mfpu=neon"),
    "s390x clang": _clang(FAR["s390x"], "s390x-linux-gnu"),
    "mips clang": _clang(FAR["mips"], "mips-linux-gnu"),
}


@dataclass(frozen=True, eq=False)
class Case:
    """A generated model and what it is run on.

    Attributes:
        name: the prefix of its symbols.
        folder: where NAME.h and NAME.c are.
        x: float32 `(batch, seq, input_size)`.
        output_size: width of an answer.
        every_step: whether a sequence has an answer a step.
        streams: whether it has a state and a step.
        windowed: whether it has a window, too, of `seq` samples at most.
    """

    name: str
    folder: Path
    x: Array
    output_size: int
    every_step: bool = False
    streams: bool = True
    windowed: bool = False

    @property
    def source(self) -> str:
        """Its part of the check program."""
        batch, seq, input_size = self.x.shape
        bits = ",".join(f"0x{word:08x}u" for word in self.x.astype("<f4").view("<u4").ravel())
        sizes = {
            "MODEL": self.name,
            "INPUT_SIZE": input_size,
            "OUTPUT_SIZE": self.output_size,
            "BATCH": batch,
            "SEQ": seq,
        }
        sizes |= {"ANSWERS": seq if self.every_step else 1}
        sizes |= {"STREAMS": 1} if self.streams else {}
        sizes |= {"WINDOWED": 1} if self.windowed else {}
        inputs = f"static const uint32_t {self.name}_inputs[] = {{{bits}}};\n"
        return self._checked(inputs, sizes, "check.h")

    def _checked(self, inputs: str, sizes: Mapping[str, object], check: str) -> str:
        defines = "".join(f"#define {key} {value}\n" for key, value in sizes.items())
        return f'#include "{self.folder / self.name}.h"\n{inputs}{defines}#include "{check}"\n'

    @property
    def step(self) -> str:
        """The function that takes a step."""
        return f"{self.name}_step"

    @property
    def use(self) -> str:
        """A main that resets and takes a step, and nothing else."""
        arrays = f"static float x[{self.x.shape[2]}], y[{self.output_size}];"
        return self._main(arrays)

    def _main(self, arrays: str) -> str:
        uses = f"static {self.name}_state state; {arrays}\n"
        calls = f"{self.name}_reset(&state); {self.step}(&state, x, y); return y[0] > 0;"
        head = f'#include "{self.folder / self.name}.h"\n'
        return f"{head}{uses}int main(void) {{ {calls} }}\n"


@dataclass(frozen=True, eq=False)
class IntegerCase(Case):
    """The same in whole numbers.

    Attributes:
        x: int16 `(batch, seq, input_size)`.
    """

    @property
    def source(self) -> str:
        batch, seq, input_size = self.x.shape
        counts = ",".join(map(str, self.x.ravel()))
        sizes: dict[str, object] = {"MODEL": self.name, "INPUT_SIZE": input_size}
        sizes |= {"OUTPUT_SIZE": self.output_size, "BATCH": batch, "SEQ": seq}
        sizes |= {"ANSWERS": seq if self.every_step else 1}
        sizes |= {"STREAMS": 1} if self.streams else {"SCRATCH_WORDS": SCRATCH_WORDS}
        sizes |= {"WINDOWED": 1} if self.windowed else {}
        inputs = f"static const int16_t {self.name}_inputs[] = {{{counts}}};\n"
        return self._checked(inputs, sizes, "check_q.h")

    @property
    def step(self) -> str:
        return f"{self.name}_step_q"

    @property
    def use(self) -> str:
        return self._main(
            f"static int16_t x[{self.x.shape[2]}]; static int32_t y[{self.output_size}];"
        )


@dataclass(frozen=True)
class Found:
    """What a program printed of one model.

    Attributes:
        answers: by `step`, `run`, `batch`, `window`: the lines of bits, one an answer.
        instructions: of a step; 0 where the board does not count, None where the model has no step.
        state_bytes: what is carried from step to step.
    """

    answers: dict[str, list[str]]
    instructions: int | None = None
    state_bytes: int | None = None

    def y(self, way: str) -> Array:
        """Float32 `(answers, output_size)`."""
        rows = [
            [
                np.nan if word == "nan" else np.uint32(int(word, 16)).view(np.float32)
                for word in line.split()
            ]
            for line in self.answers[way]
        ]
        return np.array(rows, np.float32)


def emulate(
    board: Board, cases: Sequence[Case], folder: Path, flags: Iterable[str] = ()
) -> dict[str, Found]:
    """Compile all cases into one program in `folder`, run it, and read what it printed.

    Raises:
        RuntimeError: it does not compile, or does not run to its end; with the tool's own words.
    """
    return _found(_run(board, build(board, cases, folder, flags)), cases)


def build(board: Board, cases: Sequence[Case], folder: Path, flags: Iterable[str] = ()) -> Path:
    """The program, linked."""
    parts = "".join(case.source for case in cases)
    calls = "".join(f"    {case.name}_check();\n" for case in cases)
    room = SMALL_SCRATCH_FLOATS if board.start == "avr.c" else SCRATCH_FLOATS
    head = f'#define SCRATCH_FLOATS {room}\n#include "print.h"\n'
    main = f"{head}{parts}int main(void)\n{{\n{calls}    return 0;\n}}\n"
    source = folder / f"check_{board.start}"
    program = folder / f"check_{board.name}.elf"
    source.write_text(main, encoding="utf-8")
    files = [source, SOURCES / board.start, *(case.folder / f"{case.name}.c" for case in cases)]
    options = [*FLAGS, *WARNINGS, f"-I{SOURCES}", *flags, *board.flags]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        objects = list(pool.map(lambda file: _compiled(board, file, folder, options), files))
    _call([board.compiler, *map(str, objects), *FLAGS, *board.flags, "-o", str(program)])
    return program


def _compiled(board: Board, file: Path, folder: Path, options: list[str]) -> Path:
    target = folder / f"{board.name}_{file.stem}.o"
    _call([board.compiler, *options, "-c", str(file), "-o", str(target)])
    return target


def flash_bytes(board: Board, case: Case, folder: Path, flags: Iterable[str] = ()) -> int:
    """What reset and step of a model add to a program, in bytes of flash."""
    sizes = [
        _linked_bytes(board, text, case, folder, flags)
        for text in ("int main(void) { return 0; }\n", case.use)
    ]
    return sizes[1] - sizes[0]


def _linked_bytes(board: Board, main: str, case: Case, folder: Path, flags: Iterable[str]) -> int:
    source = folder / f"flash_{board.start}"
    program = folder / f"flash_{board.tools}.elf"
    source.write_text(main, encoding="utf-8")
    files = [source, SOURCES / board.start, case.folder / f"{case.name}.c"]
    options = [*FLAGS, "-w", f"-I{SOURCES}", *flags]
    _call([board.compiler, *options, *map(str, files), *board.flags, "-o", str(program)])
    text, data = _call([f"{board.tools}size", str(program)]).splitlines()[1].split()[:2]
    return int(text) + int(data)


def stack_bytes(board: Board, case: Case, folder: Path, flags: Iterable[str] = ()) -> int:
    """What a step needs at most, by the compiler's own graph of calls and frames.

    What libgcc's routines need, which add and multiply where there is no FPU, comes on top.
    """
    file = case.folder / f"{case.name}.c"
    graph = folder / "graph.ci"
    options = [
        *FLAGS,
        *flags,
        *board.flags,
        "-fcallgraph-info=su",
        "-c",
        "-o",
        str(graph.with_suffix(".o")),
    ]
    _call([board.compiler, *options, str(file)])
    text = graph.read_text(encoding="utf-8")
    frames = {
        title: int(size)
        for title, size in re.findall(r'node: { title: "([^"]*)".*\\n(\d+) bytes \(static', text)
    }
    calls = set(re.findall(r'edge: { sourcename: "([^"]*)" targetname: "([^"]*)"', text))

    def deepest(function: str) -> int:
        inside = [deepest(callee) for caller, callee in calls if caller == function]
        return frames.get(function, 0) + max(inside, default=0)

    return deepest(case.step)


def _run(board: Board, program: Path) -> str:
    return _call([*board.emulator, str(program)])


def _call(command: list[str]) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=120, stdin=subprocess.DEVNULL
    )
    text = done.stdout + done.stderr  # semihosting writes to stderr
    if done.returncode:
        raise RuntimeError(f"{Path(command[0]).name} ended with {done.returncode}: {text[-2000:]}")
    return text


def _found(text: str, cases: Sequence[Case]) -> dict[str, Found]:
    plain = re.sub(r"\x1b\[\d*m|\.$", "", text, flags=re.MULTILINE)  # as simavr marks its lines
    lines = [line.split(" ", 2) for line in plain.splitlines()]
    result = {}
    for case in cases:
        mine = [(kind, rest) for name, kind, rest in lines if name == case.name]
        answers = {
            way: [rest for kind, rest in mine if kind == way]
            for way in ("step", "run", "batch", "window")
        }
        numbers = {kind: int(rest, 16) for kind, rest in mine if kind not in answers}
        result[case.name] = Found(answers, numbers.get("instructions"), numbers.get("state"))
    return result
