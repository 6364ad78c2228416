"""The README beside the generated C, and what the model takes on a device."""

from __future__ import annotations

import re

from ....errors import InputError
from .calls import FLOATS, CallTypes, ModelFacts, calls, filled
from .interface import Interface
from .source import Source

_UNITS = {
    "": 1,
    "B": 1,
    "kB": 1000,
    "KB": 1000,
    "KiB": 1024,
    "MB": 10**6,
    "MiB": 2**20,
}
# What takes less flash, by how weights are stored
_SMALLER = {
    "float32": "store the weights as int16 or int8 with --weights, or ",
    "int16": "store the weights as int8 with --weights, or ",
    "int8": "",
}


def flash_bytes(source: Source) -> int:
    """What reset and step need of a Cortex-M's flash at -O2: constants, and at most the code."""
    return source.constant_bytes + source.code_bytes


def check_flash(source: Source, limit: str, weights: str) -> None:
    """Refuse a model that does not fit with its weights stored so.

    Raises:
        InputError: it is larger, or the limit is no size.
    """
    if not limit:
        return
    found = re.fullmatch(r"(\d+(?:\.\d+)?) ?([A-Za-z]*)", limit.strip())
    if not found or found[2] not in _UNITS:
        units = ", ".join(unit for unit in _UNITS if unit)
        raise InputError(f"--max-flash {limit!r} is no size; write such as 256kB ({units})")
    allowed = float(found[1]) * _UNITS[found[2]]
    needed = flash_bytes(source)
    if needed > allowed:
        parts = f"{source.constant_bytes:,} of constants, up to {source.code_bytes:,} of code"
        raise InputError(
            f"the model needs {needed:,} bytes of flash ({parts}), allowed are {allowed:,.0f}; "
            f"{_SMALLER[weights]}train a smaller model"
        )


def readme(interface: Interface, weights: str, source: Source, model: ModelFacts) -> str:
    """README.md."""
    costs = table_of_costs(
        f"recurrent weights in {weights}", interface, source, 4 * (interface.state_size + 1), FLOATS
    )
    sections = [
        _TITLE,
        costs,
        _inputs(model),
        *calls(interface, model, _SEQUENCES),
        *([_NAN] if interface.streams else []),
        *([_SELF_TEST] if interface.self_test else []),
        _COMPILE,
    ]
    text = filled(sections, interface, source, FLOATS)
    return text.replace("@DESCRIPTION@", interface.description)


def table_of_costs(
    weights: str, interface: Interface, source: Source, state: int, types: CallTypes
) -> str:
    """What the model takes, in bytes.

    Args:
        weights: which are stored how.
        interface: what is called how.
        source: what was written.
        state: bytes of `NAME_state`.
        types: what a caller passes.
    """
    rows = [f"| constants (flash; {weights}) | {source.constant_bytes:,} |"]
    if interface.streams:
        code = f"{source.code_bytes:,}"
        buffers = 4 * source.stack_floats
        rows += [
            f"| code of reset and step (flash of a Cortex-M at -O2), at most | {code} |",
            f"| state, yours (RAM) | {state:,} |",
            f"| buffers of a step (stack) | {buffers:,}, and what the compiler saves |",
            *_window_rows(interface, types.sample_bytes, state),
        ]
    return "\n".join(("| | bytes |", "|---|---|", *rows, ""))


def _window_rows(interface: Interface, sample_bytes: int, state: int) -> list[str]:
    """What a window takes with its state."""
    if interface.window is None:
        return []
    samples = sample_bytes * interface.window * interface.input_size
    count = 4
    total = samples + samples % count + count + state
    return [f"| window with its state, yours (RAM) | {total:,} |"]


def _inputs(model: ModelFacts) -> str:
    """The inputs of a step."""
    order = ", ".join(model.inputs) or "in the order of training"
    return f"Inputs of a step, in the model's own units: @INPUT_SIZE@ floats, {order}.\n"


_TITLE = """# @NAME@ in C

`@DESCRIPTION@`

Written by lstm-export. C99, and C++11 as it stands: no library, no allocation, no variables of its
own. Add `@NAME@.c` to your build and include `@NAME@.h`.
"""

_SEQUENCES = """Whole sequences, with scratch memory of yours:

```c
size_t floats = @NAME@_scratch_floats(batch, seq);   /* for one sequence, batch = 1 */
@NAME@_run(x, seq, y, scratch);                      /* x [seq][@INPUT_SIZE@] */
@NAME@_run_batch(x, batch, seq, y, scratch);         /* x [batch][seq][@INPUT_SIZE@] */
```
"""

_NAN = """After NaN has gone into a step, answers are NaN until the next reset.
"""

_SELF_TEST = """## Ask it whether it works

`@NAME@_self_test()` runs vectors that came with the model and returns 0 if every answer is
within float rounding of what it must be; otherwise the number of the vector that is not.
"""

_COMPILE = """## Compile it

```
cc -std=c99 -O3 -march=native -ffp-contract=fast -c @NAME@.c   # a computer: fastest
cc -std=c99 -O2 -ffp-contract=off -c @NAME@.c                  # the same bits on every processor
arm-none-eabi-gcc -mcpu=cortex-m4 -mthumb -mfpu=fpv4-sp-d16 -mfloat-abi=hard \\
    -std=c99 -O2 -ffp-contract=off -c @NAME@.c
```

With `-ffp-contract=off` the answers are the same, bit for bit, on every processor with IEEE floats;
with contraction they differ by rounding. Do not use -ffast-math: NaN would no longer stay NaN.
Step, sequence and batch give the same bits. The code uses vectors of 16, 8 or 4 floats where the
compiler says that the processor has them (`-march=native`), and plain C elsewhere.
A compiler without a C library, as for RISC-V, finds `<stdint.h>` with `-ffreestanding`.
"""
