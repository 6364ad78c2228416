"""The README beside the generated C, and what the model takes on a device."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ....errors import InputError
from ....model import Array, LastSteps, Model, Recurrent
from ..stream_cost import stream_cost
from .interface import Interface
from .names import plain, plain_sentence
from .plan import looks_ahead
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


def flash_bytes(source: Source) -> int:
    """What reset and step need of a Cortex-M's flash at -O2: constants, and at most the code."""
    return source.constant_bytes + source.code_bytes


def check_flash(source: Source, limit: str) -> None:
    """Refuse a model that does not fit.

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
            "store the weights as int16 or int8 with --weights, or train a smaller model"
        )


@dataclass(frozen=True)
class Told:
    """What a README tells of a model and its real windows; names of strangers in a form of our own.

    Attributes:
        inputs: their names; none where they have none.
        stream: what its step costs, where it was trained on windows, a sentence each.
    """

    inputs: tuple[str, ...]
    stream: tuple[str, ...]

    @classmethod
    def of(cls, model: Model, windows: Array | None) -> Told:
        """That of a model and of real windows, where there are any."""
        columns = enumerate(model.signature.features)
        inputs = tuple(plain(column.name) or f"input_{place}" for place, column in columns)
        return cls(inputs, tuple(map(plain_sentence, stream_cost(model, windows))))


def readme(model: Model, interface: Interface, weights: str, source: Source, told: Told) -> str:
    """README.md."""
    sections = [
        _title(interface),
        _costs(interface, weights, source),
        _inputs(told),
        "## Call it\n",
        *_calls(model, interface, told),
        _SEQUENCES,
        _ANSWERS[interface.every_step],
        *([_LEAST] if interface.least_steps > 1 else []),
        *([_SELF_TEST] if interface.self_test else []),
        _COMPILE,
    ]
    words = {
        "NAME": interface.name,
        "INPUT_SIZE": str(interface.input_size),
        "OUTPUT_SIZE": str(interface.output_size),
        "WINDOW": str(interface.window),
        "LEAST_STEPS": str(interface.least_steps),
        "LEAST": str(interface.shortest_window),
    }
    text = "\n".join(sections)
    for word, value in words.items():
        text = text.replace(f"@{word}@", value)
    return text


def _title(interface: Interface) -> str:
    return f"""# {interface.name} in C

`{interface.description}`

Written by lstm-export. C99, and C++11 as it stands: no library, no allocation, no variables of its
own. Add `@NAME@.c` to your build and include `@NAME@.h`.
"""


def _costs(interface: Interface, weights: str, source: Source) -> str:
    rows = [f"| constants (flash; recurrent weights in {weights}) | {source.constant_bytes:,} |"]
    if interface.streams:
        state = 4 * (interface.state_size + 1)
        buffers = 4 * source.stack_floats
        code = f"{source.code_bytes:,}"
        rows += [
            f"| code of reset and step (flash of a Cortex-M at -O2), at most | {code} |",
            f"| state, yours (RAM) | {state:,} |",
            f"| buffers of a step (stack) | {buffers:,}, and what the compiler saves |",
            *window_rows(interface, 4, state),
        ]
    return "\n".join(("| | bytes |", "|---|---|", *rows, ""))


def window_rows(interface: Interface, number_bytes: int, state: int) -> list[str]:
    """What a window takes of samples in numbers of a size, for a model that has a state."""
    if interface.window is None:
        return []
    samples = number_bytes * interface.window * interface.input_size
    count = 4
    total = samples + samples % count + count + state
    return [f"| window with its state, yours (RAM) | {total:,} |"]


def _inputs(told: Told) -> str:
    """The inputs of a step."""
    order = ", ".join(told.inputs) or "in the order of training"
    return f"Inputs of a step, in the model's own units: @INPUT_SIZE@ floats, {order}.\n"


def _calls(model: Model, interface: Interface, told: Told) -> list[str]:
    """How samples are given as they come; for a model of windows first as it was trained."""
    calls = []
    if interface.window is not None:
        calls.append(_WINDOW_OF_STEPS if interface.streams else _WINDOW_OF_RUN)
    if interface.window is not None and interface.streams:
        calls += [_ENDLESS, *listed(told.stream)]
    calls.append(_STEPS if interface.streams else _whole(model))
    return calls


def listed(sentences: Sequence[str]) -> list[str]:
    """A list of sentences as a part of a page; nothing where there are none."""
    return ["".join(f"- {sentence}\n" for sentence in sentences)] if sentences else []


def _whole(model: Model) -> str:
    """Why there is no step; the stage in a name of our own making."""
    stage = looks_ahead(model)
    if stage is None or isinstance(stage, Recurrent):
        why = "The model reads its sequence from both ends"
    elif isinstance(stage, LastSteps):
        why = f"The model answers from its last {stage.count} steps at once"
    else:
        name = plain(stage.name) or "stage"
        why = f"`{name}` takes at every step what only all steps together give"
    return f"{why}: the model has whole sequences only, no step.\n"


_WINDOW = """The model was trained on windows of @WINDOW@ samples. `@NAME@_window` keeps the last of
them, and answers to each window from the initial state, as in training. Before there are @LEAST@
samples it returns 0: no answer yet.
"""

_WINDOW_OF_STEPS = f"""{_WINDOW}
```c
#include "@NAME@.h"

static @NAME@_window window;               /* @NAME@_window_reset(&window) before the first */

int on_new_sample(const float x[@INPUT_SIZE@], float y[@OUTPUT_SIZE@])
{{
    return @NAME@_window_push(&window, x, y) != 0;   /* whether y is an answer */
}}
```
"""

_WINDOW_OF_RUN = f"""{_WINDOW}
```c
#include "@NAME@.h"

static @NAME@_window window;               /* @NAME@_window_reset(&window) before the first */

/* scratch: @NAME@_scratch_floats(1, @WINDOW@) floats */
int on_new_sample(const float x[@INPUT_SIZE@], float y[@OUTPUT_SIZE@], float *scratch)
{{
    return @NAME@_window_push(&window, x, y, scratch) != 0;   /* whether y is an answer */
}}
```
"""

_ENDLESS = """`@NAME@_step` is something else: one endless stream, which the model was not trained
on. What that changes on your data, `lstm-export verify --streaming` measures.
"""

_STEPS = """Step by step, as samples come:

```c
#include "@NAME@.h"

static @NAME@_state state;

void start(void)
{
    @NAME@_reset(&state);
}

void on_sample(const float x[@INPUT_SIZE@], float y[@OUTPUT_SIZE@])
{
    @NAME@_step(&state, x, y);
}
```

Another sensor needs another `@NAME@_state`, nothing else. After NaN has gone in, answers are NaN
until the next reset.
"""

_SEQUENCES = """Whole sequences, with scratch memory of yours:

```c
size_t floats = @NAME@_scratch_floats(batch, seq);   /* for one sequence, batch = 1 */
@NAME@_run(x, seq, y, scratch);                      /* x [seq][@INPUT_SIZE@] */
@NAME@_run_batch(x, batch, seq, y, scratch);         /* x [batch][seq][@INPUT_SIZE@] */
```
"""

_ANSWERS = {
    True: "`y` is `[seq][@OUTPUT_SIZE@]`, an answer a step.\n",
    False: "`y` is `[@OUTPUT_SIZE@]`, the answer to the last step.\n",
}

_LEAST = """A sequence of fewer than @LEAST_STEPS@ steps has no answer: `y` stays as it is.
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
"""
