"""How the README beside generated C shows its calls: the same in floats and in whole numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ....model import Array, LastSteps, Model, Recurrent
from ..stream_cost import stream_cost
from .interface import Interface
from .names import plain, plain_sentence
from .plan import looks_ahead
from .source import Source


@dataclass(frozen=True)
class CallTypes:
    """What a caller passes.

    Attributes:
        sample: the C type of a value of x.
        answer: that of a value of y, and of scratch memory.
        suffix: what the names of functions end in.
        sample_bytes: of a value of x.
        scratch: which scratch memory a window needs, where the model has no step.
    """

    sample: str
    answer: str
    suffix: str
    sample_bytes: int
    scratch: str


FLOATS = CallTypes(
    "float", "float", "", 4, "scratch_floats(1, @WINDOW@), which is more with vectors"
)
COUNTS = CallTypes("int16_t", "int32_t", "_q", 2, "scratch_words(@WINDOW@)")


@dataclass(frozen=True)
class ModelFacts:
    """What a README says of a model and its real windows; strangers' names in our own form.

    Attributes:
        inputs: their names; none where they have none.
        stream: what its step costs, where it was trained on windows, a sentence each.
        whole: why it has whole sequences only; empty where it has steps.
    """

    inputs: tuple[str, ...]
    stream: tuple[str, ...]
    whole: str

    @classmethod
    def of(cls, model: Model, windows: Array | None) -> ModelFacts:
        """From a model and real windows, where there are any."""
        columns = enumerate(model.signature.features)
        inputs = tuple(plain(column.name) or f"input_{place}" for place, column in columns)
        stream = tuple(map(plain_sentence, stream_cost(model, windows)))
        return cls(inputs, stream, _whole(model))


def _whole(model: Model) -> str:
    """Why there is no step; the stage in a name of our own making."""
    stage = looks_ahead(model)
    if stage is None:
        return ""
    if isinstance(stage, Recurrent):
        return "The model reads its sequence from both ends"
    if isinstance(stage, LastSteps):
        return f"The model answers from its last {stage.count} steps at once"
    name = plain(stage.name) or "stage"
    return f"In the model `{name}` takes at every step what only all steps together give"


def calls(interface: Interface, model: ModelFacts, sequences: str) -> list[str]:
    """How samples are given, for a model of windows first as it was trained.

    Args:
        interface: what is called how.
        model: what the README says of it.
        sequences: how a whole sequence is given.
    """
    shown = ["## Call it\n"]
    if interface.window is not None:
        shown += [_WINDOW, _PUSH if interface.streams else _PUSH_WITH_SCRATCH]
    if interface.window is not None and interface.streams:
        shown += [_ENDLESS, *listed(model.stream)]
    whole = f"{model.whole}, so that it has whole sequences only, no step.\n"
    shown.append(_STEPS if interface.streams else whole)
    if interface.window is None and interface.streams:
        shown.append(_NO_WINDOW)
    shown.append(sequences)
    shown.append(_EVERY_ANSWER if interface.every_step else _LAST_ANSWER)
    return [*shown, _LEAST] if interface.least_steps > 1 else shown


def listed(sentences: Sequence[str]) -> list[str]:
    """A list of sentences as a part of a page; nothing where there are none."""
    return ["".join(f"- {sentence}\n" for sentence in sentences)] if sentences else []


def filled(sections: Sequence[str], interface: Interface, source: Source, types: CallTypes) -> str:
    """The page, with what this C has in the place of each @WORD@."""
    answers = f"{interface.window} * " if interface.every_step else ""
    text = "\n".join(sections).replace("@SCRATCH@", types.scratch)
    words: Mapping[str, object] = {
        "NAME": interface.name,
        "SAMPLE": types.sample,
        "ANSWER": types.answer,
        "SUFFIX": types.suffix,
        "INPUT_SIZE": interface.input_size,
        "WINDOW_SCRATCH": source.window_scratch,
        "WINDOW_ANSWERS": f"{answers}{interface.output_size}",
        "OUTPUT_SIZE": interface.output_size,
        "WINDOW": interface.window,
        "LEAST_STEPS": interface.least_steps,
        "LEAST": interface.shortest_window,
    }
    for word, value in words.items():
        text = text.replace(f"@{word}@", str(value))
    return text


_WINDOW = """The model was trained on windows of @WINDOW@ samples. `@NAME@_window` keeps the last of
them, and `@NAME@_window_push@SUFFIX@` answers to each window from the initial state, as in
training. Before there are @LEAST@ samples it returns 0: no answer yet.
"""

_PUSH = """```c
#include "@NAME@.h"

static @NAME@_window window;               /* @NAME@_window_reset(&window) before the first */

int on_new_sample(const @SAMPLE@ x[@INPUT_SIZE@], @ANSWER@ y[@WINDOW_ANSWERS@])
{
    return @NAME@_window_push@SUFFIX@(&window, x, y) != 0;   /* whether y is an answer */
}
```
"""

_PUSH_WITH_SCRATCH = """```c
#include "@NAME@.h"

static @NAME@_window window;               /* @NAME@_window_reset(&window) before the first */

/* @NAME@_@SCRATCH@ */
static @ANSWER@ scratch[@WINDOW_SCRATCH@];

int on_new_sample(const @SAMPLE@ x[@INPUT_SIZE@], @ANSWER@ y[@WINDOW_ANSWERS@])
{
    return @NAME@_window_push@SUFFIX@(&window, x, y, scratch) != 0;   /* whether y is an answer */
}
```
"""

_ENDLESS = """`@NAME@_step@SUFFIX@` is something else: one endless stream, which the model was not
trained on. What that changes on your data, `lstm-export verify --streaming` measures.
"""

_STEPS = """Step by step, as samples come:

```c
#include "@NAME@.h"

static @NAME@_state state;

void start(void)
{
    @NAME@_reset(&state);
}

void on_sample(const @SAMPLE@ x[@INPUT_SIZE@], @ANSWER@ y[@OUTPUT_SIZE@])
{
    @NAME@_step@SUFFIX@(&state, x, y);
}
```

Another sensor needs another `@NAME@_state`, nothing else. A copy of one, kept while the board is
off, goes on where it was taken, in the same build.
"""

_NO_WINDOW = """This is one endless stream. A model that was trained on windows, each from the
initial state, is asked otherwise: export it with `--window N`, the steps of its windows.
"""

_EVERY_ANSWER = "`y` of a sequence is `[seq][@OUTPUT_SIZE@]`, an answer a step.\n"
_LAST_ANSWER = "`y` of a sequence is `[@OUTPUT_SIZE@]`, the answer to the last step.\n"

_LEAST = """A sequence of fewer than @LEAST_STEPS@ steps has no answer: `y` stays as it is.
"""
