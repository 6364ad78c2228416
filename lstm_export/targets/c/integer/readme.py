"""The README beside the generated integer C."""

from __future__ import annotations

from collections.abc import Sequence

from ..emit.calls import COUNTS, ModelFacts, calls, filled
from ..emit.interface import Interface
from ..emit.names import plain_sentence
from ..emit.readme import table_of_costs
from ..emit.source import Source
from .facts import IntegerFacts
from .source import units_of


def integer_readme(
    model: ModelFacts,
    interface: Interface,
    facts: IntegerFacts,
    source: Source,
    costs: Sequence[str],
) -> str:
    """README.md.

    Args:
        model: what it says of the model.
        interface: what is called how.
        facts: what counts mean.
        source: what it takes.
        costs: what whole numbers cost, a sentence each.
    """
    state = 4 * facts.wide_size + 2 * facts.narrow_size
    weights = f"weights in int{facts.formats.weight_bits}"
    sections = [
        _TITLE,
        table_of_costs(weights, interface, source, state + state % 4, COUNTS),
        _UNITS,
        *calls(interface, model, _SEQUENCE if interface.streams else _SEQUENCE_WITH_SCRATCH),
        *([_FLOATS] if facts.floats else []),
        *([_SELF_TEST] if interface.self_test else []),
        _COST,
        _COMPILE,
    ]
    text = filled(sections, interface, source, COUNTS)
    words = {
        "DESCRIPTION": interface.description,
        "MACRO": interface.name.upper(),
        "ANSWER_BITS": str(facts.answer_bits),
        "UNITS": "\n".join(_named_units(model, facts)),
        "HOW": _BY_STEPS if interface.streams else "",
        "COSTS": "\n".join(f"- {plain_sentence(cost)}" for cost in costs),
    }
    for word, value in words.items():
        text = text.replace(f"@{word}@", value)
    return text


def _named_units(model: ModelFacts, facts: IntegerFacts) -> list[str]:
    """What a count of every input means, and its name, where inputs have names."""
    units = units_of(facts)
    if not model.inputs:
        return units
    return [f"{unit} ({name})" for unit, name in zip(units, model.inputs, strict=True)]


_TITLE = """# @NAME@ in C, in whole numbers

`@DESCRIPTION@`

Written by lstm-export. C99, and C++11 as it stands: no float, no 64-bit operation, no library, no
allocation, no variables of its own. Add `@NAME@.c` to your build and include `@NAME@.h`.
"""

_UNITS = """## What the numbers mean

An input is `int16_t`, an answer `int32_t`, in the model's own units:

```
@UNITS@
y = answer / 2^@ANSWER_BITS@
```

Inside, h is Q0.15 in int16, the cell state Q7.24 and sums Q11.20 in int32, in CMSIS-NN's words.
"""

_SEQUENCE = """A whole sequence, x `[seq][@INPUT_SIZE@]`: `@NAME@_run_q(&state, x, seq, y)`.
"""

_SEQUENCE_WITH_SCRATCH = """A whole sequence, with scratch memory of yours:

```c
size_t words = @NAME@_scratch_words(seq);            /* int32_t of scratch memory */
@NAME@_run_q(x, seq, y, scratch);                    /* x [seq][@INPUT_SIZE@] */
```
"""

_FLOATS = """`@NAME@_counts(x, counts)` and `@NAME@_values(answers, n, values)` turn floats into
counts and back; they are the only floats here.
"""

_SELF_TEST = """## Ask it whether it works

`@NAME@_self_test()` runs sequences that came with the model@HOW@ and returns 0 if every answer is
the one it must be, bit for bit; otherwise the number of the sequence that is not.
"""

_BY_STEPS = ", step by step, after resets and from a copied state,"

_COST = """## What whole numbers cost

@COSTS@
"""

_COMPILE = """## Compile it

```
arm-none-eabi-gcc -mcpu=cortex-m0plus -mthumb -std=c99 -O2 -c @NAME@.c
```

The answers are the same, bit for bit, on every processor and with every compiler and flag. A build
that leaves the compiler fewer registers, such as one with `-fno-omit-frame-pointer`, may say that
an `asm` has impossible constraints: `-D@MACRO@_PLAIN_LOOPS` takes plain C for it.
A compiler without a C library, as for RISC-V, finds `<stdint.h>` with `-ffreestanding`.
"""
