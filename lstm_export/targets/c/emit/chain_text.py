"""What takes the place of runtime/chain.h: sizes, constants, the chain as three functions."""

from __future__ import annotations

from ....model import Model
from .constants import Arrays
from .names import Prefix
from .walk import Walk


def chain_text(model: Model, prefix: Prefix, arrays: Arrays, run: Walk, step: Walk | None) -> str:
    """The text; `run` is the chain over a pass, `step` over a single step, where there is one."""
    parts = [_sizes(model, prefix, run, arrays), *arrays.text]
    if step:
        parts.append(_step(prefix, step))
    parts += [_pass(prefix, run), _packing(prefix, run)]
    return "".join(parts)


def _sizes(model: Model, prefix: Prefix, run: Walk, arrays: Arrays) -> str:
    """Macros from which the runtime sums up scratch memory."""
    matrices: list[tuple[int, int]] = []  # of each cell its sums and its inputs
    for stage in model.recurrent:
        for cell in stage.cells():
            sums, inputs = cell.weight_ih.shape
            matrices.append((sums, inputs))
    decoded = "0"
    if arrays.bits < 32:
        # the largest matrix, its rows filled up to whole groups of 16 sums
        sums, inputs = max(matrices, key=lambda matrix: -(-matrix[0] // 16) * matrix[1])
        decoded = f"({prefix.macro('ROW')}({sums}u) * {inputs})"
    widest = max(sums for sums, _ in matrices)
    in_words = "weights of the largest input as floats, where they are stored as words"
    macros = (
        ("HIDDEN_WIDTH", run.buffers.width_of(is_row=True), _told_of_rows(run)),
        ("BUFFER_WIDTH", run.buffers.width_of(is_row=False), "floats a step between stages"),
        ("CONSTANT_BYTES", f"{arrays.bytes}ul", "of weights and all other constants"),
        ("LAYER_SUMS", f"{widest}u", "sums of the widest layer"),
        ("DECODED_FLOATS", decoded, in_words),
        ("PACKED_FLOATS", run.packed, "weights of all layers, packed for many rows"),
    )
    text = ""
    for name, value, what in macros:
        text += f"#define {prefix.macro(name)} {value} /* {what} */\n"
    return f"{text}\n"


def _told_of_rows(run: Walk) -> str:
    told = "floats of h before a projection"
    return told if run.model.is_chain else f"{told}, and of single steps between stages"


def _step(prefix: Prefix, step: Walk) -> str:
    """The chain for one step of one row."""
    parameters = "float *state, const float *x, float *y, unsigned turn"
    buffers = ""
    for name, buffer in step.buffers.by_name.items():
        buffers += f"    float {name}[{buffer.width}];\n"
    return (
        "/* One step: x -> y, over the state. */\n"
        f"{prefix.macro('STATIC')} void {prefix.symbol('chain_step')}({parameters})\n{{\n"
        f"    {prefix.symbol('pass')} once;\n"
        f"    const {prefix.symbol('pass')} *pass = &once;\n"
        f"{buffers}"
        f"    {prefix.symbol('pass_of_step')}(&once, turn);\n"
        f"{_body(step)}}}\n\n"
    )


def _pass(prefix: Prefix, run: Walk) -> str:
    """The chain for some steps of some rows."""
    head = (
        "/* The chain over the steps of a pass: x [step][feature][lane] -> y; the sequence's last\n"
        "   pass has `last`. */\n"
        f"{prefix.macro('STATIC')} void {prefix.symbol('chain')}("
        "float *state, const float *x, float *y, "
        f"float *buffers, const {prefix.symbol('pass')} *pass, int last)\n{{\n"
        f"    const size_t steps = pass->steps, lanes = pass->lanes;\n"
    )
    pointers = ""
    place = "buffers"
    for name, buffer in run.buffers.by_name.items():
        pointers += f"    float *{name} = {place};\n"
        count = "lanes" if buffer.is_row else "steps * lanes"
        place = f"{name} + {buffer.width} * {count}"
    unused = "" if run.buffers.by_name else "    (void)buffers;\n"
    return f"{head}{pointers}    (void)last;\n{unused}{_body(run)}}}\n\n"


def _packing(prefix: Prefix, run: Walk) -> str:
    """The weights of all layers, one layer after the other."""
    lines = "".join(f"    {line}\n" for line in run.packing)
    return (
        f"#if {prefix.macro('VL')} > 1\n"
        f"/* The weights of all layers as many rows need them. */\n"
        f"{prefix.macro('STATIC')} void {prefix.symbol('pack_layers')}(float *packed)\n{{\n{lines}"
        f"    (void)packed;\n}}\n#endif\n\n"
    )


def _body(run: Walk) -> str:
    return "".join(f"    {line}\n" for text in run.lines for line in text.splitlines())
