"""The README beside the generated integer C."""

from __future__ import annotations

from collections.abc import Sequence

from ..emit.interface import Interface
from ..emit.names import plain_sentence
from ..emit.readme import Told, listed, window_rows
from ..emit.source import Source
from .facts import IntegerFacts
from .source import units_of


def integer_readme(
    told: Told,
    interface: Interface,
    facts: IntegerFacts,
    source: Source,
    costs: Sequence[str],
) -> str:
    """README.md.

    Args:
        told: what it tells of the model.
        interface: what is called how.
        facts: what counts mean.
        source: what it takes.
        costs: what whole numbers cost, a sentence each.
    """
    sections = [_TITLE, _sizes(interface, facts, source), _UNITS, *_calls(interface, facts, told)]
    sections += [_SELF_TEST] if interface.self_test else []
    sections += [_COST, _COMPILE]
    words = {
        "NAME": interface.name,
        "DESCRIPTION": interface.description,
        "INPUT_SIZE": str(interface.input_size),
        "OUTPUT_SIZE": str(interface.output_size),
        "ANSWER_BITS": str(facts.answer_bits),
        "WINDOW": str(interface.window),
        "LEAST": str(interface.shortest or interface.window),
        "UNITS": "\n".join(_named_units(told, facts)),
        "COSTS": "\n".join(f"- {plain_sentence(cost)}" for cost in costs),
    }
    text = "\n".join(sections)
    for word, value in words.items():
        text = text.replace(f"@{word}@", value)
    return text


def _named_units(told: Told, facts: IntegerFacts) -> list[str]:
    """What a count of every input means, and its name, where inputs have names."""
    units = units_of(facts)
    if not told.inputs:
        return units
    return [f"{unit} ({name})" for unit, name in zip(units, told.inputs, strict=True)]


def _sizes(interface: Interface, facts: IntegerFacts, source: Source) -> str:
    weights = f"int{facts.formats.weight_bits}"
    rows = [f"| constants (flash; weights in {weights}) | {source.constant_bytes:,} |"]
    if interface.streams:
        state = 4 * facts.wide_size + 2 * facts.narrow_size
        state += state % 4
        rows += [
            f"| code of reset and step (flash of a Cortex-M at -O2), at most | "
            f"{source.code_bytes:,} |",
            f"| state, yours (RAM) | {state:,} |",
            *window_rows(interface, 2, state),
        ]
    return "\n".join(("| | bytes |", "|---|---|", *rows, ""))


def _calls(interface: Interface, facts: IntegerFacts, told: Told) -> list[str]:
    """How samples are given; for a model of windows first as it was trained."""
    calls = []
    if interface.window is not None:
        calls.append(_WINDOW if interface.streams else _WINDOW_OF_RUN)
    calls.append(_STEPS if interface.streams else _WHOLE)
    if interface.window is not None and interface.streams:
        calls += [_ENDLESS, *listed(told.stream)]
    return [*calls, _FLOATS] if facts.floats else calls


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

_WINDOW = """## Call it

The model was trained on windows of @WINDOW@ samples. `@NAME@_window` keeps the last of them, and
answers to each window from the initial state, as in training. Before there are @LEAST@ samples it
returns 0: no answer yet.

```c
#include "@NAME@.h"

static @NAME@_window window;               /* @NAME@_window_reset(&window) before the first */

int on_new_sample(const int16_t x[@INPUT_SIZE@], int32_t y[@OUTPUT_SIZE@])
{
    return @NAME@_window_push_q(&window, x, y) != 0;   /* whether y is an answer */
}
```
"""

_WINDOW_OF_RUN = """## Call it

The model was trained on windows of @WINDOW@ samples. `@NAME@_window_push_q(&window, x, y, scratch)`
adds a sample to those it keeps and answers to the window; before there are @LEAST@ samples it
returns 0. `scratch` is `@NAME@_scratch_words(@WINDOW@)` int32_t.
"""

_ENDLESS = """`@NAME@_step_q` is something else: one endless stream, which the model was not trained
on. What that changes on your data, `lstm-export verify --streaming` measures.
"""

_STEPS = """Step by step, as samples come:

```c
#include "@NAME@.h"

static @NAME@_state state;                 /* @NAME@_reset(&state) before the first */

void on_sample(const int16_t x[@INPUT_SIZE@], int32_t y[@OUTPUT_SIZE@])
{
    @NAME@_step_q(&state, x, y);
}
```

A whole sequence, x `[seq][@INPUT_SIZE@]`: `@NAME@_run_q(&state, x, seq, y)`.
"""

_WHOLE = """The model reads its sequence from both ends: it has whole sequences only, no step.

```c
size_t words = @NAME@_scratch_words(seq);            /* int32_t of scratch memory of yours */
@NAME@_run_q(x, seq, y, scratch);                    /* x [seq][@INPUT_SIZE@] */
```
"""

_FLOATS = """`@NAME@_counts(x, counts)` and `@NAME@_values(answers, n, values)` turn floats into
counts and back; they are the only floats here.
"""

_SELF_TEST = """## Ask it whether it works

`@NAME@_self_test()` runs sequences that came with the model, step by step, after resets and from a
state that was kept, and returns 0 if every answer is the one it must be, bit for bit; otherwise the
number of the sequence that is not.
"""

_COST = """## What whole numbers cost

@COSTS@
"""

_COMPILE = """## Compile it

```
arm-none-eabi-gcc -mcpu=cortex-m0plus -mthumb -std=c99 -O2 -c @NAME@.c
```

The answers are the same, bit for bit, on every processor and with every compiler and flag.
"""
