"""An integer model as the text of NAME.h and NAME.c."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ....model import Array, Model
from ....parity.golden import hard_inputs
from ....version import __version__
from ..emit.interface import Interface, head
from ..emit.names import Prefix, prose
from ..emit.numbers import floats, literal
from ..emit.runtime import (
    Choices,
    amalgamated,
    choices_of,
    kept_lines,
    named,
    read,
    single_spaced,
    with_values,
)
from ..emit.source import Source
from . import joins, roots, stages
from .arithmetic import SUM_BITS, TANH
from .cells import GRUCell, LSTMCell, RNNCell
from .chain import walk
from .chain_text import block_text, has_blocks, sequence_text, step_text
from .facts import IntegerFacts
from .formats import steps_and_zeros
from .literals import Constants, lines
from .walk import SEQUENCE, STEP, Walk
from .whole_model import WholeModel

SELF_TEST_SETS = ("t1", "saturating", "constant", "edges", "nominal")
SELF_TEST_STEPS = 12
CODE_BYTES = 3_000  # of reset and step in the flash of a Cortex-M at -O2, at most; a test holds it
CODE_OF_JOIN = 160  # of a kind of stage that no chain has


@dataclass(frozen=True, eq=False)
class Written:
    """What a writer of integer C works on."""

    model: Model
    whole: WholeModel
    interface: Interface
    facts: IntegerFacts


def write(written: Written) -> Source:
    """Generate the files."""
    interface = written.interface
    prefix = interface.prefix
    run = _walked(written)
    constants = run.constants
    texts = {
        "integer.h": "",  # included by the head, under its name
        "choices.h": "",
        "integer_sizes.h": sizes_text(prefix, run),
        "integer_chain.h": chain_text(written, run),
        "integer_golden.h": golden_text(written) if interface.self_test else "",
    }
    choices = choices_for(written, run)
    weights = f"int{constants.weight_bits}"
    text = head(written.model, interface, weights, written.facts)
    narrow = sum(run.narrow.values()) + run.sizes["GATHERED"]
    return Source(
        text + amalgamated("integer.c", choices, interface.name, texts),
        header(interface, written.facts),
        constants.bytes + 4 * len(TANH),
        CODE_BYTES + CODE_OF_JOIN * _extra_kinds(written.whole),
        int(np.ceil(sum(run.wide.values()) + narrow / 2)),
        0 if interface.streams else _window_words(written, run),
    )


def _window_words(written: Written, run: Walk) -> int:
    """`NAME_scratch_words(NAME_WINDOW_STEPS)`."""
    window = written.interface.window
    if window is None:
        return 0
    facts = written.facts
    halves = facts.narrow_size + window * sum(run.narrow.values())
    return facts.wide_size + window * sum(run.wide.values()) + (halves + 1) // 2


def _walked(written: Written) -> Walk:
    """The calls and the constants; split where an AVR gains by it."""
    interface = written.interface
    bits = written.facts.formats.weight_bits
    nodes = written.whole.nodes
    extent = STEP if interface.streams else SEQUENCE
    constants = Constants(interface.prefix, bits)
    run = walk(nodes, interface.input_size, constants, extent)
    if not constants.gains_by_splitting:
        return run
    split = Constants(interface.prefix, bits, is_split=True)
    return walk(nodes, interface.input_size, split, extent)


def choices_for(written: Written, run: Walk) -> Choices:
    """What the model needs of the runtime."""
    chosen = dict(written.interface.choices())
    chosen["MODEL_INTEGER"] = 1
    chosen["MODEL_BITS"] = written.facts.formats.weight_bits
    chosen["MODEL_FLOATS"] = int(written.facts.floats)
    chosen["MODEL_INITIAL_STATE"] = int(_has_initial_state(written.whole))
    chosen["MODEL_SLICE"] = int(run.copies_answer)
    chosen["MODEL_SPLIT_WEIGHTS"] = int(run.constants.is_split)
    chosen["MODEL_FAR"] = int(run.constants.is_far)
    chosen["MODEL_BLOCKS"] = int(written.interface.streams and has_blocks(written.whole))
    chosen["MODEL_SUMS_UP"] = int(any(cell.sum_bits < SUM_BITS for cell in run.cells))
    for cell in run.cells:
        if isinstance(cell, LSTMCell):
            chosen["MODEL_LSTM"] = 1
        if isinstance(cell, GRUCell):
            chosen["MODEL_GRU"] = 1
            chosen["MODEL_NARROWED"] = 1
        if isinstance(cell, LSTMCell) and cell.projection:
            chosen["MODEL_PROJECTION"] = 1
            chosen["MODEL_NARROWED"] = 1
        if isinstance(cell, RNNCell):
            chosen["MODEL_RNN"] = 1
            chosen["MODEL_NARROWED"] = 1
    for stage, _ in written.whole.nodes:
        chosen |= dict.fromkeys(_macros(stage), 1)
        if isinstance(stage, stages.Gate) and stage.up:
            chosen["MODEL_SUMS_UP"] = 1
    return choices_of(chosen)


def _has_initial_state(whole: WholeModel) -> bool:
    """Whether anything but zeros is carried into the first step."""
    return any(state.wide.any() or state.narrow.any() for state in whole.start)


def _extra_kinds(whole: WholeModel) -> int:
    """How many kinds of stages there are beside those of a chain."""
    kinds = {type(stage) for stage, _ in whole.nodes}
    return sum(kind.__module__ == joins.__name__ for kind in kinds)


def _macros(stage: stages.WholeStage | joins.Join) -> Sequence[str]:
    """The parts of the runtime that a stage needs."""
    if isinstance(stage, stages.Gate):
        return (f"MODEL_{stage.function.upper()}",)
    if isinstance(stage, joins.Pool):
        return (f"MODEL_POOL_{stage.mode.upper()}",)
    if isinstance(stage, joins.Join):
        return (f"MODEL_JOIN_{type(stage).__name__.upper()}",)
    macros: dict[type, str] = {
        stages.Scale: "MODEL_SCALE",
        stages.Narrow: "MODEL_NARROWED",
        stages.Linear: "MODEL_LINEAR",
        stages.Clamp: "MODEL_CLAMP",
        stages.Table: "MODEL_TABLE",
        stages.Replace: "MODEL_REPLACE",
        roots.LayerNorm: "MODEL_LAYER_NORM",
        roots.Root: "MODEL_SQRT",
        stages.PReLU: "MODEL_PRELU",
        joins.Align: "MODEL_ALIGN",
        joins.Offset: "MODEL_OFFSET",
        joins.Slice: "MODEL_SLICE",
    }
    macro = macros.get(type(stage))
    return (macro,) if macro else ()


def sizes_text(prefix: Prefix, run: Walk) -> str:
    """What takes the place of runtime/integer_sizes.h."""
    what = {
        "GATHERED": "int16 beside each other, at most, for a row of weights",
        "UNITS": "of a layer, at most",
        "HIDDEN": "h of a layer before its projection",
        "PROJECTED": "h of a layer after it",
    }
    text = ""
    for macro, comment in what.items():
        size = run.sizes.get(macro, 1)
        text += f"#define {prefix.macro(macro)} {size} /* {comment} */\n"
    places = f"{prefix.macro('FLASH')} {prefix.macro('ALIGNED')}"
    table = f"{prefix.symbol('tanh_table')}[{len(TANH)}] {places}"
    return (
        f"{text}\n/* tanh from -8 to 8 in steps of 1 / 64, Q9.22 */\n"
        f"{prefix.macro('STATIC')} const int32_t {table} = {{\n{lines(TANH)}}};\n\n"
    )


def chain_text(written: Written, run: Walk) -> str:
    """What takes the place of runtime/integer_chain.h."""
    parts = [*run.constants.text]
    if _has_initial_state(written.whole):
        parts += _initial(written.whole, run.prefix)
    if written.facts.floats:
        parts.append(_units(written))
    is_streaming = written.interface.streams
    parts.append(step_text(run) if is_streaming else sequence_text(run))
    if is_streaming and has_blocks(written.whole):
        parts.append(block_text(run))
    return "".join(parts)


def _initial(whole: WholeModel, prefix: Prefix) -> list[str]:
    """The state before the first step."""
    wide, narrow = whole.initial_words
    static = prefix.macro("STATIC")
    texts = []
    for kind, name, values in (("int32_t", "wide", wide), ("int16_t", "narrow", narrow)):
        declared = f"{static} const {kind} {prefix.symbol(f'initial_{name}')}[{values.size}]"
        declared = f"{declared} {prefix.macro('FLASH')}"
        texts.append(f"{declared} = {{\n{lines(values)}}};\n\n")
    return texts


def _units(written: Written) -> str:
    """What a count of every input and of an answer is worth, as floats."""
    prefix = written.interface.prefix
    static = prefix.macro("STATIC")
    inputs = written.whole.inputs
    steps, zeros = steps_and_zeros(inputs)
    unit = literal(float(np.float32(2.0**-written.whole.answer_bits)))
    size = len(inputs)
    return (
        f"{static} const float {prefix.symbol('units')}[{size}] = {{\n{floats(steps)}}};\n"
        f"{static} const float {prefix.symbol('zeros')}[{size}] = {{\n{floats(zeros)}}};\n"
        f"{static} const float {prefix.symbol('unit')} = {unit};\n\n"
    )


def golden_text(written: Written) -> str:
    """What takes the place of runtime/integer_golden.h: sequences and the definition's answers."""
    prefix = written.interface.prefix
    static = prefix.macro("STATIC")
    flash = prefix.macro("FLASH")
    counts = list(self_test_counts(written))
    answers = []
    for x in counts:
        y = written.whole.answers(x[np.newaxis])  # a batch of one
        answers.append(y.ravel())
    steps = ", ".join(str(len(x)) for x in counts)
    all_x = np.concatenate([x.ravel() for x in counts])
    all_y = np.concatenate(answers)
    return (
        f"#define {prefix.macro('TEST_COUNT')} {len(counts)}\n"
        f"#define {prefix.macro('TEST_LONGEST')} {max(len(x) for x in counts)}\n\n"
        f"{static} const unsigned {prefix.symbol('test_steps')}[] {flash} = {{{steps}}};\n"
        f"{static} const int16_t {prefix.symbol('test_x')}[] {flash} = {{\n{lines(all_x)}}};\n"
        f"{static} const int32_t {prefix.symbol('test_y')}[] {flash} = {{\n{lines(all_y)}}};\n\n"
    )


def self_test_counts(written: Written) -> Sequence[Array]:
    """Sequences `(seq, input_size)` of int16: golden sets, and the extremes of int16."""
    width = written.interface.input_size
    sequences = []
    for name, x in hard_inputs(written.model).items():
        if name in SELF_TEST_SETS:
            steps = max(SELF_TEST_STEPS, written.interface.least_steps)
            sequences.append(written.whole.counts(x[0, :steps]))
    steps = max(4, written.interface.least_steps)
    places = np.arange(steps * width).reshape(steps, width)
    extremes = np.where(places % 3 == 0, 32767, -32768)
    return [*sequences, extremes]


def header(interface: Interface, facts: IntegerFacts) -> str:
    """NAME.h."""
    sizes = {
        "MODEL_INPUT_SIZE": interface.input_size,
        "MODEL_OUTPUT_SIZE": interface.output_size,
        "MODEL_ANSWER_BITS": facts.answer_bits,
        "MODEL_WIDE_SIZE": facts.wide_size,
        "MODEL_NARROW_SIZE": facts.narrow_size,
        "MODEL_WINDOW_STEPS": interface.window or 0,
        "MODEL_WINDOW_LEAST": interface.shortest_window,
        "MODEL_LEAST_STEPS": interface.least_steps,
    }
    chosen = {**interface.choices(), "MODEL_INTEGER": 1, "MODEL_FLOATS": int(facts.floats)}
    kept = kept_lines(with_values(read("integer.h"), sizes), choices_of(chosen))
    text = "".join(line for line in kept if line != '#include "choices.h"\n')
    return title(interface, facts) + named(single_spaced(text), interface.name)


def title(interface: Interface, facts: IntegerFacts) -> str:
    """What the header says first: what a count of every input and of an answer means."""
    rows = [f"     {line}\n" for line in units_of(facts)]
    return (
        f"/* Written by lstm-export {__version__}: {prose(interface.description)}\n\n"
        "   All values are whole numbers. An input is its count times a unit, plus a zero:\n"
        f"{''.join(rows)}"
        f"   An answer is its count / 2^{facts.answer_bits}, in the model's own units.\n"
        "   Memory is the caller's; nothing here allocates or keeps any, so calls with different\n"
        "   memory may run at the same time. Built for x86-64 with AVX-512 and VNNI, a program\n"
        "   lays the constants of an LSTM or a GRU out once more when it is loaded. */\n"
    )


def units_of(facts: IntegerFacts) -> list[str]:
    """What a count of every input means, a line each."""
    texts = []
    for place, entry in enumerate(facts.formats.inputs):
        sign = "-" if entry.step < 0 else "+"
        texts.append(f"x[{place}] = {entry.zero:.9g} {sign} {abs(entry.step):.9g} * count")
    return texts
