"""NAME_self_test: golden vectors that a board runs by itself."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ....model import Array, Model
from ....parity import golden_sets
from ....parity.rule import bound
from .layout import BITS, rounded
from .names import Prefix
from .numbers import floats

# Short sequences that saturate, stand still and hit the edges; one row of each.
SETS = ("t1", "saturating", "constant", "edges")
LONGEST = 8


def golden_text(model: Model, prefix: Prefix, weights: str) -> str:
    """What takes the place of runtime/golden.h: vectors with the parity rule's own bounds."""
    golden = list(vectors(rounded(model, BITS[weights])))
    lengths = [len(x) for x, _, _ in golden]
    arrays = {
        "test_x": np.concatenate([x.ravel() for x, _, _ in golden]),
        "test_y": np.concatenate([y.ravel() for _, y, _ in golden]),
        "test_bounds": np.concatenate([allowed.ravel() for _, _, allowed in golden]),
    }
    static = prefix.macro("STATIC")
    flash = prefix.macro("FLASH")
    steps = ", ".join(map(str, lengths))
    text = (
        f"#define {prefix.macro('TEST_COUNT')} {len(golden)}\n"
        f"#define {prefix.macro('TEST_LONGEST')} {max(lengths)}\n\n"
        f"{static} const unsigned {prefix.symbol('test_steps')}[] {flash} = {{{steps}}};\n"
    )
    for name, values in arrays.items():
        text += f"{static} const float {prefix.symbol(name)}[] {flash} = {{\n{floats(values)}}};\n"
    return f"{text}\n"


def vectors(model: Model) -> Iterator[tuple[Array, Array, Array]]:
    """x `(seq, input_size)`, y and its bound `(answers, output_size)`, float32."""
    for golden in golden_sets(model):
        if golden.name in SETS:
            x = golden.x[:1, : max(LONGEST, model.least_steps)]  # (1, seq, input_size)
            cut = type(golden).of(golden.name, model, x)
            y = cut.y.reshape(-1, cut.y.shape[-1])  # (answers, output_size)
            allowed = bound(cut) * cut.scale  # (output_size,), in the outputs' own units
            # The board holds y in float32: its rounding, half a step, must not count as an error.
            rounding = np.spacing(np.abs(y).astype(np.float32))
            bounds = (allowed + rounding).astype(np.float32)
            yield x[0], y.astype(np.float32), bounds
