"""NAME.c and NAME.h of a model."""

from __future__ import annotations

from dataclasses import dataclass

from ....errors import UnsupportedModel
from ....model import (
    LSTM,
    Activation,
    Affine,
    Flatten,
    Join,
    LastHidden,
    LastStep,
    LastSteps,
    LayerNorm,
    Model,
    Pool,
    RMSNorm,
    Stage,
)
from .chain import walk
from .chain_text import chain_text
from .constants import arrays_of
from .interface import Interface, head
from .layout import BITS
from .runtime import Choices, amalgamated, choices_of, documented
from .walk import Walk


@dataclass(frozen=True)
class Source:
    """The generated files.

    Attributes:
        c, h: their text.
        constant_bytes: the arrays, as they lie in a microcontroller's flash.
        code_bytes: at most what the code of reset and step (without a step, of whole sequences)
            takes in the flash of a Cortex-M at -O2.
        stack_floats: what `NAME_step` keeps on the stack between layers, in floats; 0 where there
            is no step.
        window_scratch: what a window takes of scratch memory in a build without vectors, in floats,
            or in int32 where all numbers are whole; 0 where there are steps, or no windows.
    """

    c: str
    h: str
    constant_bytes: int
    code_bytes: int
    stack_floats: int
    window_scratch: int


def write(model: Model, interface: Interface, weights: str = "float32", golden: str = "") -> Source:
    """Generate the files.

    Args:
        model: the chain.
        interface: its name and what goes with it.
        weights: a key of `layout.BITS`.
        golden: the vectors of `NAME_self_test`, where it has one.
    """
    arrays = arrays_of(model, interface.prefix, weights)
    choices = choices_for(model, interface, weights, arrays.is_split)
    run = walk(model, arrays.names, interface.prefix, step=False)
    step = walk(model, arrays.names, interface.prefix, step=True) if interface.streams else None
    bits = BITS[weights]
    written = {
        "model.h": "",  # included by the head, under its name
        "choices.h": f"#define {interface.prefix.macro('BITS')} {bits}\n\n" if bits < 32 else "",
        "chain.h": chain_text(model, interface.prefix, arrays, run, step),
        "golden.h": golden,
    }
    runtime = amalgamated("model.c", choices, interface.name, written)
    return Source(
        head(model, interface, weights) + runtime,
        interface.header(),
        arrays.bytes,
        _code_bytes(model, choices, len((step or run).lines)),
        step.buffers.floats if step else 0,
        0 if step else _window_floats(interface, run),
    )


def _window_floats(interface: Interface, run: Walk) -> int:
    """`NAME_scratch_floats(1, NAME_WINDOW_STEPS)` in a build without vectors."""
    if interface.window is None:
        return 0
    of_all_steps = interface.window * run.buffers.width_of(is_row=False)
    return interface.state_size + run.buffers.width_of(is_row=True) + of_all_steps


def choices_for(
    model: Model, interface: Interface, weights: str, is_split: bool = False
) -> Choices:
    """What the model needs of the runtime.

    Raises:
        UnsupportedModel: this C has no such stage.
    """
    chosen = {"MODEL_BITS": BITS[weights], "MODEL_SPLIT_WEIGHTS": int(is_split)}
    chosen |= interface.choices()
    chosen["MODEL_INITIAL_STATE"] = any(stage.has_initial_state for stage in model.recurrent)
    for stage in model.stages:
        part = _part(stage)
        if part:
            chosen[f"MODEL_{part}"] = 1
        if isinstance(stage, LSTM) and stage.proj_size:
            chosen["MODEL_PROJECTION"] = 1
    return choices_of(chosen)


def _part(stage: Stage) -> str:
    """The part of the runtime that a stage needs; empty where every model has it.

    Raises:
        UnsupportedModel: the runtime has no such part.
    """
    match stage:
        case LastStep() | LastHidden() | LastSteps() | Flatten():
            return ""
        case Activation():
            part = stage.function.upper()
        case Affine():
            part = "DENORMALIZE" if stage.inverse else "NORMALIZE"
        case Join():
            part = f"JOIN_{stage.kind.upper()}"
        case Pool():
            part = f"POOL_{'CORRECTED_' if stage.correction else ''}{stage.mode.upper()}"
        case LayerNorm():
            part = "LAYER_NORM"
        case RMSNorm():
            part = "RMS_NORM"
        case _:
            part = stage.kind.upper()
    if f"MODEL_{part}" not in documented():
        what = stage.function if isinstance(stage, Activation) else stage.kind
        raise UnsupportedModel(f"c cannot express {stage.name} ({what})")
    return part


def _code_bytes(model: Model, choices: Choices, calls: int) -> int:
    """A bound fitted to what gcc 12 makes of the tests' chains at -O2.

    A test holds it against the compiler at hand.
    """
    size = 400 + 100 * calls
    size += 1_000 if choices["MODEL_LSTM"] or choices["MODEL_GRU"] else 0
    size += 350 if choices["MODEL_RNN"] else 0
    size += 700 if choices["MODEL_LSTM"] and choices["MODEL_GRU"] else 0
    size += 450 if choices["MODEL_BITS"] < 32 else 0
    size += 200 if choices["MODEL_PROJECTION"] else 0
    size += 400 if choices["MODEL_LAYER_NORM"] or choices["MODEL_RMS_NORM"] else 0
    has_exp = any(choices[f"MODEL_{name}"] for name in ("ELU", "SOFTPLUS", "SELU", "CELU", "MISH"))
    size += 200 if has_exp else 0  # e^x
    size += 200 * len({stage.function for stage in model.stages if isinstance(stage, Activation)})
    return size
