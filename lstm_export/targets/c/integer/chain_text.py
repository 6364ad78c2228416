"""The chain of an integer model as C functions: over a step, a sequence or a block."""

from __future__ import annotations

from ....model.wiring import INPUT
from . import roots, stages
from .cells import Cell, GRUCell, LSTMCell
from .chain import walk
from .literals import Constants
from .walk import BLOCK, Walk
from .whole_model import WholeModel

_IN_BLOCKS = (
    stages.Clamp,
    stages.FinalState,
    stages.Gate,
    stages.LastStep,
    roots.LayerNorm,
    stages.Linear,
    stages.Narrow,
    stages.PReLU,
    stages.Recurrent,
    stages.Scale,
    stages.Table,
)


def step_text(run: Walk) -> str:
    """The chain over one step."""
    body = [f"int16_t {name}[{width}];" for name, width in sorted(run.narrow.items())]
    body += [f"int32_t {name}[{width}];" for name, width in sorted(run.wide.items(), reverse=True)]
    return _function(
        run,
        "One step: x -> y, over the state.",
        "int32_t *wide, int16_t *narrow, const int16_t *x, int32_t *y",
        body,
    )


def sequence_text(run: Walk) -> str:
    """The chain over a sequence, with its buffers in scratch memory."""
    body = []
    place = ""
    for name, width in sorted(run.narrow.items()):
        body.append(f"int16_t *{name} = halves{place};")
        place += f" + steps * {width}"
    place = ""
    for name, width in run.wide.items():
        if name != "wide_values":
            body.append(f"int32_t *{name} = wide_values{place};")
        place += f" + steps * {width}"
    prefix = run.prefix
    narrow = sum(run.narrow.values())
    wide = sum(run.wide.values())
    sizes = (
        f"#define {prefix.macro('NARROW_WIDTH')} {narrow} /* int16 a step between stages */\n"
        f"#define {prefix.macro('WIDE_WIDTH')} {wide} /* int32 a step between stages */\n\n"
    )
    parameters = (
        "int32_t *wide, int16_t *narrow, const int16_t *x, size_t steps, int32_t *y, "
        "int32_t *wide_values, int16_t *halves"
    )
    body.append("(void)wide_values;")
    return sizes + _function(run, "A whole sequence: x -> y.", parameters, body)


def has_blocks(whole: WholeModel) -> bool:
    """Whether a chain that streams can be computed in blocks of steps of several sequences.

    What is carried from step to step is in LSTMs without projections, and in GRUs.
    """
    taken = [stage for stage, _ in whole.nodes]
    wide = [stage for stage in taken if isinstance(stage, stages.FinalState) and stage.is_wide]
    cells = [cell for stage in whole.recurrent for layer in stage.layers for cell in layer]
    are_plain = all(_is_plain(cell) for cell in cells)
    return are_plain and not wide and all(isinstance(stage, _IN_BLOCKS) for stage in taken)


def _is_plain(cell: Cell) -> bool:
    """Whether a processor with lanes computes it in blocks."""
    if isinstance(cell, LSTMCell):
        return cell.projection is None
    return isinstance(cell, GRUCell)


def block_text(step: Walk) -> str:
    """The chain over a block of steps, where a processor has use for it."""
    prefix = step.prefix
    first = step.constants
    again = Constants(prefix, first.weight_bits, first.is_split)  # gets the same names
    run = walk(step.nodes, step.places[INPUT].width, again, BLOCK)
    most = prefix.macro("SAMPLES")
    body = [
        "const size_t samples = block->steps * block->sequences;",
        "int32_t *const wide = states->wide;",
        "int16_t *const narrow = states->narrow;",
    ]
    body += [f"int16_t {name}[{most} * {width}];" for name, width in sorted(run.narrow.items())]
    body += [f"int32_t {name}[{most} * {width}];" for name, width in sorted(run.wide.items())]
    state = prefix.symbol("state")
    block = prefix.symbol("block")
    parameters = f"{state} *states, const {block} *block, const int16_t *x, int32_t *y"
    comment = "A block: x [step][sequence] -> y [sequence], or of every step, over the states."
    text = _function(run, comment, parameters, body, "chain_block")
    return f"#if defined({prefix.macro('KERNEL_AVX512')})\n{text}#endif\n\n"


def _function(
    run: Walk, comment: str, parameters: str, body: list[str], name: str = "chain"
) -> str:
    static = run.prefix.macro("STATIC")
    declared = f"{static} void {run.prefix.symbol(name)}({parameters})"
    text = "".join(f"    {line}\n" for line in [*body, *run.lines])
    return f"/* {comment} */\n{declared}\n{{\n{text}}}\n\n"
