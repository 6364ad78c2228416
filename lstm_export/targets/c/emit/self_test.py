"""NAME_self_test: golden vectors that a board runs by itself."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ....model import Array, Model
from ....parity import golden_sets
from ....parity.rule import bound
from .interface import Interface
from .layout import BITS, rounded
from .numbers import floats
from .template import runtime

# Short sequences that saturate, stand still and hit the edges; one row of each.
SETS = ("t1", "saturating", "constant", "edges")
LONGEST = 8


def self_test_of(model: Model, interface: Interface, weights: str) -> str:
    """The text of NAME_self_test and its vectors, judged by the parity rule's own bounds."""
    vectors = list(_vectors(rounded(model, BITS[weights])))
    xs = np.concatenate([x.ravel() for x, _, _ in vectors])
    ys, bounds = (np.concatenate([vector[index].ravel() for vector in vectors]) for index in (1, 2))
    words = {
        "TEST_STEPS": ", ".join(str(len(x)) for x, _, _ in vectors),
        "TEST_COUNT": str(len(vectors)),
        "TEST_X": floats(xs),
        "TEST_Y": floats(ys),
        "TEST_BOUNDS": floats(bounds),
        "TEST_LONGEST": str(max(len(x) for x, _, _ in vectors)),
        "TEST_ANSWERS": "steps" if interface.every_step else "1",
        "TEST_MOST_ANSWERS": str(max(len(x) for x, _, _ in vectors) if interface.every_step else 1),
    }
    flags = {"step"} if interface.streams else {"whole"}
    return runtime(("self_test.c",), flags | ({"words"} if BITS[weights] < 32 else set()), words)


def _vectors(model: Model) -> Iterator[tuple[Array, Array, Array]]:
    """x `(seq, input_size)`, y and its bound `(answers, output_size)`, float32."""
    for one in golden_sets(model):
        if one.name in SETS:
            x = one.x[:1, :LONGEST]
            cut = type(one).of(one.name, model, x)
            y = cut.y.reshape(-1, cut.y.shape[-1])  # (answers, output_size)
            allowed = bound(cut) * cut.scale
            # Half a float32 step of y on top: the board holds y rounded.
            yield x[0], y.astype(np.float32), (allowed + np.spacing(np.abs(y).astype(np.float32))).astype(np.float32)
