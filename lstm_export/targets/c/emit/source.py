"""NAME.c and NAME.h of a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ....model import (
    GRU,
    LSTM,
    Activation,
    Affine,
    Array,
    LayerNorm,
    Linear,
    Model,
    Recurrent,
    Skip,
)
from .chain import Walk, walk
from .interface import Interface, comment_safe, head
from .layout import BITS, cell_arrays
from .names import identifier
from .numbers import floats, words
from .template import replaced, runtime

_FILES = (
    "base.c",
    "types.c",
    "limits.c",
    "columns_float.c",
    "columns_words.c",
    "columns.c",
    "sequence.c",
    "scaled.c",
    "dense.c",
    "activations.c",
    "lstm.c",
    "lstm_layer.c",
    "gru.c",
)


@dataclass
class Arrays:
    """The constants of the source: their C text, their C names by stage and array, their bytes on a microcontroller."""

    text: list[str] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    bytes: int = 0

    def add(self, key: str, title: str, array: Array, comment: str, spare: bool = False) -> None:
        """One plain array; with `spare`, some more zeros where vectors read past its end."""
        kind, values = ("unsigned", words) if array.dtype.kind == "u" else ("float", floats)
        size = f"{array.size} + NAME_SPARE" if spare else str(array.size)
        self._open(key, title, kind, size, comment)
        self.text[-1] += values(array) + "};\n\n"
        self.bytes += array.size * 4

    def add_groups(self, key: str, title: str, groups: tuple[Array, ...], comment: str) -> None:
        """The weights of a layer, row by row of every group, rows filled up to 16 values where there are vectors."""
        kind, values = ("NAME_word", words) if groups[0].dtype == np.uint32 else ("float", floats)
        self._open(key, title, kind, "", comment)
        rows = [values(row) + _pad(len(row)) for group in groups for row in group]
        self.text[-1] += "".join(rows) + "};\n\n"
        self.bytes += sum(group.size for group in groups) * 4

    def _open(self, key: str, title: str, kind: str, size: str, comment: str) -> None:
        short = identifier(title, [one.removeprefix("NAME_") for one in self.names.values()])
        self.names[key] = f"NAME_{short}"
        self.text.append(f"/* {comment_safe(comment)} */\nstatic const {kind} NAME_{short}[{size}] NAME_ALIGNED = {{\n")


def _pad(lanes: int) -> str:
    missing = -lanes % 16
    pads = [f"NAME_PAD_{part}" for part in (8, 4, 2, 1) if missing & part]
    return f"    {' '.join(pads)}\n" if pads else ""


@dataclass(frozen=True)
class Source:
    """The generated files.

    Attributes:
        c, h: their text.
        constant_bytes: the arrays, as they lie in a microcontroller's flash.
        code_bytes: at most what the code of reset and step (without a step, of whole sequences) takes in the flash of a
            Cortex-M at -O2.
        stack_floats: what `NAME_step` keeps on the stack between layers, in floats; 0 where there is no step.
    """

    c: str
    h: str
    constant_bytes: int
    code_bytes: int
    stack_floats: int


def write(model: Model, interface: Interface, weights: str = "float32", self_test: str = "") -> Source:
    """Generate the files.

    Args:
        model: the chain.
        interface: its name and what goes with it.
        weights: a key of `layout.BITS`.
        self_test: the text of `NAME_self_test` with its vectors, or nothing.
    """
    arrays = _arrays(model, weights)
    flags = _flags(model, weights)
    run = walk(model, arrays.names, step=False)
    step = walk(model, arrays.names, step=True) if interface.streams else None
    tokens = _tokens(model, weights, flags, run, step)
    code = runtime(_FILES, flags, tokens)
    text = "".join((code, *arrays.text, runtime(("api.c",), flags, tokens), replaced(self_test, tokens)))
    names = {"NAME_": f"{interface.name}_", "MACRO_": interface.macro}
    stack = sum(step.widths.values()) if step else 0
    text = head(model, interface, weights) + replaced(text, names)
    return Source(text, interface.header(), arrays.bytes, _code_bytes(model, flags, len((step or run).lines)), stack)


def _arrays(model: Model, weights: str) -> Arrays:
    arrays = Arrays()
    for stage in model.stages:
        if isinstance(stage, Recurrent):
            for cell in (cell for layer in stage.layers() for cell in layer):
                _cell(arrays, stage, cell.suffix, weights)
        elif isinstance(stage, Skip):
            features = np.asarray(stage.features, np.uint32)
            arrays.add(f"{stage.name}.features", f"{stage.name}_features", features, f"{stage.name}: features added")
        elif isinstance(stage, Linear | Affine | LayerNorm):
            for key, array in stage.arrays.items():
                shape = "".join(f"[{size}]" for size in array.shape)
                arrays.add(f"{stage.name}.{key}", f"{stage.name}_{key}", array, f"{stage.name}.{key} {shape}")
    if any(stage.has_initial_state for stage in model.recurrent):
        arrays.add("initial", "initial", _initial(model), "the state before the first step")
    return arrays


def _initial(model: Model) -> Array:
    return np.concatenate([stage.initial(state).ravel() for stage in model.recurrent for state in stage.states])


def _cell(arrays: Arrays, stage: Recurrent, suffix: str, weights: str) -> None:
    cell = next(one for layer in stage.layers() for one in layer if one.suffix == suffix)
    held, key, title = cell_arrays(stage, cell, BITS[weights]), f"{stage.name}{suffix}", f"{stage.name}{suffix}"
    gates = {LSTM: "i, f, o, g", GRU: "r, z, n"}[type(stage)]
    shape = f"{cell.weight_ih.shape[1]} inputs, {cell.weight_hh.shape[1]} of h"
    comment = f"{title}: in groups of 16 units (the last 9 to 24), rows of {shape}; in a row {gates}"
    arrays.add_groups(key, title, held.weights, comment)
    if held.scale is not None and held.bias is not None:
        arrays.add(f"{key}.scale", f"{title}_scale", held.scale, f"{title}: scale of every sum", spare=True)
        arrays.add(f"{key}.bias", f"{title}_bias", held.bias, f"{title}: biases", spare=True)
    if cell.weight_hr is not None:
        shape = "".join(f"[{size}]" for size in cell.weight_hr.shape)
        key = f"{stage.name}.weight_hr{suffix}"
        arrays.add(key, f"{stage.name}_weight_hr{suffix}", cell.weight_hr, f"{title}: projection {shape}")


def _flags(model: Model, weights: str) -> set[str]:
    """Which parts of the runtime the model needs."""
    stages = model.stages
    functions = {stage.function for stage in stages if isinstance(stage, Activation)}
    found = (
        set(functions) | {"sequence"} | ({"whole"} if any(one.bidirectional for one in model.recurrent) else {"step"})
    )
    found |= {"vector_activation"} if functions & {"tanh", "sigmoid", "silu", "gelu", "gelu_tanh"} else set()
    found |= {"exp"} if functions & {"elu", "softplus"} else set()
    kinds = {LSTM: "lstm", GRU: "gru", Linear: "linear", LayerNorm: "layer_norm", Skip: "skip"}
    found |= {kinds[type(stage)] for stage in stages if type(stage) in kinds}
    found |= {"affine_out" if stage.inverse else "affine_in" for stage in stages if isinstance(stage, Affine)}
    projects = any(isinstance(stage, LSTM) and stage.proj_size for stage in stages)
    found |= {"projection", "linear"} if projects else set()
    found |= {"sums"} if "linear" in found else set()
    found |= {"words"} if BITS[weights] < 32 else set()
    found |= set() if model.returns_every_step else {"reduces"}
    return found


def _code_bytes(model: Model, flags: set[str], calls: int) -> int:
    """A bound fitted to what gcc 12 makes of the tests' chains at -O2; a test holds it against the compiler at hand."""
    sizes = {"words": 450, "projection": 200, "layer_norm": 400, "exp": 200}
    activations = len({stage.function for stage in model.stages if isinstance(stage, Activation)})
    cells = 1_400 + 700 * (flags >= {"lstm", "gru"})
    return cells + sum(size for part, size in sizes.items() if part in flags) + 200 * activations + 100 * calls


def _tokens(model: Model, weights: str, flags: set[str], run: Walk, step: Walk | None) -> Mapping[str, str]:
    is_words, reduces = "words" in flags, "reduces" in flags
    quantised = "const NAME_word *w, const float *scale, const float *bias"
    hidden = run.widths.get("hidden", 0)
    per_step = sum(run.widths.values()) - hidden
    cells = [(stage, cell) for stage in model.recurrent for layer in stage.layers() for cell in layer]
    decoded = [
        (len(one.gates) * one.hidden_size, cell.weight_ih.shape[1], cell.weight_hh.shape[1]) for one, cell in cells
    ]
    largest_input = max(decoded, key=lambda cell: -(-cell[0] // 16) * cell[1])
    return {
        "LAYER_WEIGHTS": quantised if is_words else "const float *w",
        "LAYER_ARGUMENTS": "w, scale, bias" if is_words else "w",
        "LANE_WEIGHTS": quantised.replace("NAME_word", "float") if is_words else "const float *w",
        "WORD_ARGUMENTS": ", scale, bias" if is_words else "",
        "PACKED_FLOATS": str(run.packed),
        "PACKING": "".join(f"            {line}\n" for line in run.packing),
        "LAYER_PROJECTION": "const float *weight_hr, float *hidden, " if "projection" in flags else "",
        "DECODED_INPUT": f"NAME_ROW({largest_input[0]}u) * {largest_input[1]}",
        "DECODED": "decoded" if is_words else "w",
        "NAME_BIASES": "0" if is_words else "1",
        "#define NAME_BITS BITS": f"#define NAME_BITS {BITS[weights]}",
        "WIDEST_32": "8" if is_words else "16",
        "WIDEST_16": "10" if is_words else "12",
        "INITIAL_VALUE": "NAME_initial[n]" if any(one.has_initial_state for one in model.recurrent) else "0.0f",
        "STEP_LOCALS": _locals(step),
        "STEP_BODY": _body(step),
        "PASS_LOCALS": _pointers(run),
        "PASS_BODY": _body(run),
        "UNUSED_LAST": ", int last" if reduces and "step" in flags else "",
        "LAST_ARGUMENT": ", done + pass.steps == seq" if reduces and "step" in flags else "",
        "HIDDEN_WIDTH": str(hidden),
        "BUFFER_WIDTH": str(per_step),
        "PROJECTED_WIDTH": f"NAME_ROW({max(cell[0] for cell in decoded)}u)",
        "Y_SEQ": "1" if reduces else "seq",
        "Y_STEPS": "1" if reduces else "pass.steps",
        "Y_DONE": "0" if reduces else "done",
        "Y_ROW": "1" if reduces else "seq",
    }


def _locals(step: Walk | None) -> str:
    """Buffers of a step, on the stack."""
    return "".join(f"    float {name}[{width}];\n" for name, width in step.widths.items()) if step else ""


def _pointers(run: Walk) -> str:
    """Buffers of a pass, one behind the other."""
    lines, before = [], "buffers"
    for name, width in run.widths.items():
        lines.append(f"    float *{name} = {before};\n")
        before = f"{name} + {width} * " + ("lanes" if name == "hidden" else "steps * lanes")
    return "".join(lines)


def _body(run: Walk | None) -> str:
    return "".join(f"    {line}\n" for text in run.lines for line in text.splitlines()) if run else ""
